"""The HTTP door in: STOW-RS, the Store transaction (PS3.18 10.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from radstream.backends import Backends
from radstream.contract.errors import MalformedRequest, RejectedInstance
from radstream.contract.uids import parse_uid
from radstream.settings import Settings
from radstream.telemetry import code_path, get_logger
from radstream.web.links import base_url
from radstream.web.media_types import MediaType, parse_media_type
from radstream.web.multipart import boundary_of, parts
from radstream.web.problems import RETRY_AFTER_S, problem
from services.ingest.accept import Accepting
from services.ingest.file import Outcome, accept_file
from services.ingest.identity import Origin
from services.ingest.stow_response import Links, http_status, response_module

log = get_logger(__name__)

DICOM: Final = "application/dicom"

File = tuple[MediaType | None, AsyncIterator[bytes]]
"""The media type of a part (None if it cannot be read) and its bytes."""


def router(backends: Backends, settings: Settings) -> APIRouter:
    """Return the routes of STOW-RS.

    The answer is always ``application/dicom+json``, whatever the Accept header says: that a client would rather read
    something else is no reason to refuse its images (RFC 9110 12.5.1).
    """
    accepting = Accepting(backends, settings)
    routes = APIRouter()

    @routes.post("/dicom-web/studies")
    async def store(request: Request) -> Response:
        return await _store(accepting, Origin("stow"), request, base_url(request, settings))

    @routes.post("/dicom-web/studies/{study_instance_uid}")
    async def store_in_study(study_instance_uid: str, request: Request) -> Response:
        origin = Origin("stow", study_instance_uid=_study(study_instance_uid))
        return await _store(accepting, origin, request, base_url(request, settings))

    return routes


def _study(text: str) -> str:
    try:
        return parse_uid(text)
    except RejectedInstance as error:
        raise MalformedRequest("the study in the URL is not a UID") from error


async def _store(accepting: Accepting, origin: Origin, request: Request, base: str) -> Response:
    files = _files(request)
    if files is None:
        return problem(415, f"send multipart/related; type={DICOM}, or {DICOM}")
    outcomes = await _accept_all(accepting, origin, files)
    status = http_status(outcomes)
    body = orjson.dumps(response_module(outcomes, Links(f"{base}/dicom-web")))
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status in (503, 507) else {}
    return Response(body, status, headers, media_type="application/dicom+json")


async def _accept_all(accepting: Accepting, origin: Origin, files: AsyncIterator[File]) -> list[Outcome]:
    """Take in every file; one that is refused does not stop the others.

    Raises
    ------
    MalformedRequest
        If there is no file, or the framing is broken before anything was decided. Breaks it later, the rest counts as
        one more failure, since what was stored is stored.
    """
    outcomes: list[Outcome] = []
    try:
        async for media_type, chunks in files:
            outcomes.append(await _accept_one(accepting, origin, media_type, chunks))
    except MalformedRequest as error:
        if not outcomes:
            raise
        outcomes.append(Outcome(None, error=error))
    if not outcomes:
        raise MalformedRequest("the request holds no instance")
    return outcomes


async def _accept_one(
    accepting: Accepting, origin: Origin, media_type: MediaType | None, chunks: AsyncIterator[bytes]
) -> Outcome:
    if media_type is None or media_type.name != DICOM:
        return Outcome(None, error=RejectedInstance(f"a part is not {DICOM}"))
    try:
        return await accept_file(accepting, origin, chunks)
    except (MalformedRequest, ClientDisconnect):
        raise
    except Exception as error:  # noqa: BLE001 - a door: our bug fails this instance, not the others
        log.error("store_failed", error_type=type(error).__name__, reason=code_path(error))
        return Outcome(None, error=error)


def _files(request: Request) -> AsyncIterator[File] | None:
    """Return the files in the body, or None if it is of a type that cannot be stored.

    Raises
    ------
    MalformedRequest
        If it has no usable boundary.
    """
    content_type = request.headers.get("content-type", "")
    media_type = _media_type(content_type)
    if media_type is None:
        return None
    if media_type.name == DICOM:
        return _single(request)
    if media_type.name == "multipart/related" and media_type.parameters.get("type", DICOM).lower() == DICOM:
        return _related(request, boundary_of(content_type))
    return None


def _media_type(text: str) -> MediaType | None:
    try:
        return parse_media_type(text)
    except MalformedRequest:
        return None


async def _single(request: Request) -> AsyncIterator[File]:
    yield MediaType(DICOM), _not_empty(request.stream())


async def _related(request: Request, boundary: str) -> AsyncIterator[File]:
    async for part in parts(request.stream(), boundary):
        yield _media_type(part.headers.get("content-type", DICOM)), part.stream()


async def _not_empty(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    is_empty = True
    async for chunk in body:
        is_empty = is_empty and not chunk
        yield chunk
    if is_empty:
        raise MalformedRequest("the request is empty")
