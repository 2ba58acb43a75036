"""The api service: QIDO-RS, WADO-RS and the pages of the workstation, until it is told to stop."""

from __future__ import annotations

import asyncio

from radstream.backends import open_backends
from radstream.retrieval.transcoding import Transcoding
from radstream.settings import Settings
from radstream.web.doors import open_doors
from services.api import (
    capabilities,
    dictionary,
    feed,
    ohif,
    operations,
    qido,
    start_page,
    study_list,
    wado,
    workstation,
)
from services.api.arrivals import Arrivals


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
        routers = [
            qido.router(backends, settings),
            wado.router(backends, settings, transcoding),
            capabilities.router(settings),
            study_list.router(backends),
            feed.router(backends, stop),
            dictionary.router(),
            operations.router(backends, settings, arrivals),
            ohif.router(settings),
            workstation.router(),
            start_page.router(backends, settings),
        ]
        checks = {"blob store": backends.blobs.check, "catalog": backends.catalog.check}
        await open_doors("Radstream api", routers, settings, stop, checks=checks)
