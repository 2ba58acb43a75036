"""Values that are told without pydicom are what pydicom tells."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
from pydicom import Dataset, config
from pydicom.filereader import read_dataset

from radstream.contract.errors import UnsupportedInstance
from services.render.attributes import numbers, text

DS = [
    b"1", b"1 ", b" 1.5 ", b"-1.5E+2 ", b"1\\2", b"1\\2 \\ 3", b"", b" ", b"  ", b"\\", b"1\\", b"\\1", b"1\0", b"nan",
    b"inf", b"1,5 ", b"abc ", b"1_0 ", b"1 2 ", b"\xb2 ", b"0x1f", b"1e400 ",
]  # fmt: skip
CS = [
    b"", b"  ", b"CT", b"CT ", b" CT ", b"CT\0", b"CT\\MR ", b"\\MR ", b"ct", b"A\0B ", b"C\xc4 ", b"HU \\ ", b"\\",
    b"MONOCHROME1 ",
]  # fmt: skip
US = [b"\1\0", b"\0\1", b"\xff\xff", b"", b"\1\0\2\0", b"\1\0\2\0\3\0"]


@pytest.fixture(autouse=True)
def _lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what is malformed, as workers do."""
    monkeypatch.setattr(config.settings, "_reading_validation_mode", config.IGNORE)


def read(tag: tuple[int, int], vr: bytes, value: bytes, *, is_little_endian: bool = True) -> Dataset:
    order = "<" if is_little_endian else ">"
    element = struct.pack(f"{order}HH", *tag) + vr + struct.pack(f"{order}H", len(value)) + value
    return read_dataset(io.BytesIO(element), False, is_little_endian)


def both(function: Callable[[Dataset, str], Any], dataset: Dataset, keyword: str) -> tuple[Any, Any]:
    """Return what is told at first, and once pydicom has made an object of the value."""
    first = outcome(function, dataset, keyword)
    try:
        assert dataset[keyword] is not None
    except (ValueError, TypeError, OverflowError):
        return first, "refused"
    return first, outcome(function, dataset, keyword)


def outcome(function: Callable[[Dataset, str], Any], dataset: Dataset, keyword: str) -> Any:
    try:
        return repr(function(dataset, keyword))
    except UnsupportedInstance:
        return "refused"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("value", DS)
def test_decimal_strings(value: bytes) -> None:
    first, second = both(numbers, read((0x0028, 0x1050), b"DS", value), "WindowCenter")
    assert first == second


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("value", CS)
def test_code_strings(value: bytes) -> None:
    first, second = both(text, read((0x0008, 0x0060), b"CS", value), "Modality")
    assert first == second


@pytest.mark.parametrize("is_little_endian", [True, False])
@pytest.mark.parametrize("value", US)
def test_unsigned_shorts(value: bytes, is_little_endian: bool) -> None:
    dataset = read((0x0028, 0x0010), b"US", value, is_little_endian=is_little_endian)
    first, second = both(numbers, dataset, "Rows")
    assert first == second
