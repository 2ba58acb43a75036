"""UIDs as a type: made only by `parse_uid`, so a value of type `Uid` is safe in a key, a path and a URL."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NewType

from radstream.contract.errors import RejectedInstance

Uid = NewType("Uid", str)

# Components with leading zeros break PS3.5 9.1, but devices send them and they harm nobody: accepted.
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")

IMPLEMENTATION_CLASS_UID: Final = Uid("2.25.240925302173915420987117260943820174333")
"""Radstream's own (0002,0012), without a version so that equal data sets give equal blobs."""

IMPLEMENTATION_VERSION_NAME: Final = "RADSTREAM"


@lru_cache(maxsize=4096)  # one instance's UIDs are checked wherever they come from: command, header, meta group
def parse_uid(text: str) -> Uid:
    """Return `text` as UID, its padding removed.

    Parameters
    ----------
    text : str
        A value of VR UI, possibly padded with NUL or spaces.

    Raises
    ------
    RejectedInstance
        With status 0xA900, if it is empty, longer than 64 characters, or anything but digits and dots.

    References
    ----------
    PS3.5 9.1 UID Encoding Rules.
    """
    stripped = text.strip("\0 ")
    if len(stripped) > 64 or not _UID.fullmatch(stripped):
        raise RejectedInstance("a UID is missing or not made of at most 64 digits and dots", 0xA900)
    return Uid(stripped)
