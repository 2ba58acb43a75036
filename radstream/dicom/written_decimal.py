"""Numbers as Decimal Strings: a value of VR DS has 16 characters at most (PS3.5 6.2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

LONGEST: Final = 16
"""Characters of one value."""


def decimal_string(number: float) -> tuple[str, bool]:
    """Return a finite number as DS, and whether it is exactly that binary64 number.

    Of the spellings that are exact the first that is short enough is taken, so that a value that came from a DS of any
    spelling always fits. If none is, the number is rounded, to as many digits as there is room for.
    """
    if isinstance(number, int) and len(text := str(number)) <= LONGEST:
        return text, True
    for text in _spellings(Decimal(repr(number))):
        if len(text) <= LONGEST:
            return text, True
    return _rounded(number), False


def _rounded(number: float) -> str:
    for digits in range(LONGEST, 0, -1):
        for text in _spellings(Decimal(f"{number:.{digits}e}")):
            if len(text) <= LONGEST and math.isfinite(float(text)):
                return text
    raise AssertionError("one digit and an exponent of three always fit")


def _spellings(number: Decimal) -> Iterator[str]:
    """Yield what the same number may look like, the usual one first."""
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # it is finite
    minus, mantissa = "-" * sign, "".join(map(str, digits)).lstrip("0") or "0"
    stripped = mantissa.rstrip("0") or "0"
    exponent += len(mantissa) - len(stripped)
    yield from (f"{minus}{text}" for text in _plain(stripped, exponent))
    if len(stripped) > 1:
        yield f"{minus}{stripped[0]}.{stripped[1:]}e{exponent + len(stripped) - 1}"
    yield f"{minus}{stripped}e{exponent}"


def _plain(mantissa: str, exponent: int) -> Iterator[str]:
    """Yield the spellings without exponent, unless they are absurdly long."""
    if mantissa == "0":
        yield "0"
    elif 0 <= exponent <= LONGEST:
        yield mantissa + "0" * exponent
    elif -2 * LONGEST <= exponent < 0:
        padded = mantissa.rjust(1 - exponent, "0")
        whole, fraction = padded[:exponent], padded[exponent:]
        yield f"{whole}.{fraction}"
        if whole == "0":
            yield f".{fraction}"
