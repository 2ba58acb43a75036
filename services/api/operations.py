"""What the operations page shows and does: how far the services are behind, dead letters, storage, who may call.

What one engine does not tell is null; the page says so, and shows the rest.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.bus.set_aside import discard, find, find_all, name_of, replay
from radstream.catalog.filters import EVERYTHING
from radstream.contract.documents import INSTANCES, STUDIES
from radstream.contract.errors import MalformedRequest, RadstreamError, UnsafeConfiguration
from radstream.contract.topics import TOPICS, dead_letter_topic
from radstream.settings import Settings
from radstream.web.same_origin import refuse_other_origins
from services.api.arrivals import Arrivals
from services.api.echo import called_by, echo, known_entities

MOST_LETTERS: Final = 500
LONGEST_BODY: Final = 1 << 20

_REASONS: Final = ("error-type", "error-text", "attempts", "original-topic")
_SERVICES: Final = {dead_letter_topic(topic.name, group): group for topic in TOPICS for group in topic.consumers}
_T = TypeVar("_T")


def router(backends: Backends, settings: Settings, arrivals: Arrivals) -> APIRouter:
    """Return the routes below /operations."""
    door = _Door(backends, settings, arrivals)
    routes = APIRouter(prefix="/operations", include_in_schema=False)
    routes.add_api_route("/state", door.state, methods=["GET"])
    routes.add_api_route("/dead-letters/replay", door.replay, methods=["POST"])
    routes.add_api_route("/dead-letters/discard", door.discard, methods=["POST"])
    routes.add_api_route("/echo", door.echo, methods=["POST"])
    return routes


class _Door:
    """Answers requests."""

    def __init__(self, backends: Backends, settings: Settings, arrivals: Arrivals) -> None:
        self._backends = backends
        self._settings = settings
        self._arrivals = arrivals

    async def state(self, request: Request) -> Response:
        """Answer with everything that the page shows."""
        lags, letters, counts, disk = await asyncio.gather(
            _known(self._lags()), _known(self._letters()), _known(self._counts()), asyncio.to_thread(self._disk)
        )
        return _json(
            {
                "arrivals": self._arrivals.per_minute,
                "lags": lags,
                "dead_letters": letters,
                "storage": {"counts": counts, "disk": disk},
                "ae_titles": await asyncio.to_thread(self._ae_titles),
                "own": {"ae_title": self._settings.ae_title, "port": self._settings.dimse_ports[0]},
            }
        )

    async def replay(self, request: Request) -> Response:
        """Put the dead letters that are named back into their topics.

        Raises
        ------
        MalformedRequest
            If the body is not JSON with ``names``, a list of texts.
        NotFound
            If there is no such dead letter any more.
        """
        letters = await find(self._backends.bus, _names(await self._wish(request)))
        await replay(self._backends.bus, letters)
        return _json({"replayed": len(letters)})

    async def discard(self, request: Request) -> Response:
        """Give the dead letters that are named up; errors as of `replay`."""
        letters = await find(self._backends.bus, _names(await self._wish(request)))
        await discard(self._backends.bus, letters)
        return _json({"discarded": len(letters)})

    async def echo(self, request: Request) -> Response:
        """Call our own DIMSE door, or who the AE table has an address of, and tell how it went."""
        wish = await self._wish(request)
        return _json(await echo(await asyncio.to_thread(called_by, wish, self._settings)))

    async def _wish(self, request: Request) -> Mapping[str, Any]:
        """Return what a page of ours asks to be done.

        Raises
        ------
        HTTPException
            403, if a page from elsewhere asks.
        MalformedRequest
        """
        refuse_other_origins(request, self._settings)
        return await _body(request)

    async def _lags(self) -> list[dict[str, Any]]:
        consumers = [(topic.name, group) for topic in TOPICS for group in topic.consumers]
        lags = await asyncio.gather(*(self._backends.bus.lag(group, [topic]) for topic, group in consumers))
        return [
            {"service": group, "topic": topic, "lag": lag} for (topic, group), lag in zip(consumers, lags, strict=True)
        ]

    async def _letters(self) -> dict[str, Any]:
        letters = await find_all(self._backends.bus)
        shown = [
            {
                "name": name_of(letter),
                "service": _SERVICES.get(letter.topic, ""),
                "study": letter.key,
                **{name: letter.headers.get(name, "") for name in _REASONS},
            }
            for letter in letters[-MOST_LETTERS:]
        ]
        return {"total": len(letters), "shown": shown}

    async def _counts(self) -> dict[str, int]:
        studies, instances = await asyncio.gather(
            self._backends.catalog.count(STUDIES.name, EVERYTHING),
            self._backends.catalog.count(INSTANCES.name, EVERYTHING),
        )
        return {"studies": studies, "instances": instances}

    def _disk(self) -> dict[str, int] | None:
        """Return the room of the disk that the blobs are on; None if they are not on one of this machine."""
        try:
            usage = shutil.disk_usage(Path(self._settings.engine_url("blobs")))
        except OSError:
            return None
        return {"total_bytes": usage.total, "free_bytes": usage.free}

    def _ae_titles(self) -> list[dict[str, Any]] | None:
        """Return who may call; None if the table cannot be read."""
        try:
            entities = known_entities(self._settings)
        except UnsafeConfiguration:
            return None
        return [
            {
                "ae_title": entity.ae_title,
                "hosts": [str(host) for host in entity.hosts],
                "urgent": entity.urgent,
                "is_called": entity.address is not None,
            }
            for entity in entities
        ]


async def _known(asked: Awaitable[_T]) -> _T | None:
    try:
        return await asked
    except RadstreamError:
        return None


async def _body(request: Request) -> Mapping[str, Any]:
    """Return the JSON object that was sent.

    A form of another site cannot send this content type without being asked by the browser whether it may.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise MalformedRequest("what is to be done is said in application/json")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_BODY:
            raise MalformedRequest(f"the body is longer than {LONGEST_BODY} bytes")
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest("the body is not JSON") from error
    if not isinstance(given, dict):
        raise MalformedRequest("the body is not a JSON object")
    return given


def _names(given: Mapping[str, Any]) -> list[str]:
    names = given.get("names")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise MalformedRequest("names is a list of the names of dead letters")
    return names


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), headers={"cache-control": "no-store"}, media_type="application/json")
