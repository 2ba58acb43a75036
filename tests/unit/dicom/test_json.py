"""Headers as DICOM JSON: pydicom is the oracle, and every difference from it is made explicit, with its reason."""

from __future__ import annotations

import base64
import random
import warnings
from typing import Any

import orjson
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import RepeatersDictionary, mask_match
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from radstream.contract.errors import RejectedInstance
from radstream.dicom.dictionary import standard_vr
from radstream.dicom.json import read_header
from radstream.dicom.values import to_little_endian
from radstream.dicom.walk import LONGEST_INLINE_BYTES
from tests.dicom_bytes import (
    BIG,
    IMPLICIT,
    SYNTAXES,
    damaged,
    encode,
    header_of,
)
from tests.samples import Sample, samples

Attributes = dict[str, Any]

DIFFERENT = {
    "badVR.dcm": "pydicom raises over an IS of 1A, and nothing is left; here only this value stays text",
    "rtplan_truncated.dcm": "cut inside a sequence of defined length: pydicom gives a shorter one, here it is left out",
}

# --- the oracle -------------------------------------------------------------------------------------------------------


def by_pydicom(ds: Dataset) -> Attributes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(ds.to_json_dict(bulk_data_threshold=1 << 40))


def expected(theirs: Attributes, *, is_big_endian: bool = False, path: str = "") -> Attributes:
    """Return what is expected of us where pydicom has `theirs`."""
    entries = {
        key: _expected_entry(key, entry, is_big_endian, f"{path}{key}")
        for key, entry in theirs.items()
        if not key.endswith("0000")  # PS3.18 F.2.2: group lengths have no place in DICOM JSON
    }
    return {key: entry for key, entry in entries.items() if path or not key.startswith("7FE000")}


def _expected_entry(key: str, entry: dict[str, Any], is_big_endian: bool, path: str) -> dict[str, Any]:
    vr = str(entry["vr"])
    if "InlineBinary" in entry:
        raw = base64.b64decode(entry["InlineBinary"])
        if len(raw) > LONGEST_INLINE_BYTES:  # pydicom compares the threshold with the size in base64
            return {"vr": vr, "BulkDataURI": path}
        # PS3.18 8.7.3.2: octets are little endian; pydicom leaves the words as they are
        raw = to_little_endian(raw, vr) if is_big_endian else raw
        return {"vr": vr, "InlineBinary": base64.b64encode(raw).decode()}
    if not entry.get("Value"):
        return {"vr": vr}  # PS3.18 F.2.5: no "Value" if there is none; pydicom gives [] for an empty sequence
    if vr == "SQ":
        items = enumerate(entry["Value"])
        inner = [expected(each, is_big_endian=is_big_endian, path=f"{path}/{index}/") for index, each in items]
        return {"vr": vr, "Value": inner}
    if key == "00080005":
        return {"vr": vr, "Value": ["ISO_IR 192"]}  # PS3.18 F.1.1: which the JSON is in
    return {"vr": vr, "Value": [_expected_value(vr, value) for value in entry["Value"]]}


def _expected_value(vr: str, value: Any) -> Any:
    if vr == "CS":
        value = value and value.strip()  # PS3.5 6.2: padding is around each value; pydicom trims around all of them
    return None if value in ("", {}) else value  # PS3.18 F.2.5: an empty value among several is null


@pytest.mark.parametrize("sample", [s for s in samples() if s.data_set], ids=lambda sample: sample.name)
def test_a_real_header_reads_as_pydicom_reads_it(sample: Sample) -> None:
    header, syntax = header_of(sample)
    ours = read_header(header, syntax)
    assert b'"Value":[]' not in orjson.dumps(ours.attributes)
    assert ("truncated" in ours.flags) == (sample.name == "rtplan_truncated.dcm")
    if sample.name in DIFFERENT:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = by_pydicom(pydicom.dcmread(sample.path, stop_before_pixels=True))
    assert ours.attributes == expected(theirs, is_big_endian=syntax == BIG)


def test_one_bad_value_does_not_cost_the_others() -> None:
    sample = next(sample for sample in samples() if sample.name == "badVR.dcm")
    with pytest.raises(ValueError, match="1A"):
        by_pydicom(pydicom.dcmread(sample.path, stop_before_pixels=True))
    header, syntax = header_of(sample)
    ours = read_header(header, syntax)
    bad = [key for key, entry in ours.attributes.items() if "1A" in entry.get("Value", [])]
    assert ours.flags == tuple(f"{key} value" for key in bad)
    assert len(ours.attributes) > 20


