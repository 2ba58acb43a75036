"""WADO-RS Retrieve Study, Series, Instance: Part 10 files, as they are stored or in another transfer syntax.

Without a ``transfer-syntax`` parameter Explicit VR Little Endian is meant, with ``*`` what is stored. What cannot be
decoded is sent as it is stored to who has not asked for a transfer syntax by its UID (PS3.18 8.7.3.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.catalog.port import Document
from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.compressions import COMPRESSIONS
from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from radstream.retrieval.header_values import HeaderValues
from radstream.retrieval.images import FIELDS, Images
from radstream.retrieval.instance import Instances
from radstream.retrieval.pixel_data import Value, pieces_of
from radstream.retrieval.streams import Stream, is_stream, stream_of
from radstream.settings import Settings
from radstream.web.accept import Offer, choose
from radstream.web.conditional import cache_headers, ranged, unchanged
from radstream.web.links import base_url
from radstream.web.media_types import MediaType
from radstream.web.paths import INSTANCE, SERIES, STUDY
from radstream.web.related import Content, Later, related
from radstream.web.streaming import ended_with_client
from services.api.address import address_of, instance_path, instances_at
from services.api.archive import archive_of
from services.api.tags import entity_tag, tag_of_all

DICOM: Final = "application/dicom"
ZIP: Final = "application/zip"


def add_to(routes: APIRouter, backends: Backends, settings: Settings, images: Images, instances: Instances) -> None:
    """Add the transaction to `routes`."""
    headers = HeaderValues(backends.blobs, images)

    async def retrieve_instance(request: Request) -> Response:
        (document,) = await instances_at(backends.catalog, address_of(request.path_params), FIELDS)
        stream = await stream_of(images, headers, document) if is_stream(document) else None
        location = f"{base_url(request, settings)}{routes.prefix}/{instance_path(document)}"
        return await _one(request, instances, document, stream, location)

    async def retrieve_many(request: Request) -> Response:
        found = await instances_at(backends.catalog, address_of(request.path_params), FIELDS)
        base = f"{base_url(request, settings)}{routes.prefix}"
        wanted = _wanted(request, found)
        if ZIP in {offer.media_type for offer in wanted.values()}:
            return archive_of(request, backends.catalog, instances, found, wanted)
        return _many(request, instances, base, found, wanted)

    for path, handler in ((STUDY, retrieve_many), (SERIES, retrieve_many), (INSTANCE, retrieve_instance)):
        routes.add_api_route(path, handler, methods=["GET"])


@lru_cache(256)
def offers(stored: str, *, may_be_alone: bool) -> tuple[Offer, ...]:
    """Return the representations of an instance that is stored in a transfer syntax, the default one first.

    Parameters
    ----------
    may_be_alone : bool
        It is the only one; several may be in an archive instead.
    """
    found = [
        Offer(DICOM, True, syntax, (), needs_transfer_syntax=number > 0, is_stored=syntax == stored)
        for number, syntax in enumerate(dict.fromkeys((EXPLICIT_VR_LITTLE_ENDIAN, stored, *COMPRESSIONS)))
    ]
    other = DICOM if may_be_alone else ZIP
    return (*found, *(replace(offer, media_type=other, is_multipart=False) for offer in found))


async def _one(
    request: Request, instances: Instances, document: Document, stream: Stream | None, location: str
) -> Response:
    """Return the instance in the best representation that can be made; of several that cannot, the first says why."""
    possible = list(offers(document["TransferSyntaxUID"], may_be_alone=True))
    if stream is not None:
        possible.append(Offer(stream.media_type))
    refusal: UnsupportedInstance | None = None
    while True:
        try:
            offer = choose(request, possible)
        except UnsupportedInstance as error:
            raise refusal or error from error
        etag = entity_tag(document, offer)
        if (response := unchanged(request, etag)) is not None:
            return response
        if stream is not None and offer.media_type == stream.media_type:
            return _alone(request, etag, stream.media_type, stream.value)
        try:
            async with ended_with_client(request.receive):
                value = await instances.instance(document, offer.transfer_syntax_uid)
            break
        except UnsupportedInstance as error:
            refusal = refusal or error
            possible = _without(possible, offer)
    media_type = _media_type(offer.transfer_syntax_uid)
    if not offer.is_multipart:
        return _alone(request, etag, str(media_type), value)
    content = Content(media_type, value.size_bytes, pieces_of(value), location)
    return related([content], media_type, headers=cache_headers(etag))


def _without(possible: Sequence[Offer], failed: Offer) -> list[Offer]:
    """Return what is left when one could not be made; if it was the default, the stored one takes its place."""
    is_default = failed.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN
    left = [offer for offer in possible if offer.transfer_syntax_uid != failed.transfer_syntax_uid]
    return [replace(offer, needs_transfer_syntax=False) if is_default and offer.is_stored else offer for offer in left]


def _alone(request: Request, etag: str, media_type: str, value: Value) -> Response:
    """Return a value alone, or the part of it that the client asks for."""
    return ranged(request, etag, media_type, value.size_bytes, pieces_of(value))


def _many(
    request: Request, instances: Instances, base: str, found: Sequence[Document], wanted: Mapping[str, Offer]
) -> Response:
    """Return those instances that the client accepts as parts; each is made, or opened, when its turn has come."""
    sent = [document for document in found if document["TransferSyntaxUID"] in wanted]
    parts = [(document, wanted[document["TransferSyntaxUID"]]) for document in sent]
    etag = tag_of_all(parts)
    if (response := unchanged(request, etag)) is not None:
        return response
    contents = [_part(instances, document, offer, f"{base}/{instance_path(document)}") for document, offer in parts]
    syntaxes = {offer.transfer_syntax_uid for _, offer in parts}
    media_type = _media_type(*syntaxes) if len(syntaxes) == 1 else MediaType(DICOM)
    status_code = 200 if len(sent) == len(found) else 206
    return related(contents, media_type, status_code=status_code, headers=cache_headers(etag))


def _wanted(request: Request, found: Sequence[Document]) -> dict[str, Offer]:
    """Return by stored transfer syntax what the client accepts of such instances.

    Raises
    ------
    UnsupportedInstance
        If it accepts nothing of any.
    """
    wanted: dict[str, Offer] = {}
    refusal = None
    for syntax in {document["TransferSyntaxUID"]: None for document in found}:
        try:
            kinds = {offer.media_type for offer in wanted.values()}  # all are parts, or all are in one archive
            known = offers(syntax, may_be_alone=False)
            wanted[syntax] = choose(request, [offer for offer in known if not kinds or offer.media_type in kinds])
        except UnsupportedInstance as error:
            refusal = error
    if not wanted and refusal is not None:
        raise refusal
    return wanted


def _part(instances: Instances, document: Document, offer: Offer, location: str) -> Content | Later:
    value = instances.stored(document)
    stored = Content(_media_type(document["TransferSyntaxUID"]), value.size_bytes, pieces_of(value), location)
    if offer.is_stored:
        return stored
    return Later(partial(_made, instances, document, offer.transfer_syntax_uid, stored))


async def _made(instances: Instances, document: Document, target: str, stored: Content) -> Content:
    """Return the content of a part; what cannot be made is sent as it is stored, and its Content-Type says so."""
    made = await instances.made_or_stored(document, target)
    if made.is_stored:
        return stored
    return Content(_media_type(target), made.value.size_bytes, made.value.stream, stored.location)


def _media_type(transfer_syntax_uid: str) -> MediaType:
    return MediaType(DICOM, {"transfer-syntax": transfer_syntax_uid})
