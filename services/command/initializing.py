"""`radstream init`: topics, buckets, collections and indexes, made where they are missing, however often it runs.

What there is to make is told by `contract.topics` and `contract.documents`. The services make it too, as soon as they
meet an engine that lacks it; made beforehand, by one who may create, they need no right to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from radstream.backends import Create, creations, insist, open_backends
from radstream.contract.errors import Unavailable
from radstream.settings import Settings


async def initialize(settings: Settings, deadline_s: float) -> Mapping[str, str]:
    """Make what is missing in every engine, all at once, and wait for those that are away.

    Parameters
    ----------
    deadline_s : float
        How long, in seconds.

    Returns
    -------
    mapping of str to str
        By engine an empty text if it has everything, or why it did not get it in time.

    Raises
    ------
    UnsafeConfiguration
        If a URL means nothing.
    ExceptionGroup
        Of `UnsafeConfiguration`, if an engine does not keep what it must.
    """
    async with open_backends(settings, creating=()) as backends:
        wanted = creations(backends)
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(_outcome(create, deadline_s)) for name, create in wanted.items()}
        return {name: task.result() for name, task in tasks.items()}


async def _outcome(create: Create, deadline_s: float) -> str:
    try:
        await insist(create, deadline_s)
    except Unavailable as error:
        return str(error)
    return ""
