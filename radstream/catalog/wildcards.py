"""The patterns of `filters.Wildcard`, taken apart for the adapters."""

from __future__ import annotations

from typing import Final

from radstream.contract.errors import MalformedRequest

_LONGEST_PATTERN: Final = 1024  # no attribute that is matched is longer than this
_LAST_CHARACTER: Final = chr(0x10FFFF)


def split(pattern: str) -> tuple[str, str]:
    """Return `pattern` up to its first wildcard, and from there on.

    Raises
    ------
    MalformedRequest
        If it is longer than 1024 characters.
    """
    if len(pattern) > _LONGEST_PATTERN:
        raise MalformedRequest(f"a pattern is longer than {_LONGEST_PATTERN} characters")
    length = next((index for index, character in enumerate(pattern) if character in "*?"), len(pattern))
    return pattern[:length], pattern[length:]


def behind(prefix: str) -> str | None:
    """Return the first text behind all those that begin with `prefix`, in the order of UTF-8; None if there is none."""
    start = prefix.rstrip(_LAST_CHARACTER)
    if not start:
        return None
    following = ord(start[-1]) + 1
    return start[:-1] + chr(following if not 0xD800 <= following <= 0xDFFF else 0xE000)
