from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.dicom.temporal import comparable_date, comparable_times


@given(st.dates(min_value=datetime.date(1000, 1, 1)))
def test_every_day_of_the_calendar_is_a_date(day: datetime.date) -> None:
    assert comparable_date(day.strftime("%Y%m%d")) == day.strftime("%Y%m%d")
    assert comparable_date(day.strftime(" %Y.%m.%d ")) == day.strftime("%Y%m%d")


@pytest.mark.parametrize(
    "text", ["", "2026", "20260229", "20261301", "00000000", "2026.0102", "2026-01-02", "\uff120260102"]
)
def test_what_is_no_day_is_no_date(text: str) -> None:
    assert comparable_date(text) is None


@given(st.times())
def test_every_time_of_the_day_compares_as_text(time: datetime.time) -> None:
    written = time.strftime("%H%M%S.%f")
    assert comparable_times(written) == (written, written)
    first, last = comparable_times(time.strftime("%H%M")) or ("", "")
    assert first <= written <= last


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("07", "070000.000000", "075959.999999"),
        ("0709", "070900.000000", "070959.999999"),
        ("070959", "070959.000000", "070959.999999"),
        ("070959.1", "070959.100000", "070959.199999"),
        ("07:09:59.12", "070959.120000", "070959.129999"),
        ("235960 ", "235960.000000", "235960.999999"),
    ],
)
def test_a_time_of_low_precision_is_a_period(text: str, first: str, last: str) -> None:
    assert comparable_times(text) == (first, last)


@pytest.mark.parametrize(
    "text", ["", "7", "24", "0760", "070961", "07095", "070959.", "070959.1234567", "\uff10\uff17", "07:0959", "noon"]
)
def test_what_is_no_time_of_the_day_is_none(text: str) -> None:
    assert comparable_times(text) is None
