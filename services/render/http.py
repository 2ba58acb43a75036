"""The HTTP door: rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4).

Pictures are made for single frames: those of an instance without a frame number are its first one (its middle one for
thumbnails). Studies and series are not rendered as a whole yet; their thumbnails show one representative instance.
"""

from __future__ import annotations

from dataclasses import replace
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
from services.render import representative
from services.render.answer import RENDERING, picture
from services.render.media_types import choose_picture
from services.render.parameters import Parameters, Viewport, frame_index, parse_parameters, representative_frame
from services.render.pictures import PREVIEW_SIDE, PREVIEW_TYPE, Pictures
from services.render.sandbox import Sandbox
from services.render.source import number_of_frames

_AS_KEPT: Final = (Parameters(), Parameters(viewport=Viewport(PREVIEW_SIDE, PREVIEW_SIDE)))
"""What the kept preview answers."""

_STUDY: Final = "/studies/{study}"
_SERIES: Final = f"{_STUDY}/series/{{series}}"
_INSTANCE: Final = f"{_SERIES}/instances/{{instance}}"


def router(backends: Backends, settings: Settings, sandbox: Sandbox | None = None) -> APIRouter:
    """Return the routes below /dicom-web.

    Parameters
    ----------
    sandbox : Sandbox, optional
        Closed by whoever brings it. Without one the routes have their own, whose workers end with this process.
    """
    pictures = Pictures(backends, settings, sandbox or Sandbox(settings.render_workers))
    door = _Door(backends, pictures)
    routes = APIRouter(prefix="/dicom-web", include_in_schema=False)
    for path, answer in (
        (f"{_INSTANCE}/frames/{{frames}}/rendered", door.rendered),
        (f"{_INSTANCE}/rendered", door.rendered),
        (f"{_SERIES}/rendered", door.rendered_many),
        (f"{_STUDY}/rendered", door.rendered_many),
        (f"{_INSTANCE}/frames/{{frames}}/thumbnail", door.thumbnail),
        (f"{_INSTANCE}/thumbnail", door.thumbnail),
        (f"{_SERIES}/thumbnail", door.thumbnail),
        (f"{_STUDY}/thumbnail", door.thumbnail),
    ):
        routes.add_api_route(path, answer, methods=["GET"])
    return routes


class _Door:
    """Answers requests."""

    def __init__(self, backends: Backends, pictures: Pictures) -> None:
        self._backends = backends
        self._pictures = pictures
        self._images = Images(backends.catalog, backends.blobs)
        self._headers = HeaderValues(backends.blobs, self._images)

    async def rendered(self, request: Request) -> Response:
        """Answer with the picture of a frame, or with the document or video that an instance is."""
        parameters = parse_parameters(request.query_params)
        index = frame_index(request.path_params["frames"]) if "frames" in request.path_params else 0
        document = await self._instance(request)
        if is_stream(document):
            return await self._stream(request, document)
        return await self._picture(request, document, index, parameters)

    async def rendered_many(self, request: Request) -> Response:
        """Say that only instances and frames are rendered."""
        _uid(request, "study")
        raise UnsupportedInstance("studies and series are rendered one instance at a time: …/instances/…/rendered")

    async def thumbnail(self, request: Request) -> Response:
        """Answer with a small picture; with 404 and the reason if there is none."""
        parameters = parse_parameters(request.query_params)
        document = await self._instance(request)
        media_type = choose_picture(accepted(request)).media_type
        try:
            if "frames" in request.path_params or media_type != PREVIEW_TYPE or parameters not in _AS_KEPT:
                return await self._small_picture(request, document, parameters)
            etag = f'"{document["sha256"]}-preview-{RENDERING}"'
            answer = unchanged(request, etag)
            return answer or Response(
                await self._pictures.preview(document), headers=cache_headers(etag), media_type=PREVIEW_TYPE
            )
        except UnsupportedInstance as error:
            raise NotFound(f"there is no thumbnail: {error}") from error

    async def _small_picture(self, request: Request, document: Document, parameters: Parameters) -> Response:
        named = request.path_params.get("frames")
        index = frame_index(named) if named else representative_frame(number_of_frames(document))
        return await self._picture(request, document, index, parameters, side=PREVIEW_SIDE)

    async def _picture(
        self, request: Request, document: Document, index: int, parameters: Parameters, *, side: int | None = None
    ) -> Response:
        media_type = choose_picture(accepted(request)).media_type
        wish = parameters.wish(document["Rows"], document["Columns"])
        if side is not None and wish.box is None:
            wish = replace(wish, box=(side, side))
        return await picture(self._pictures, request, document, index, wish, media_type, parameters.quality)

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


def _uid(request: Request, level: str) -> Uid:
    try:
        return parse_uid(request.path_params[level])
    except RejectedInstance as error:
        raise MalformedRequest(str(error)) from error