# --- data sets that nobody has thought of -----------------------------------------------------------------------------

_TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"], exclude_characters="\\^="), max_size=12)
_WORDS = st.lists(st.text("ABC_09", min_size=1, max_size=12), min_size=1, max_size=3)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def data_sets(draw: st.DrawFn, depth: int = 0) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.3.4"
    ds.StudyDescription = draw(_TEXT).strip()
    ds.AdditionalPatientHistory = draw(_TEXT).strip() + "\\x"
    ds.ImageType = draw(_WORDS)
    ds.PatientName = draw(st.sampled_from(["", "Doe^Jane", "Yamada^Tarou=山田^太郎=やまだ^たろう"]))
    ds.WindowCenter = draw(st.lists(st.integers(-1000, 1000), min_size=1, max_size=3))
    ds.InstanceNumber = draw(st.integers(-(1 << 31), (1 << 31) - 1))
    ds.Rows = draw(st.integers(0, 65535))
    ds.PixelRepresentation = draw(st.integers(0, 1))
    ds.SmallestImagePixelValue = draw(st.integers(0, 32767))
    ds.FrameTimeVector = draw(st.lists(st.integers(0, 99), min_size=1, max_size=4))
    ds.ICCProfile = draw(st.binary(max_size=40).map(lambda value: value + bytes(len(value) % 2)))
    ds.RedPaletteColorLookupTableData = bytes(draw(st.sampled_from([0, 2, 6, 1024, 1026, 4000])))
    ds.RealWorldValueSlope = draw(_FLOATS)
    ds.RecommendedDisplayFrameRateInFloat = draw(st.floats(width=32, allow_nan=False, allow_infinity=False))
    ds.SelectorUVValue = draw(st.integers(0, 1 << 53))
    ds.FrameIncrementPointer = draw(st.sampled_from([0x00181063, [0x00181063, 0x00181065]]))
    ds.add_new(0x60003000, "OW", draw(st.sampled_from([b"", b"\1\2\3\4"])))
    block = ds.private_block(0x0009, "NOBODY", create=True)
    block.add_new(0x01, "LO", draw(_TEXT).strip())
    if depth < 3:
        items = draw(st.lists(data_sets(depth + 1) | st.builds(Dataset), max_size=2))
        ds.ReferencedImageSequence = Sequence(items)
        ds["ReferencedImageSequence"].is_undefined_length = draw(st.booleans())
        for inner in items:
            inner.is_undefined_length_sequence_item = draw(st.booleans())
    return ds


@settings(max_examples=80, deadline=None)
@given(ds=data_sets(), syntax=st.sampled_from(SYNTAXES))
def test_any_header_reads_as_pydicom_reads_it(ds: Dataset, syntax: str) -> None:
    encoded = encode(ds, syntax)
    theirs = by_pydicom(pydicom.filereader.read_dataset(io_of(encoded), syntax == IMPLICIT, syntax != BIG))
    ours = read_header(encoded, syntax)
    assert ours.attributes == expected(theirs, is_big_endian=syntax == BIG)
    assert ours.flags == ()


def io_of(data: bytes) -> Any:
    return pydicom.filebase.DicomBytesIO(data)


@pytest.mark.parametrize("seed", range(200))
def test_damaged_bytes_are_refused_or_flagged_and_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    sample = chance.choice([s for s in samples() if s.data_set and len(s.data_set) < 400_000])
    header, syntax = header_of(sample)
    try:
        read = read_header(damaged(header, chance), syntax)
    except RejectedInstance:
        return
    orjson.dumps(read.attributes)
    assert all(len(flag) < 20 and flag.isascii() for flag in read.flags)


def test_repeating_groups_have_the_vr_that_pydicom_finds() -> None:
    chance = random.Random(1)
    for pattern, (vr, *_) in RepeatersDictionary.items():
        tag = int("".join(chance.choice("02468ACE") if digit == "x" else digit for digit in pattern), 16)
        if mask_match(tag) == pattern and tag & 0xFFFF:
            assert standard_vr(tag) in (vr, "OW", "UN"), pattern
