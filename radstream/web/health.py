"""/healthz (the process gets on), /readyz (what it depends on answers too), /metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import orjson
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from radstream.contract.errors import RadstreamError
from radstream.telemetry import Check

CHECK_TIMEOUT_S: Final = 3.0


def router(checks: Mapping[str, Check], signs_of_life: Mapping[str, Check] | None = None) -> APIRouter:
    """Return the three resources.

    Parameters
    ----------
    checks : mapping of str to Check
        What must work for this process to be of use, each under the name that /readyz gives it.
    signs_of_life : mapping of str to Check, optional
        What only a restart mends, for /healthz. An engine that is away is none of these: nothing would be won.
    """
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def healthz() -> Response:
        return await _verdict(signs_of_life or {}, "alive", "stuck")

    @routes.get("/readyz")
    async def readyz() -> Response:
        return await _verdict(checks, "ready", "not ready")

    @routes.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes


async def _verdict(checks: Mapping[str, Check], good: str, bad: str) -> Response:
    """Return 200 and `good` if every check passes, else 503, `bad`, and which one does not."""
    outcomes = await asyncio.gather(*(_outcome(check) for check in checks.values()))
    is_good = all(outcome == "ok" for outcome in outcomes)
    found = {"checks": dict(zip(checks, outcomes, strict=True))} if checks else {}
    return _json(200 if is_good else 503, {"status": good if is_good else bad, **found})


async def _outcome(check: Check) -> str:
    """Return "ok", or why not in words that hold no patient data."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check()
    except TimeoutError:
        return f"no answer within {CHECK_TIMEOUT_S:g} s"
    except RadstreamError as error:
        return str(error)
    return "ok"


def _json(status: int, content: object) -> Response:
    return Response(orjson.dumps(content), status, {"cache-control": "no-store"}, "application/json")
