"""From the bytes of one value to what DICOM JSON has for it (PS3.18 F.2), by VR. A bad value is said to be bad."""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from radstream.dicom.charset import CharacterSet


class Value(NamedTuple):
    """A converted value.

    Parameters
    ----------
    values : list
        What stands in "Value"; empty if there is none.
    is_good : bool
        Whether the bytes are what their VR asks for.
    """

    values: list[Any]
    is_good: bool = True


Converter = Callable[[bytes, CharacterSet, str], Value]
"""Takes the bytes, the character set, and "<" or ">" for the byte order."""

LARGEST_EXACT_INTEGER: Final = 1 << 53
"""Readers of JSON keep numbers as binary64; larger integers are given as text (PS3.18 F.2.3)."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[Ee][+-]?[0-9]{1,3})?")
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_PADDING: Final = " \0"


def _texts(text: str, *, strip_leading: bool) -> list[str | None]:
    """Return the values of a text, an empty one as None; none at all if the whole is empty."""
    values = text.split("\\")
    stripped = [value.strip(_PADDING) if strip_leading else value.rstrip(_PADDING) for value in values]
    return [value or None for value in stripped] if any(stripped) else []


def _plain_text(value: bytes, _charset: CharacterSet, _order: str) -> Value:
    """Several values in the default repertoire (AE, AS, CS, DA, DT, TM, UI)."""
    if value.isascii():
        return Value(_texts(value.decode("ascii"), strip_leading=True))
    return Value(_texts(value.decode("latin-1"), strip_leading=True), is_good=False)


def _charset_texts(value: bytes, charset: CharacterSet, _order: str) -> Value:
    """Several values in the character set of the data set (LO, SH, UC)."""
    text, is_exact = charset.decode(value)
    return Value(_texts(text, strip_leading=False), is_exact)


def _charset_text(value: bytes, charset: CharacterSet, _order: str) -> Value:
    """One value, in which a backslash is one (LT, ST, UT)."""
    text, is_exact = charset.decode(value)
    text = text.rstrip(_PADDING)
    return Value([text] if text else [], is_exact)


def _uri(value: bytes, _charset: CharacterSet, _order: str) -> Value:
    """One value in the default repertoire (UR)."""
    text = value.decode("latin-1").strip(_PADDING)
    return Value([text] if text else [], value.isascii())


def _names(value: bytes, charset: CharacterSet, _order: str) -> Value:
    """Person names by component group (PS3.18 F.2.2)."""
    text, is_exact = charset.decode(value, is_name=True)
    names = [_name(name) for name in text.split("\\")]
    return Value([name or None for name in names] if any(names) else [], is_exact)


def _name(text: str) -> dict[str, str]:
    groups = [group.strip(_PADDING) for group in text.split("=")[:3]]
    return {key: group for key, group in zip(_GROUPS, groups, strict=False) if group}


def _integer_strings(value: bytes, charset: CharacterSet, order: str) -> Value:
    """IS as numbers; what is none stays text, and is bad."""
    texts = _plain_text(value, charset, order).values
    numbers = [int(text) if text and _INTEGER.fullmatch(text) else text for text in texts]
    return Value(numbers, not any(isinstance(number, str) for number in numbers))


def _decimal_strings(value: bytes, charset: CharacterSet, order: str) -> Value:
    """DS as numbers; what is none, or has no end, stays text, and is bad."""
    numbers = [_decimal(text) if text else None for text in _plain_text(value, charset, order).values]
    return Value(numbers, not any(isinstance(number, str) for number in numbers))


def _decimal(text: str) -> float | str:
    if not _DECIMAL.fullmatch(text):
        return text
    number = float(text)
    return number if math.isfinite(number) else text


def _tags(value: bytes, _charset: CharacterSet, order: str) -> Value:
    """AT as eight hexadecimal digits."""
    count = len(value) // 4
    halves = struct.unpack_from(f"{order}{2 * count}H", value)
    return Value([f"{halves[i]:04X}{halves[i + 1]:04X}" for i in range(0, 2 * count, 2)], len(value) % 4 == 0)


def _numbers(code: str) -> Converter:
    """Return the converter of a binary integer VR, of which at most 53 bits are given as number."""
    size = struct.calcsize(f"<{code}")

    def convert(value: bytes, _charset: CharacterSet, order: str) -> Value:
        count = len(value) // size
        numbers: list[Any] = list(struct.unpack_from(f"{order}{count}{code}", value))
        if size == 8:
            numbers = [number if abs(number) <= LARGEST_EXACT_INTEGER else str(number) for number in numbers]
        return Value(numbers, len(value) % size == 0)

    return convert


def _floats(code: str) -> Converter:
    """Return the converter of FL or FD; JSON has no NaN and no infinity, so these are text."""
    size = struct.calcsize(f"<{code}")

    def convert(value: bytes, charset: CharacterSet, order: str) -> Value:
        count = len(value) // size
        numbers = struct.unpack_from(f"{order}{count}{code}", value)
        if all(map(math.isfinite, numbers)):
            return Value(list(numbers), len(value) % size == 0)
        return Value([number if math.isfinite(number) else _special(number) for number in numbers], is_good=False)

    return convert


def _special(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


CONVERTERS: Final[dict[str, Converter]] = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "TM", "UI"), _plain_text),
    **dict.fromkeys(("LO", "SH", "UC"), _charset_texts),
    **dict.fromkeys(("LT", "ST", "UT"), _charset_text),
    "UR": _uri,
    "PN": _names,
    "IS": _integer_strings,
    "DS": _decimal_strings,
    "AT": _tags,
    "US": _numbers("H"),
    "SS": _numbers("h"),
    "UL": _numbers("I"),
    "SL": _numbers("i"),
    "UV": _numbers("Q"),
    "SV": _numbers("q"),
    "FL": _floats("f"),
    "FD": _floats("d"),
}
"""By VR, all but SQ and those of `dictionary.BULK_VRS`."""

_WORD_BYTES: Final = {"OW": 2, "OL": 4, "OF": 4, "OV": 8, "OD": 8}


def to_little_endian(value: bytes, vr: str) -> bytes:
    """Return a big endian value of a bulk VR as bulk data has it: words little endian (PS3.18 8.7.3)."""
    size = _WORD_BYTES.get(vr, 1)
    whole = len(value) - len(value) % size
    swapped = bytearray(value)
    for offset in range(size):
        swapped[offset:whole:size] = value[size - 1 - offset : whole : size]
    return bytes(swapped)


def to_inline(value: bytes) -> str:
    """Return bytes as "InlineBinary" has them (PS3.18 F.2.7)."""
    return base64.b64encode(value).decode("ascii")
