"""From what DICOM JSON has for the values of an attribute to their bytes, by VR: the way back of `values`.

What cannot be said in the VR is refused; a value is never replaced by something like it. The one exception are numbers
of VR DS, of which 16 characters can be kept: whoever asks for the bytes is told whether that was enough.

References
----------
PS3.18 F.2.2 to F.2.5 (values by VR), PS3.5 6.2 (VRs), 6.4 (several values, padding).
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from radstream.contract.errors import RejectedInstance
from radstream.dicom.written_decimal import decimal_string

Values = Sequence[Any]
Written = tuple[bytes, bool]
"""The bytes, little endian, not padded; and whether they say exactly what the values do."""

_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[Ee][+-]?[0-9]{1,3})?")
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_NOT_FINITE: Final = {
    **dict.fromkeys(("nan", "NaN"), math.nan),
    **dict.fromkeys(("inf", "Infinity"), math.inf),
    **dict.fromkeys(("-inf", "-Infinity"), -math.inf),
}

CHARSET_VRS: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""VRs whose text is in the character set of the data set; all others are in the default repertoire (PS3.5 6.1.2.2)."""


class Unwritable(Exception):
    """A value that its VR cannot hold; the text says why, without the value."""


def _joined(values: Values, vr: str) -> Written:
    """Several texts, of which none can hold the backslash between them."""
    return b"\\".join(_text(value, vr, separators="\\") for value in values), True


def _single(values: Values, vr: str) -> Written:
    """One text, in which a backslash is one (LT, ST, UT, UR)."""
    if len(values) > 1:
        raise Unwritable("it can have one value only")
    return b"".join(_text(value, vr) for value in values), True


def _text(value: Any, vr: str, separators: str = "") -> bytes:
    if value is None:
        return b""
    if not isinstance(value, str):
        raise Unwritable("a value is no text")
    if any(separator in value for separator in separators):
        raise Unwritable("a value holds the character that separates values")
    try:
        return value.encode("utf-8" if vr in CHARSET_VRS else "latin-1")
    except UnicodeEncodeError as error:
        raise Unwritable("a value has a character that its VR cannot hold") from error


def _names(values: Values, vr: str) -> Written:
    return b"\\".join(_name(value, vr) for value in values), True


def _name(value: Any, vr: str) -> bytes:
    """Write a name by component group; some writers give it as one text (PS3.18 F.2.2)."""
    if not isinstance(value, dict):
        return _text(value, vr, separators="\\")
    if not value.keys() <= set(_GROUPS):
        raise Unwritable("a name has something else than its three component groups")
    groups = [_text(value.get(group), vr, separators="\\=") for group in _GROUPS]
    return b"=".join(groups).rstrip(b"=")


def _integer_strings(values: Values, _vr: str) -> Written:
    return b"\\".join(_integer_string(value) for value in values), True


def _integer_string(value: Any) -> bytes:
    if value is None or isinstance(value, str):
        return _text(value, "IS", separators="\\")
    return str(_integer(value)).encode("ascii")


def _decimal_strings(values: Values, _vr: str) -> Written:
    written = [_decimal_string(value) for value in values]
    return b"\\".join(text for text, _ in written), all(is_exact for _, is_exact in written)


def _decimal_string(value: Any) -> Written:
    if value is None or isinstance(value, str):
        return _text(value, "DS", separators="\\"), True
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unwritable("a value is no number")
    text, is_exact = decimal_string(value)
    return text.encode("ascii"), is_exact


def _integer(value: Any) -> int:
    """Return an integer that is given as such, as text (PS3.18 F.2.3), or as number without fraction."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip(" ")):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise Unwritable("a value is no integer")
    return int(value)


def _integers(code: str) -> Callable[[Values, str], Written]:
    """Return what writes the values of a binary integer VR."""
    pack = struct.Struct(f"<{code}").pack

    def write(values: Values, _vr: str) -> Written:
        try:
            return b"".join([pack(_integer(value)) for value in values]), True
        except struct.error as error:
            raise Unwritable("an integer is too large or too small") from error

    return write


def _floats(code: str) -> Callable[[Values, str], Written]:
    """Return what writes the values of FL or FD."""
    pack = struct.Struct(f"<{code}").pack

    def write(values: Values, _vr: str) -> Written:
        try:
            return b"".join([pack(_float(value)) for value in values]), True
        except (OverflowError, struct.error) as error:
            raise Unwritable("a number is too large") from error

    return write


def _float(value: Any) -> float:
    if isinstance(value, str):
        if value in _NOT_FINITE:
            return _NOT_FINITE[value]
        if not _NUMBER.fullmatch(value.strip(" ")):
            raise Unwritable("a value is no number")
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unwritable("a value is no number")
    return float(value)


def _tags(values: Values, _vr: str) -> Written:
    return b"".join(map(_tag, values)), True


def _tag(value: Any) -> bytes:
    if not isinstance(value, str) or not _TAG.fullmatch(value):
        raise Unwritable("a value is no tag of eight hexadecimal digits")
    return struct.pack("<HH", int(value[:4], 16), int(value[4:], 16))


_WRITERS: Final[dict[str, Callable[[Values, str], Written]]] = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UC", "UI"), _joined),
    **dict.fromkeys(("LT", "ST", "UR", "UT"), _single),
    "PN": _names,
    "IS": _integer_strings,
    "DS": _decimal_strings,
    "AT": _tags,
    "US": _integers("H"),
    "SS": _integers("h"),
    "UL": _integers("I"),
    "SL": _integers("i"),
    "UV": _integers("Q"),
    "SV": _integers("q"),
    "FL": _floats("f"),
    "FD": _floats("d"),
}


def write_values(vr: str, values: Values) -> Written:
    """Return the bytes of the values of an attribute; see `Written`.

    Parameters
    ----------
    vr : str
        Any but SQ and those of `dictionary.BULK_VRS`.
    values : sequence
        As they stand in "Value"; one that is null is empty.

    Raises
    ------
    RejectedInstance
        If the VR cannot hold them. The text tells the VR, never a value.
    """
    if vr not in _WRITERS:
        raise RejectedInstance(f"VR {vr[:2]} has no values of its own")
    try:
        return _WRITERS[vr](() if list(values) == [None] else values, vr)
    except Unwritable as error:
        raise RejectedInstance(f"an attribute of VR {vr} cannot be written: {error}") from error
