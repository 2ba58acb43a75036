"""The one file that knows which driver speaks to MongoDB: motor, or PyMongo's own asynchronous client.

Motor is looked after until May 2027. The rest of this room uses only what both have in common: ``find`` and its
``to_list``, ``count_documents``, ``bulk_write``, ``create_indexes`` and ``command``.
"""

from __future__ import annotations

import inspect
import os
from typing import Any, Literal

Driver = Literal["motor", "pymongo"]


def open_client(driver: Driver, url: str, **options: Any) -> Any:
    """Return a client, to be used in the event loop that runs now.

    Raises
    ------
    pymongo.errors.PyMongoError, ValueError
        If `url` makes no sense.
    """
    if driver == "pymongo":
        from pymongo import AsyncMongoClient

        return AsyncMongoClient(url, **options)
    # Motor waits for the server in threads, 5 for each core unless told otherwise: too few to fill the connections.
    os.environ.setdefault("MOTOR_MAX_WORKERS", str(options["maxPoolSize"]))
    from motor.motor_asyncio import AsyncIOMotorClient

    return AsyncIOMotorClient(url, **options)


async def close_client(client: Any) -> None:
    """Close the connections of `client`; motor does it at once, PyMongo has to be awaited."""
    outcome = client.close()
    if inspect.isawaitable(outcome):
        await outcome
