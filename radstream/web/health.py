"""/healthz (the process answers), /readyz (what it depends on answers too), /metrics."""

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


def router(checks: Mapping[str, Check]) -> APIRouter:
    """Return the three resources.

    Parameters
    ----------
    checks : mapping of str to Check
        What must work for this process to be of use, each under the name that /readyz gives it.
    """
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def healthz() -> Response:
        return _json(200, {"status": "alive"})

    @routes.get("/readyz")
    async def readyz() -> Response:
        outcomes = await asyncio.gather(*(_outcome(check) for check in checks.values()))
        found = dict(zip(checks, outcomes, strict=True))
        is_ready = all(outcome == "ok" for outcome in outcomes)
        return _json(200 if is_ready else 503, {"status": "ready" if is_ready else "not ready", "checks": found})

    @routes.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes


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
