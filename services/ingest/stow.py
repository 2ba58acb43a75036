"""The HTTP door in: STOW-RS, the Store transaction (PS3.18 10.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from radstream.backends import Backends
from radstream.blobs.port import BlobStore
from radstream.contract.errors import MalformedRequest, RadstreamError, RejectedInstance
from radstream.contract.uids import parse_uid
from radstream.dicom.xml import to_xml
from radstream.settings import Settings
from radstream.telemetry import code_path, get_logger
from radstream.web.accept import Offer, choose
from radstream.web.links import base_url
from radstream.web.media_types import MediaType
from radstream.web.problems import RETRY_AFTER_S, problem
from radstream.web.related import Content, related
from services.ingest.accept import Accepting
from services.ingest.composing import Composing
from services.ingest.file import Outcome, accept_file
from services.ingest.identity import Origin
from services.ingest.locations import Base
from services.ingest.metadata import DICOM_JSON, DICOM_XML
from services.ingest.payload import DICOM, STORED, Part, parts_of
from services.ingest.pictures import Pictures
from services.ingest.stow_response import RETRIEVE_URL, Links, http_status, response_module

log = get_logger(__name__)

JSON: Final = Offer(DICOM_JSON)
"""The answer to whoever does not ask for XML: no reason to refuse images is that a client would rather read another."""

ANSWERS: Final = (JSON, Offer(DICOM_XML), Offer(DICOM_XML, is_multipart=True))


def router(backends: Backends, settings: Settings, pictures: Pictures | None = None) -> APIRouter:
    """Return the routes of STOW-RS.

    Parameters
    ----------
    pictures : Pictures, optional
        What decodes PNG and GIF; without it the routes have their own.
    """
    door = _Door(Accepting(backends, settings), backends.previews, settings, pictures or Pictures())
    routes = APIRouter()

    @routes.post("/dicom-web/studies")
    async def store(request: Request) -> Response:
        return await door.store(request, Origin("stow"))

    @routes.post("/dicom-web/studies/{study_instance_uid}")
    async def store_in_study(study_instance_uid: str, request: Request) -> Response:
        origin = Origin("stow", study_instance_uid=_study(study_instance_uid))
        return await door.store(request, origin)

    return routes


def _study(text: str) -> str:
    try:
        return parse_uid(text)
    except RejectedInstance as error:
        raise MalformedRequest("the study in the URL is not a UID") from error


@dataclass(frozen=True)
class _Door:
    """What all requests share."""

    accepting: Accepting
    cache: BlobStore
    settings: Settings
    pictures: Pictures

    async def store(self, request: Request, origin: Origin) -> Response:
        """Take in everything that a request holds, and tell what became of it."""
        base = base_url(request, self.settings)
        parts = parts_of(request)
        if parts is None:
            return problem(415, f"send {', '.join(STORED)}, or multipart/related with one of them as its type")
        location = Base(f"{base}{request.url.path}")
        composing = Composing(self.accepting, origin, self.cache, location, self.pictures)
        try:
            outcomes = await self._accept_all(parts, origin, composing)
        finally:
            await composing.close()
        return _answer(request, outcomes, Links(f"{base}/dicom-web"))

    async def _accept_all(self, parts: AsyncIterator[Part], origin: Origin, composing: Composing) -> list[Outcome]:
        """Take in every part; one that is refused does not stop the others.

        Raises
        ------
        MalformedRequest
            If there is no instance, or the framing is broken before anything was decided. Breaks it later, the rest
            counts as one more failure, since what was stored is stored.
        """
        outcomes: list[Outcome] = []
        try:
            async for part in parts:
                outcomes += await _safely(self._accept(part, origin, composing))
        except MalformedRequest as error:
            if not outcomes:
                raise
            outcomes.append(Outcome(None, error=error))
        outcomes += await _safely(composing.finish())
        if not outcomes:
            raise MalformedRequest("the request holds no instance")
        return outcomes

    async def _accept(self, part: Part, origin: Origin, composing: Composing) -> list[Outcome]:
        """Take in one part, which is an instance, metadata of instances, or their bulk data."""
        if part.name == DICOM and not part.is_encoded:
            return [await accept_file(self.accepting, origin, part.chunks)]
        if part.name in (DICOM_JSON, DICOM_XML) and not part.is_encoded:
            return await composing.describe(part)
        return await composing.take(part)


async def _safely(outcomes: Awaitable[list[Outcome]]) -> list[Outcome]:
    """Return the outcomes of a part; our own bug fails this one, not the others."""
    try:
        return await outcomes
    except (MalformedRequest, ClientDisconnect):
        raise
    except Exception as error:  # noqa: BLE001 - a door
        log.error("store_failed", error_type=type(error).__name__, reason=code_path(error))
        return [Outcome(None, error=error)]


def _answer(request: Request, outcomes: list[Outcome], links: Links) -> Response:
    """Return the Store Instances Response Module in the media type that the client likes best."""
    status = http_status(outcomes)
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status in (503, 507) else {}
    module, offer = response_module(outcomes, links), _offer(request)
    if RETRIEVE_URL in module:
        headers["Location"] = module[RETRIEVE_URL]["Value"][0]
    if offer is JSON:
        return Response(orjson.dumps(module), status, headers, media_type=offer.media_type)
    document = to_xml(module)
    if offer.is_multipart:
        content = Content(MediaType(offer.media_type), len(document), lambda: _once(document))
        return related([content], content.media_type, status_code=status, headers=headers)
    return Response(document, status, headers, media_type=offer.media_type)


async def _once(document: bytes) -> AsyncIterator[bytes]:
    yield document


def _offer(request: Request) -> Offer:
    try:
        return choose(request, ANSWERS)
    except RadstreamError:
        return JSON
