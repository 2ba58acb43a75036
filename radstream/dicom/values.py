"""From the bytes of one value to what DICOM JSON has for it (PS3.18 F.2), by VR. A bad value is said to be bad."""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Callable
from typing import Any, Final

from radstream.dicom.charset import CharacterSet
from radstream.dicom.dictionary import BULK_VRS

Converted = tuple[list[Any], bool]
"""What stands in "Value" (empty if there is none), and whether the bytes are what their VR asks for."""

Converter = Callable[[bytes, CharacterSet, str], Converted]
"""Takes the bytes, the character set, and "<" or ">" for the byte order."""

LARGEST_EXACT_INTEGER: Final = 1 << 53
"""Readers of JSON keep numbers as binary64; larger integers are given as text (PS3.18 F.2.3)."""

# Both match in one way only, so that they take linear time on whatever comes. 15 digits are exact in binary64.
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]{1,3})?")
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_PADDING: Final = " \0"


def _split(text: str) -> list[str | None]:
    """Return the values of a text without padding, an empty one as None; none at all if the whole is empty."""
    if "\\" not in text:
        text = text.strip(_PADDING)
        return [text] if text else []
    values = [value.strip(_PADDING) or None for value in text.split("\\")]
    return values if any(values) else []


def _plain_text(value: bytes, _charset: CharacterSet, _order: str) -> Converted:
    """Several values in the default repertoire (AE, AS, CS, DA, DT, TM, UI)."""
    if value.isascii():
        return _split(value.decode("ascii")), True
    return _split(value.decode("latin-1")), False


def _charset_texts(value: bytes, charset: CharacterSet, _order: str) -> Converted:
    """Several values in the character set of the data set (LO, SH, UC); spaces in front of one are kept."""
    text, is_exact = charset.decode(value)
    values = [each.rstrip(_PADDING) or None for each in text.split("\\")]
    return values if any(values) else [], is_exact


def _charset_text(value: bytes, charset: CharacterSet, _order: str) -> Converted:
    """One value, in which a backslash is one (LT, ST, UT)."""
    text, is_exact = charset.decode(value)
    text = text.rstrip(_PADDING)
    return [text] if text else [], is_exact


def _uri(value: bytes, _charset: CharacterSet, _order: str) -> Converted:
    """One value in the default repertoire (UR)."""
    text = value.decode("latin-1").strip(_PADDING)
    return [text] if text else [], value.isascii()


def _names(value: bytes, charset: CharacterSet, _order: str) -> Converted:
    """Person names by component group (PS3.18 F.2.2)."""
    text, is_exact = charset.decode(value, is_name=True)
    names = [_name(name) or None for name in text.split("\\")]
    return names if any(names) else [], is_exact


def _name(text: str) -> dict[str, str]:
    groups = [group.strip(_PADDING) for group in text.split("=")[:3]]
    return {key: group for key, group in zip(_GROUPS, groups, strict=False) if group}


def _integer_strings(value: bytes, charset: CharacterSet, order: str) -> Converted:
    """IS as numbers; what is none stays text, and is bad."""
    texts, _ = _plain_text(value, charset, order)
    numbers = [int(text) if text and _INTEGER.fullmatch(text) else text for text in texts]
    return numbers, not any(isinstance(number, str) for number in numbers)


def _decimal_strings(value: bytes, charset: CharacterSet, order: str) -> Converted:
    """DS as numbers; what is none, or has no end, stays text, and is bad."""
    texts, _ = _plain_text(value, charset, order)
    numbers = [_decimal(text) if text else None for text in texts]
    return numbers, not any(isinstance(number, str) for number in numbers)


def _decimal(text: str) -> float | str:
    if not _DECIMAL.fullmatch(text):
        return text
    number = float(text)
    return number if math.isfinite(number) else text


def _tags(value: bytes, _charset: CharacterSet, order: str) -> Converted:
    """AT as eight hexadecimal digits."""
    count = len(value) // 4
    halves = struct.unpack_from(f"{order}{2 * count}H", value)
    return [f"{halves[i]:04X}{halves[i + 1]:04X}" for i in range(0, 2 * count, 2)], len(value) % 4 == 0


def _unpacker(code: str) -> Callable[[bytes, str], tuple[Any, ...]]:
    """Return what unpacks as many numbers as there are whole ones; the usual single one without delay."""
    size = struct.calcsize(f"<{code}")
    single = {order: struct.Struct(f"{order}{code}").unpack for order in "<>"}

    def unpack(value: bytes, order: str) -> tuple[Any, ...]:
        if len(value) == size:
            return single[order](value)
        return struct.unpack_from(f"{order}{len(value) // size}{code}", value)

    return unpack


def _numbers(code: str) -> Converter:
    """Return the converter of a binary integer VR, of which at most 53 bits are given as number."""
    size = struct.calcsize(f"<{code}")
    unpack = _unpacker(code)

    def convert(value: bytes, _charset: CharacterSet, order: str) -> Converted:
        numbers = list(unpack(value, order))
        if size == 8:
            numbers = [number if abs(number) <= LARGEST_EXACT_INTEGER else str(number) for number in numbers]
        return numbers, len(value) % size == 0

    return convert


def _floats(code: str) -> Converter:
    """Return the converter of FL or FD; JSON has no NaN and no infinity, so these are text."""
    size = struct.calcsize(f"<{code}")
    unpack = _unpacker(code)

    def convert(value: bytes, _charset: CharacterSet, order: str) -> Converted:
        numbers = unpack(value, order)
        if all(map(math.isfinite, numbers)):
            return list(numbers), len(value) % size == 0
        return [number if math.isfinite(number) else _special(number) for number in numbers], False

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

WORD_BYTES: Final = {
    **dict.fromkeys(("AT", "OW", "SS", "US"), 2),
    **dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}
"""By VR, the size of the words whose byte order the transfer syntax decides; of all others it is 1."""

REFERABLE_VRS: Final = BULK_VRS | {
    *("DS", "FD", "FL", "IS", "LT", "SL", "SS", "ST", "SV", "UC", "UL", "US", "UT", "UV"),
}
"""VRs whose values may be given as bulk data (PS3.18 F.2.2)."""


def to_little_endian(value: bytes, vr: str) -> bytes:
    """Return a big endian value of a bulk VR as bulk data has it: words little endian (PS3.18 8.7.3)."""
    return swap_words(value, WORD_BYTES.get(vr, 1))


def swap_words(value: bytes, size: int) -> bytes:
    """Return `value` with the bytes of each word of `size` bytes reversed; an incomplete last one stays as it is."""
    whole = len(value) - len(value) % size
    swapped = bytearray(value)
    for offset in range(size):
        swapped[offset:whole:size] = value[size - 1 - offset : whole : size]
    return bytes(swapped)


def to_inline(value: bytes) -> str:
    """Return bytes as "InlineBinary" has them (PS3.18 F.2.7)."""
    return base64.b64encode(value).decode("ascii")
