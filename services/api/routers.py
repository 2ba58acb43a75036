"""The routers of everything that goes out, for the process that serves them alone and for the one that serves all."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from radstream.backends import Backends
from radstream.retrieval.transcoding import Transcoding
from radstream.settings import Settings
from services.api import (
    capabilities,
    dictionary,
    feed,
    offered,
    ohif,
    operations,
    qido,
    start_page,
    study_list,
    wado,
    workstation,
)
from services.api.arrivals import Arrivals


def routers(
    backends: Backends, settings: Settings, stop: asyncio.Event, *, transcoding: Transcoding, arrivals: Arrivals
) -> list[APIRouter]:
    """Return the routers, in the order in which they are asked.

    Parameters
    ----------
    stop : asyncio.Event
        Ends what would go on for ever: the live feed.
    """
    return [
        qido.router(backends, settings),
        wado.router(backends, settings, transcoding),
        capabilities.router(settings),
        study_list.router(backends),
        feed.router(backends, stop),
        dictionary.router(),
        operations.router(backends, settings, arrivals),
        offered.router(settings),
        ohif.router(settings),
        workstation.router(),
        start_page.router(backends, settings),
    ]
