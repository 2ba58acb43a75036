"""The HTTP door: rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4).

The picture of an instance is that of its first frame (of its middle one for thumbnails), or moves if the client asks
for that. Studies and series are sent in parts, a picture of each instance; their thumbnails show one for all.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.catalog.filters import And, Equals
from radstream.catalog.port import Document
from radstream.contract.documents import series_key
from radstream.contract.errors import MalformedRequest, NotFound, RejectedInstance, UnsupportedInstance
from radstream.contract.uids import Uid, parse_uid
from radstream.retrieval.header_values import HeaderValues
from radstream.retrieval.images import Images
from radstream.retrieval.streams import is_stream, stream_of
from radstream.settings import Settings
from radstream.web.accept import Offer, accepted, choose
from radstream.web.conditional import cache_headers, ranged, unchanged
from radstream.web.links import base_url
from services.render import representative
from services.render.answer import in_parts, picture, with_warning
from services.render.asked import RENDERING, Asked
from services.render.encode import JPEG, is_moving
from services.render.enhancement.mark import HEADER, name_of
from services.render.kept import PREVIEW_SIDE, SIDES, Kept
from services.render.media_types import IN_PARTS, OFFERS, choose_picture, choose_pictures
from services.render.parameters import Parameters, Viewport, frame_indexes, parse_parameters, representative_frame
from services.render.pictures import Pictures
from services.render.reconstruction.camera import parse_camera
from services.render.reconstruction.door import Reconstruction
from services.render.reconstruction.view import View, parse_view
from services.render.reconstruction.volumes import Volumes
from services.render.representative import instances_of
from services.render.sandbox import Sandbox
from services.render.secondary_capture import CAPTURE
from services.render.source import number_of_frames
from services.render.states import States, is_presentation_state

PREFIX: Final = "/dicom-web"

MOST_MOVING_FRAMES: Final = 1_000
MOST_MOVING_PIXELS: Final = 1 << 27
"""Of all frames of a moving picture together."""

_KEPT_SIDES: Final = {
    Parameters(): PREVIEW_SIDE,
    **{Parameters(viewport=Viewport(side, side)): side for side in SIDES},
}
"""What a kept thumbnail answers."""

_STUDY: Final = "/studies/{study}"
_SERIES: Final = f"{_STUDY}/series/{{series}}"
_INSTANCE: Final = f"{_SERIES}/instances/{{instance}}"


def router(
    backends: Backends, settings: Settings, sandbox: Sandbox | None = None, volumes: Volumes | None = None
) -> APIRouter:
    """Return the routes below /dicom-web.

    Parameters
    ----------
    sandbox, volumes : Sandbox, Volumes, optional
        Closed by whoever brings them. Without them the routes have their own, whose workers end with this process.
    """
    pictures = Pictures(backends, settings, sandbox or Sandbox(settings.render_workers))
    reconstruction = Reconstruction(backends, volumes or Volumes(backends, settings))
    door = _Door(backends, pictures, reconstruction, settings)
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)
    for path, answer in (
        (f"{_INSTANCE}/frames/{{frames}}/rendered", door.rendered),
        (f"{_INSTANCE}/rendered", door.rendered),
        (f"{_SERIES}/rendered", door.rendered_many),
        (f"{_STUDY}/rendered", door.rendered_many),
        (f"{_SERIES}/renderedmpr", door.rendered_mpr),
        (f"{_INSTANCE}/frames/{{frames}}/thumbnail", door.thumbnail),
        (f"{_INSTANCE}/thumbnail", door.thumbnail),
        (f"{_SERIES}/thumbnail", door.thumbnail),
        (f"{_STUDY}/thumbnail", door.thumbnail),
    ):
        routes.add_api_route(path, answer, methods=["GET"])
    return routes


class _Door:
    """Answers requests."""

    def __init__(
        self, backends: Backends, pictures: Pictures, reconstruction: Reconstruction, settings: Settings
    ) -> None:
        self._backends = backends
        self._settings = settings
        self._pictures = pictures
        self._kept = Kept(pictures, backends.previews, settings.keep_rendered)
        self._reconstruction = reconstruction
        self._states = States(backends, pictures)
        self._images = Images(backends.catalog, backends.blobs)
        self._headers = HeaderValues(backends.blobs, self._images)

    async def rendered(self, request: Request) -> Response:
        """Answer with the pictures of an instance or of frames, or with the document or video that an instance is."""
        parameters = parse_parameters(request.query_params)
        document = await self._instance(request)
        if is_stream(document):
            return await self._stream(request, document)
        asked = await self._asked(request, document, parameters)
        return _told(await self._answer(request, asked), parameters)

    async def rendered_many(self, request: Request) -> Response:
        """Answer with a picture of each instance of a study or series, its first frame, in parts; or with a plane."""
        parameters = parse_parameters(request.query_params)
        if (view := parse_view(request.query_params)) is not None:
            return await self._plane(request, view, parameters)
        media_type = choose_pictures(accepted(request), may_move=False).media_type
        uids = await instances_of(self._backends.catalog, _uid(request, "study"), _series(request))

        async def ask(uid: str) -> Asked:
            document = await self._pictures.find(Equals("_id", uid))
            wish = parameters.wish(document["Rows"], document["Columns"])
            return Asked(document, 0, wish, parameters.quality)

        parts = [partial(ask, uid) for uid in uids]
        answer = in_parts(self._kept, parts, media_type, self._base(request))
        return _told(answer, parameters)

    async def rendered_mpr(self, request: Request) -> Response:
        """Answer with a plane that is named in the words of the Standard (PS3.18 10.4.1.1.7)."""
        return await self._plane(request, parse_camera(request.query_params), parse_parameters(request.query_params))

    async def _plane(self, request: Request, view: View, parameters: Parameters) -> Response:
        """Answer with a plane through the volume that a series makes."""
        series = _series(request)
        if series is None:
            raise MalformedRequest("planes lie in a series: …/series/…/rendered")
        made = await self._reconstruction.picture(request, (_uid(request, "study"), series), view, parameters)
        return _told(made, parameters)

    async def thumbnail(self, request: Request) -> Response:
        """Answer with a small picture; with 404 and the reason if there is none."""
        parameters = parse_parameters(request.query_params)
        document = await self._instance(request)
        media_type = choose_picture(accepted(request)).media_type
        try:
            side = _KEPT_SIDES.get(parameters) if media_type == JPEG else None
            if side is None or "frames" in request.path_params or is_presentation_state(document):
                answer = await self._small_picture(request, document, parameters, media_type)
                return _told(answer, parameters)
            etag = f'"{document["sha256"]}-thumbnail-{side}-{RENDERING}"'
            return unchanged(request, etag) or Response(
                await self._kept.thumbnail(document, side), headers=cache_headers(etag), media_type=JPEG
            )
        except UnsupportedInstance as error:
            raise NotFound(f"there is no thumbnail: {error}") from error

    async def _small_picture(
        self, request: Request, document: Document, parameters: Parameters, media_type: str
    ) -> Response:
        asked = (await self._asked(request, document, parameters, is_small=True))[0]
        if asked.wish.box is None:
            asked = replace(asked, wish=replace(asked.wish, box=(PREVIEW_SIDE, PREVIEW_SIDE)))
        return await picture(self._kept, request, asked, media_type)

    async def _asked(
        self, request: Request, document: Document, parameters: Parameters, *, is_small: bool = False
    ) -> list[Asked]:
        """Return the pictures that a path means: of the frames it names, or of a frame that stands for all.

        A presentation state has frames of its own to show; frame numbers in its path count these.
        """
        wish = parameters.wish(document["Rows"], document["Columns"])
        named = frame_indexes(request.path_params["frames"]) if "frames" in request.path_params else ()
        if is_presentation_state(document):
            if parameters.is_for_images_only:
                raise MalformedRequest("a presentation state has its own window and region (PS3.18 table 8.3.5-1)")
            shown = await self._states.pictures(document, wish, parameters.quality)
            if any(index >= len(shown) for index in named):
                raise NotFound(f"the presentation state shows {len(shown)} frames")
            return [shown[index] for index in named] or shown
        default = representative_frame(number_of_frames(document)) if is_small else 0
        return [Asked(document, index, wish, parameters.quality) for index in named or (default,)]

    async def _answer(self, request: Request, asked: list[Asked]) -> Response:
        """Send one picture alone, several in parts or moving."""
        first = asked[0]
        offer = self._offer(request, asked)
        if is_moving(offer.media_type) and not offer.is_multipart:
            others = [each.frame_index for each in asked[1:]]
            if "frames" not in request.path_params and first.state is None:
                others = list(range(1, number_of_frames(first.document)))
            _refuse_long_film(first, len(others) + 1)
            return await picture(self._kept, request, replace(first, more=tuple(others)), offer.media_type)
        if offer.is_multipart:
            parts = [partial(_ready, each) for each in asked]
            return in_parts(self._kept, parts, offer.media_type, self._base(request))
        return await picture(self._kept, request, first, offer.media_type)

    def _offer(self, request: Request, asked: list[Asked]) -> Offer:
        if len(asked) == 1:
            is_made = bool(asked[0].wish.enhancement) and asked[0].state is None
            return choose_picture(accepted(request), (*OFFERS, *IN_PARTS, *([CAPTURE] if is_made else [])))
        is_one_image = len({each.document["SOPInstanceUID"] for each in asked}) == 1
        return choose_pictures(accepted(request), may_move=is_one_image)

    def _base(self, request: Request) -> str:
        return f"{base_url(request, self._settings)}{PREFIX}"

    async def _stream(self, request: Request, document: Document) -> Response:
        """Answer with the document or video in an instance, whole or the range that the client asks for."""
        found = await stream_of(self._images, self._headers, document)
        try:
            choose(request, [Offer(found.media_type)])
        except UnsupportedInstance as error:
            raise UnsupportedInstance(f"the instance is rendered as {found.media_type} only") from error
        etag = f'"{document["sha256"]}-stream"'
        return ranged(request, etag, found.media_type, found.value.size_bytes, found.value.stream)

    async def _instance(self, request: Request) -> Document:
        """Return the document of the instance that the path names, or that stands for the series or study it names."""
        study = _uid(request, "study")
        if "series" not in request.path_params:
            return await representative.of_study(self._backends.catalog, study)
        series = _uid(request, "series")
        if "instance" not in request.path_params:
            return await representative.of_series(self._backends.catalog, study, series)
        # All levels must agree: an instance of another study is not here.
        of_series = Equals("series_key", series_key(study, series))
        return await self._pictures.find(And((Equals("_id", _uid(request, "instance")), of_series)))


def _told(answer: Response, parameters: Parameters) -> Response:
    """Return `answer` with what its headers say of all of its pictures."""
    if parameters.enhancement:
        answer.headers[HEADER] = name_of(parameters.enhancement)
    return with_warning(answer, parameters.unknown_annotations)


async def _ready(asked: Asked) -> Asked:
    return asked


def _refuse_long_film(asked: Asked, frames: int) -> None:
    samples = frames * (asked.document["Rows"] or 0) * (asked.document["Columns"] or 0)
    if frames > MOST_MOVING_FRAMES or samples > MOST_MOVING_PIXELS:
        raise UnsupportedInstance(
            f"a moving picture has at most {MOST_MOVING_FRAMES} frames, {MOST_MOVING_PIXELS} pixels: name some frames"
        )


def _series(request: Request) -> Uid | None:
    return _uid(request, "series") if "series" in request.path_params else None


def _uid(request: Request, level: str) -> Uid:
    try:
        return parse_uid(request.path_params[level])
    except RejectedInstance as error:
        raise MalformedRequest(str(error)) from error
