"""Dates and times in a form that compares as text, for matching (PS3.5 6.2, VR DA and TM).

The point- and colon-separated forms of ACR-NEMA, which PS3.5 asks readers to accept, are understood too.
"""

from __future__ import annotations

import datetime
import re

_DATE = re.compile(r"(\d{4})(\.?)(\d\d)\2(\d\d)", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3])(?:(:?)([0-5]\d)(?:\2([0-5]\d|60)(?:\.(\d{1,6}))?)?)?", re.ASCII)


def comparable_date(text: str) -> str | None:
    """Return a value of VR DA as ``YYYYMMDD``; None if it is no day of the calendar."""
    match = _DATE.fullmatch(text.strip(" \0"))
    if match is None:
        return None
    year, _, month, day = match.groups()
    try:
        datetime.date(int(year), int(month), int(day))
    except ValueError:
        return None
    return f"{year}{month}{day}"


def comparable_times(text: str) -> tuple[str, str] | None:
    """Return the first and the last moment that a value of VR TM may mean, as ``HHMMSS.FFFFFF``.

    A time that leaves out its minutes or seconds is one of unknown precision: ``10`` is all of the hour.

    Returns
    -------
    tuple of str, or None
        None if it is no time of the day.
    """
    match = _TIME.fullmatch(text.strip(" \0"))
    if match is None:
        return None
    hour, _, minute, second, fraction = match.groups()
    first = f"{hour}{minute or '00'}{second or '00'}.{(fraction or '').ljust(6, '0')}"
    last = f"{hour}{minute or '59'}{second or '59'}.{(fraction or '').ljust(6, '9')}"
    return first, last
