"""Groups of three characters, by which text is found from its middle. Pure.

Whatever matches a pattern has every trigram of the pattern; what has them all need not match and is tested.
"""

from __future__ import annotations

import re
from typing import Final

LENGTH: Final = 3
MOST_ASKED: Final = 16
"""Trigrams of one pattern that are looked up; more select no better."""

_WILDCARDS: Final = re.compile(r"[*?]")


def trigrams_of(text: str) -> list[str]:
    """Return the different trigrams of `text` in their order; none if it is shorter."""
    return list(dict.fromkeys(text[start : start + LENGTH] for start in range(len(text) - LENGTH + 1)))


def trigrams_in(pattern: str) -> list[str]:
    """Return trigrams that every text has that matches `pattern`, see `filters.Wildcard`; none if no run is so long."""
    runs = _WILDCARDS.split(pattern)
    found = dict.fromkeys(trigram for run in runs for trigram in trigrams_of(run))
    return list(found)[:MOST_ASKED]
