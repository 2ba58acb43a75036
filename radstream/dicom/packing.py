"""DICOM JSON as the catalog keeps it: packed with zstd, a quarter of its size.

Making a decompressor takes longer than using it for one header, so each thread has one of its own (they are not to be
shared between threads).
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Final

import zstandard

_LEVEL: Final = 3


class _Own(threading.local):
    """What one thread packs and unpacks with."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


@cache
def _own() -> _Own:
    return _Own()


def pack(encoded: bytes) -> bytes:
    """Return `encoded` packed."""
    return _own().compressor.compress(encoded)


def unpack(packed: bytes) -> bytes:
    """Return what `pack` made `packed` of; what we packed ourselves needs no limit."""
    return _own().decompressor.decompress(packed)
