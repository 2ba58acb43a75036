"""Joins the parts of ingest: its doors, and what sweeps up behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from radstream.backends import Backends, open_backends
from radstream.settings import Settings
from radstream.web.doors import open_doors
from services.ingest import delete, scp, stow
from services.ingest.spool import tidy
from services.ingest.sweep import Sweep

DOORS: Final = ("dimse", "stow")


async def run(settings: Settings, stop: asyncio.Event, doors: Sequence[str] = DOORS) -> None:
    """Take instances in until `stop` is set, then let go of the senders and end.

    Parameters
    ----------
    doors : sequence of {"dimse", "stow"}
        Which doors to open; on one machine STOW-RS and DELETE are served by the web process.
    """
    # It has no business with the catalog.
    creating = ("log", "blob store")  # the sweep looks into the store before the first instance comes
    async with open_backends(settings, creating) as backends, asyncio.TaskGroup() as group:
        group.create_task(Sweep(backends, settings).run(stop))
        group.create_task(tidy(backends.previews, settings.site, stop))
        if "dimse" in doors:
            group.create_task(scp.serve(backends, settings, stop))
        if "stow" in doors:
            group.create_task(_serve_stow(backends, settings, stop))


async def _serve_stow(backends: Backends, settings: Settings, stop: asyncio.Event) -> None:
    checks = {"blob store": backends.blobs.check}  # nothing else is needed to keep what comes
    routers = [stow.router(backends, settings), delete.router(backends, settings)]
    await open_doors("Radstream ingest", routers, settings, stop, checks=checks)
