"""What dates and times mean in a query, as predicates of the catalog (PS3.4 C.2.2.2.5). Pure.

Either may be a range, each end of which may be open. A time of reduced precision is all of its period. A date and the
time that belongs to it, if both are ranges of the same form, are one range of moments (*combined datetime matching*):
``20240101-20240102`` and ``1800-0600`` are one night, not two evenings.
"""

from __future__ import annotations

from typing import Final

from radstream.catalog.filters import And, Equals, Or, Predicate, Range
from radstream.contract.errors import MalformedRequest
from radstream.dicom.temporal import comparable_date, comparable_times

PAIRS: Final = {"00080020": "00080030", "00400244": "00400245"}
"""The tags of dates and of the times that belong to them."""

Ends = tuple[str | None, str | None]
"""First and last of a range in comparable form; None is an open end."""


def date_predicate(name: str, field: str, value: str) -> Predicate | None:
    """Return that `field` is a day in `value`; None if every one is.

    Raises
    ------
    MalformedRequest
        If it is neither a date nor a range of dates; the text names the attribute `name`.
    """
    if value in {"", "*"}:
        return None
    low, high = _dates(name, value)
    return Equals(field, low) if low and low == high else Range(field, low, high)


def time_predicate(name: str, field: str, value: str) -> Predicate | None:
    """Return that `field` is a time in `value`; None if every one is. Errors as of `date_predicate`."""
    if value in {"", "*"}:
        return None
    return Range(field, *_times(name, value))


def are_combined(dates: str, times: str) -> bool:
    """Tell whether both are ranges, open at the same ends."""
    forms = [[bool(end.strip()) for end in value.split("-")] for value in (dates, times)]
    return forms[0] == forms[1] and len(forms[0]) == 2


def moment_predicate(names: tuple[str, str], fields: tuple[str, str], values: tuple[str, str]) -> Predicate:
    """Return that a date and a time are a moment in a combined range.

    Parameters
    ----------
    names, fields, values : pair of str
        Of the date, and of the time.
    """
    (first_day, last_day), (first_time, last_time) = _dates(names[0], values[0]), _times(names[1], values[1])
    date, time = fields
    parts: list[Predicate] = [Range(date, first_day, last_day)]
    if first_day:
        parts.append(Or([Range(date, _neighbour(first_day, 1), None), Range(time, first_time, None)]))
    if last_day:
        parts.append(Or([Range(date, None, _neighbour(last_day, -1)), Range(time, None, last_time)]))
    return And(parts)


def _neighbour(day: str, step: int) -> str:
    """Return the next eight digits; no day of the calendar lies between, whether or not they are one."""
    return f"{int(day) + step:08}"


def _dates(name: str, value: str) -> Ends:
    ends = [comparable_date(end) if end else "" for end in _ends(name, value)]
    if None in ends:
        raise MalformedRequest(f"the value of {name} is no date or range of dates")
    return ends[0] or None, ends[1] or None


def _times(name: str, value: str) -> Ends:
    low, high = (comparable_times(end) if end else ("", "") for end in _ends(name, value))
    if low is None or high is None:
        raise MalformedRequest(f"the value of {name} is no time or range of times")
    return low[0] or None, high[1] or None


def _ends(name: str, value: str) -> tuple[str, str]:
    first, hyphen, last = (part.strip() for part in value.partition("-"))
    if hyphen and not first and not last:
        raise MalformedRequest(f"the range of {name} has no end")
    return first, last if hyphen else first
