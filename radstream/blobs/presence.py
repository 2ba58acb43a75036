"""Whether a blob is there."""

from __future__ import annotations

from radstream.blobs.port import BlobStore
from radstream.contract.errors import NotFound


async def exists(blobs: BlobStore, key: str) -> bool:
    """Tell whether there is a blob under `key`.

    Raises
    ------
    Unavailable
        If the store does not answer: no answer is not taken for "no".
    """
    try:
        await blobs.stat(key)
    except NotFound:
        return False
    return True
