"""The api service: QIDO-RS, WADO-RS and the pages of the workstation, until it is told to stop."""

from __future__ import annotations

import asyncio

from radstream.backends import open_backends
from radstream.retrieval.transcoding import Transcoding
from radstream.settings import Settings
from radstream.web.doors import open_doors
from services.api.arrivals import Arrivals
from services.api.routers import routers


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve everything that goes out until `stop` is set; requests that have begun are finished.

    Raises
    ------
    UnsafeConfiguration
        If the port is taken.
    """
    async with (
        open_backends(settings, ("catalog", "preview cache")) as backends,  # of the log it only tells how it is
        Transcoding(backends.previews, settings) as transcoding,
        Arrivals(backends.bus) as arrivals,
    ):
        doors = routers(backends, settings, stop, transcoding=transcoding, arrivals=arrivals)
        checks = {"blob store": backends.blobs.check, "catalog": backends.catalog.check}
        await open_doors("Radstream api", doors, settings, stop, checks=checks)
