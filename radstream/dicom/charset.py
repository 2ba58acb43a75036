"""Character sets (PS3.3 C.12.1.1.2, PS3.5 6.1): from bytes to text, also where the declaration is wrong or missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.charset import CODES_TO_ENCODINGS, python_encoding

_ASCII: Final = "iso8859"  # what pydicom's tables call the default repertoire
_ESCAPE = b"\x1b"
_FRAGMENTS = re.compile(rb"^[^\x1b]+|\x1b[^\x1b]*")
_STAND_ALONE: Final = frozenset({"utf-8", "gb18030", "gbk"})  # without code extensions (PS3.3 table C.12-5)

# These codecs of Python want the escape sequence; the others want the bare bytes.
_TAKES_ESCAPE: Final = frozenset({"iso2022_jp", "iso2022_jp_2"})

# What ends the effect of an escape sequence (PS3.5 6.1.2.5.3).
_RESET: Final = re.compile(rb"[\t\n\f\r\\]")
_RESET_IN_NAME: Final = re.compile(rb"[\t\n\f\r\\^=]")


def _normalised(name: str) -> str:
    """Return the letters and digits of a defined term: real ones have every kind of dash, space and case."""
    return re.sub(r"[^A-Z0-9]", "", name.upper())


_ENCODINGS: Final[dict[str, str]] = {
    **{_normalised(term): str(encoding).lower() for term, encoding in python_encoding.items()},
    **dict.fromkeys(("ISOIR192", "ISO2022IR192", "UTF8", "UNICODE"), "utf-8"),
    **dict.fromkeys(("ISO88591", "LATIN1"), "latin_1"),
    **{f"ISO8859{part}": f"iso8859_{part}" for part in (2, 3, 4, 5, 6, 7, 8, 9)},
    **{f"ISOIR{number}": encoding for number, encoding in ((87, "iso2022_jp"), (159, "iso2022_jp_2"))},
    **{f"ISOIR{number}": encoding for number, encoding in ((149, "euc_kr"), (58, "iso_ir_58"))},
}


@dataclass(frozen=True)
class CharacterSet:
    """What (0008,0005) Specific Character Set says.

    Parameters
    ----------
    encodings : tuple of str
        Names of Python's codecs, the initial one first, then those that escape sequences may bring in.
    """

    encodings: tuple[str, ...] = (_ASCII,)

    def decode(self, value: bytes, *, is_name: bool = False) -> tuple[str, bool]:
        """Return the text of a whole value (all its parts), and whether it was what is declared.

        What cannot be decoded is replaced by U+FFFD. Without a declaration that allows anything but ASCII the bytes
        are read as UTF-8 if they are valid, else as Latin-1.

        Parameters
        ----------
        is_name : bool
            The value is of VR PN, where ``^`` and ``=`` end the effect of escape sequences too.
        """
        if value.isascii() and _ESCAPE not in value:
            return value.decode("ascii"), True  # which is part of every set
        if _ESCAPE not in value or self.encodings[0] in _STAND_ALONE:
            return _decode(value, self.encodings[0])
        reset = _RESET_IN_NAME if is_name else _RESET
        decoded = [self._decode_fragment(fragment, reset) for fragment in _FRAGMENTS.findall(value)]
        return "".join(text for text, _ in decoded), all(is_exact for _, is_exact in decoded)

    def _decode_fragment(self, fragment: bytes, reset: re.Pattern[bytes]) -> tuple[str, bool]:
        """Decode what follows one escape sequence, or stands before the first one."""
        if not fragment.startswith(_ESCAPE):
            return _decode(fragment, self.encodings[0])
        size = 4 if fragment.startswith((b"\x1b$(", b"\x1b$)")) else 3
        encoding = str(CODES_TO_ENCODINGS.get(fragment[:size], "")).lower()
        if not encoding:
            return _decode(fragment[size:], self.encodings[0])[0], False
        is_declared = encoding in self.encodings or encoding == _ASCII
        if encoding in _TAKES_ESCAPE:
            text, is_exact = _decode(fragment, encoding)
            return text, is_exact and is_declared
        text, is_exact = self._decode_until_reset(fragment[size:], encoding, reset)
        return text, is_exact and is_declared

    def _decode_until_reset(self, value: bytes, encoding: str, reset: re.Pattern[bytes]) -> tuple[str, bool]:
        """Decode in `encoding` up to a delimiter, the rest in the initial encoding.

        Some writers do not repeat the escape sequence after a delimiter; if the rest is not valid in the initial
        encoding it is read in the one before.
        """
        delimiter = reset.search(value)
        if delimiter is None:
            return _decode(value, encoding)
        head, is_exact = _decode(value[: delimiter.start()], encoding)
        rest, is_rest_exact = _decode(value[delimiter.start() :], self.encodings[0])
        if not is_rest_exact:
            rest, _ = _decode(value[delimiter.start() :], encoding)
        return head + rest, is_exact and is_rest_exact


DEFAULT_CHARACTER_SET: Final = CharacterSet()


def character_set(terms: Sequence[object]) -> tuple[CharacterSet, bool]:
    """Return what the values of (0008,0005) mean, and whether all of them are defined terms, spelt right.

    Stand-alone sets (UTF-8, GB18030, GBK) exclude code extensions: as first value they are the only one, further on
    they are left out.

    References
    ----------
    PS3.3 C.12.1.1.2 Specific Character Set.
    """
    names = [term.strip() if isinstance(term, str) else "" for term in terms] or [""]
    encodings = [_ENCODINGS.get(_normalised(name), _ASCII) for name in names]
    are_defined = all(name in python_encoding for name in names)
    if encodings[0] in _STAND_ALONE:
        return CharacterSet((encodings[0],)), are_defined
    extensions = (encoding for encoding in encodings[1:] if encoding not in _STAND_ALONE)
    return CharacterSet((encodings[0], *extensions)), are_defined


def _decode(value: bytes, encoding: str) -> tuple[str, bool]:
    """Return the text of `value` in one encoding, and whether it is valid."""
    if encoding == _ASCII:
        return _decode_undeclared(value)
    try:
        return value.decode(encoding), True
    except UnicodeDecodeError:
        return value.decode(encoding, "replace"), False


def _decode_undeclared(value: bytes) -> tuple[str, bool]:
    """Return the text of bytes that should be ASCII; devices send UTF-8 or Latin-1 without saying so."""
    if value.isascii():
        return value.decode("ascii"), True
    try:
        return value.decode("utf-8"), False
    except UnicodeDecodeError:
        return value.decode("latin-1"), False
