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


def matches(pattern: str, text: str) -> bool:
    """Tell whether `text` is what `pattern` means; the time is bounded by the product of their lengths."""
    at = index = taken = 0
    star = -1
    while index < len(text):
        if pattern[at : at + 1] == "*":
            star, taken = at, index
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[index]):
            at, index = at + 1, index + 1
        elif star >= 0:  # let the last star take one more character
            taken += 1
            at, index = star + 1, taken
        else:
            return False
    return not pattern[at:].strip("*")
