"""What a field takes and what it keeps, the same in every adapter."""

from __future__ import annotations

from typing import Any, Final

from radstream.contract.documents import Field

KEY: Final = Field("_id")
"""The key, as a field."""


def normalised(field: Field, value: Any) -> str | int | bytes | list[str] | None:
    """Return `value` in the one form in which it is kept: an empty list is no value.

    Raises
    ------
    TypeError
        If it is not of the field's kind.
    ValueError
        If it is an integer of more than 64 bits or text that is no Unicode (lone surrogates).
    """
    if value is None:
        return None
    if field.kind == "list" and isinstance(value, list | tuple):
        return [_text(field, element) for element in value] or None
    if field.kind == "text":
        return _text(field, value)
    if field.kind == "bytes" and isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if field.kind == "int" and isinstance(value, int) and not isinstance(value, bool):
        if not fits(value):
            raise ValueError(f"{field.name} has more than 64 bits")
        return value
    raise TypeError(f"{field.name} takes {field.kind}, not {type(value).__name__}")


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{field.name} takes text, not {type(value).__name__}")
    if not is_unicode(value):
        raise ValueError(f"{field.name} has text that is no Unicode")
    return value


def may_be(field: Field, value: str | int) -> bool:
    """Tell whether `field` can have `value`, which is asked for: of its kind, and such that it can be kept."""
    if isinstance(value, str):
        return field.kind != "int" and is_unicode(value)
    return field.kind == "int" and fits(value)


def fits(value: int) -> bool:
    """Tell whether `value` has at most 64 bits, its sign included."""
    return -(1 << 63) <= value < 1 << 63


def is_unicode(text: str) -> bool:
    """Tell whether `text` has a UTF-8 form (no lone surrogates)."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
