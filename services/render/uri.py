"""WADO-URI, the older service of one URL: an instance as DICOM file, picture, document or video (PS3.18 9)."""

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
from radstream.contract.errors import MalformedRequest, UnsupportedInstance
from radstream.retrieval.header_values import HeaderValues
from radstream.retrieval.images import Images
from radstream.retrieval.instance import Instances
from radstream.retrieval.streams import is_stream, stream_of
from radstream.retrieval.transcoding import VERSION, Transcoding
from radstream.settings import Settings
from radstream.web.accept import Offer, accepted, choose_of, parse_accept
from radstream.web.conditional import ranged, unchanged
from radstream.web.media_types import MediaType
from radstream.web.streaming import ended_with_client
from services.render.answer import picture, with_warning
from services.render.asked import Asked
from services.render.kept import Kept
from services.render.media_types import OFFERS, choose_picture
from services.render.pictures import Pictures
from services.render.sandbox import Sandbox
from services.render.states import States
from services.render.uri_parameters import UriParameters, parse_uri_parameters

DICOM: Final = Offer("application/dicom")


def router(
    backends: Backends, settings: Settings, sandbox: Sandbox | None = None, transcoding: Transcoding | None = None
) -> APIRouter:
    """Return the route /wado.

    Parameters
    ----------
    sandbox, transcoding : optional
        Closed by whoever brings them. Without, the route has its own, whose workers end with this process.
    """
    pictures = Pictures(backends, settings, sandbox or Sandbox(settings.render_workers))
    images = Images(backends.catalog, backends.blobs)
    made = transcoding or Transcoding(backends.previews, settings)
    states, headers = States(backends, pictures), HeaderValues(backends.blobs, images)
    kept = Kept(pictures, backends.previews, settings.keep_rendered)
    door = _Door(kept, states, images, headers, Instances(backends.blobs, images, made))
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/wado", door.answer, methods=["GET"])
    return routes


class _Door:
    """Answers requests."""

    def __init__(self, kept: Kept, states: States, images: Images, headers: HeaderValues, instances: Instances) -> None:
        self._kept = kept
        self._pictures = kept.pictures
        self._states = states
        self._images = images
        self._headers = headers
        self._instances = instances

    async def answer(self, request: Request) -> Response:
        """Answer with the instance in the form that is asked for."""
        parameters = parse_uri_parameters(request.query_params)
        document = await self._document(parameters)
        offer = _choose(request, parameters, document)
        if offer == DICOM:
            return await self._file(request, parameters, document)
        if parameters.transfer_syntax_uid:
            raise MalformedRequest("transferSyntax is for application/dicom only")
        if is_stream(document):
            return await self._stream(request, parameters, document)
        asked = await self._asked(parameters, document)
        return with_warning(await picture(self._kept, request, asked, offer.media_type), parameters.unknown_annotations)

    async def _asked(self, parameters: UriParameters, document: Document) -> Asked:
        wish = parameters.wish(document["Rows"], document["Columns"])
        asked = Asked(document, parameters.frame_index, wish, parameters.quality)
        if parameters.presentation is None:
            return asked
        series, instance = parameters.presentation
        of_series = series_key(parameters.study_instance_uid, series)
        state = await self._pictures.find(And((Equals("_id", instance), Equals("series_key", of_series))))
        return replace(asked, state=await self._states.load(state))

    async def _document(self, parameters: UriParameters) -> Document:
        of_series = series_key(parameters.study_instance_uid, parameters.series_instance_uid)
        where = And((Equals("_id", parameters.sop_instance_uid), Equals("series_key", of_series)))
        return await self._pictures.find(where)

    async def _file(self, request: Request, parameters: UriParameters, document: Document) -> Response:
        """Answer with the DICOM file; in Explicit VR Little Endian if nothing else is asked for."""
        if parameters.of_pictures:
            raise MalformedRequest(f"{', '.join(parameters.of_pictures)} is not for application/dicom")
        syntax = parameters.transfer_syntax_uid
        async with ended_with_client(request.receive):
            made = await self._instances.wanted(document, syntax)
        tag = "" if made.is_stored else f"-{made.transfer_syntax_uid}-{VERSION}"
        media_type = MediaType(DICOM.media_type, {"transfer-syntax": made.transfer_syntax_uid})
        etag = f'"{document["sha256"]}{tag}"'
        return ranged(request, etag, str(media_type), made.value.size_bytes, made.value.stream)

    async def _stream(self, request: Request, parameters: UriParameters, document: Document) -> Response:
        etag = f'"{document["sha256"]}-stream"'
        if (response := unchanged(request, etag)) is not None:
            return response
        found = await stream_of(self._images, self._headers, document)
        choose_of(_ranges(request, parameters), [Offer(found.media_type)])
        return ranged(request, etag, found.media_type, found.value.size_bytes, found.value.stream)


def _choose(request: Request, parameters: UriParameters, document: Document) -> Offer:
    """Return the form in which the instance is sent: a stream is found out about later, by its first bytes."""
    ranges = _ranges(request, parameters)
    if not is_stream(document):
        return choose_picture(ranges, [*OFFERS, DICOM])
    try:
        return choose_of([[wanted for wanted in group if wanted.name != "*/*"] for group in ranges], [DICOM])
    except UnsupportedInstance:
        return Offer("*/*")


def _ranges(request: Request, parameters: UriParameters) -> list[list[MediaType]]:
    """Return the media ranges that the client takes: contentType says it, the Accept header only if that is missing."""
    return [parse_accept(parameters.content_type)] if parameters.content_type else accepted(request)
