"""`/feed`: server-sent events that tell an open page which studies have changed. No patient data: UIDs only.

Each event carries as its id the time of its change. A browser that lost its connection sends the last id that it has
seen (Last-Event-ID), and is told of everything since; what it is told twice it asks for twice. If that is too much to
tell, one event says that everything may have changed.

References
----------
HTML Living Standard 9.2 Server-sent events.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.contract.errors import MalformedRequest
from radstream.contract.events import from_timestamp
from radstream.web.streaming import Streamed
from services.api.watch import MOST_AT_ONCE, Change, Watch

HEARTBEAT_S: Final = 15.0
ATTENTION_S: Final = 1.0
"""How soon a stream sees that the process is to stop."""

_BEGIN: Final = b"retry: 1000\n: listening\n\n"
_HEARTBEAT: Final = b": alive\n\n"
_EVERYTHING: Final = b"event: everything\ndata: {}\n\n"


def router(backends: Backends, stop: asyncio.Event) -> APIRouter:
    """Return the route.

    Parameters
    ----------
    stop : asyncio.Event
        Ends every stream: they would hold up the end of the process otherwise.
    """
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/feed", _Door(Watch(backends.catalog), stop).feed, methods=["GET"])
    return routes


class _Door:
    """Answers requests."""

    def __init__(self, watch: Watch, stop: asyncio.Event) -> None:
        self._watch = watch
        self._stop = stop

    async def feed(self, request: Request) -> Response:
        """Answer with events until the client goes; 503 if too many listen."""
        last = request.headers.get("last-event-id") or request.query_params.get("since") or None
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return Streamed(self._events(_time(last)), "text/event-stream", headers=headers)

    async def _events(self, last: str | None) -> AsyncIterator[bytes]:
        with self._watch.listening() as listener:  # before looking back, so that nothing falls between
            yield _BEGIN + await self._first(last)
            silent_s = 0.0
            while not self._stop.is_set() and not listener.is_lost:
                changes = await listener.next(ATTENTION_S)
                silent_s = 0.0 if changes else silent_s + ATTENTION_S
                if changes:
                    yield encode(changes)
                elif silent_s >= HEARTBEAT_S:
                    silent_s = 0.0
                    yield _HEARTBEAT

    async def _first(self, last: str | None) -> bytes:
        """Return what a client has missed; for one that is new an id alone, so that it can miss nothing from now on."""
        if last is None:
            newest = await self._watch.newest()
            return b"id: %b\n\n" % newest.encode() if newest else b""
        missed = await self._watch.since(last)
        return _EVERYTHING if len(missed) > MOST_AT_ONCE else encode(missed)


def encode(changes: Sequence[Change]) -> bytes:
    """Return `changes` as events."""
    return b"".join(
        b"id: %b\nevent: study\ndata: %b\n\n"
        % (
            change.at.encode(),
            orjson.dumps({"uid": change.study_instance_uid, "instances": change.number_of_instances}),
        )
        for change in changes
    )


def _time(last: str | None) -> str | None:
    """Return the id that a client has seen last, if it is one of ours."""
    try:
        if last is not None:
            from_timestamp(last)
    except ValueError as error:
        raise MalformedRequest("the last event is named by the id that it had") from error
    return last
