from __future__ import annotations

import struct
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.processing import _expand_segmented_lut

from radstream.contract.errors import UnsupportedInstance
from services.render.lookup_tables import LookupTable, expand_segments, read_palette, read_table
from tests.pixel_files import pixel_files


def table_item(descriptor: list[int], data: bytes | list[int], vr: str = "US", data_vr: str = "OW") -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, vr, descriptor)
    item.add_new(0x00283006, data_vr, data)
    return item


def read(item: Dataset, *, is_signed: bool = False, is_big_endian: bool = False) -> LookupTable:
    return read_table(item, is_signed=is_signed, is_big_endian=is_big_endian)


def test_values_outside_of_a_table_get_its_ends() -> None:
    table = LookupTable(-1, np.array([10, 20, 30]), 8)
    assert table.look_up(np.array([-100, -1, 0, 1, 2, 100])).tolist() == [10, 10, 20, 30, 30, 30]
    assert table.look_up(np.array([-0.6, 0.4, 0.6])).tolist() == [10, 20, 30]


def test_a_count_of_0_means_65536() -> None:
    table = read(table_item([0, 0, 16], np.arange(65536, dtype="<u2").tobytes()))
    assert len(table.entries) == 65536
    assert table.look_up(np.array([65535])).tolist() == [65535]


@pytest.mark.parametrize(("vr", "first"), [("US", 63488), ("SS", -2048)])
def test_the_first_value_is_signed_if_the_pixels_or_the_vr_are(vr: str, first: int) -> None:
    data = np.arange(4, dtype="<u2").tobytes()
    assert read(table_item([4, first, 16], data, vr), is_signed=True).first_mapped == -2048
    assert read(table_item([4, first, 16], data, vr)).first_mapped == (first if vr == "US" else -2048)


@pytest.mark.parametrize(
    "data",
    [bytes([1, 2, 3, 4]), struct.pack("<4H", 1, 2, 3, 4), [1, 2, 3, 4]],
    ids=["packed", "a word each", "numbers"],
)
def test_entries_of_8_bits_come_in_bytes_or_in_words(data: bytes | list[int]) -> None:
    item = table_item([4, 0, 8], data, data_vr="US" if isinstance(data, list) else "OW")
    assert read(item).entries.tolist() == [1, 2, 3, 4]


def test_big_endian_tables_are_read() -> None:
    item = table_item([3, 0, 16], struct.pack(">3H", 1, 256, 65535))
    assert read(item, is_big_endian=True).entries.tolist() == [1, 256, 65535]


@pytest.mark.parametrize(
    ("descriptor", "data", "reason"),
    [
        ([4, 0, 16], bytes(6), "fewer entries"),
        ([4, 0, 8], bytes(3), "fewer entries"),
        ([4, 0, 17], bytes(8), "17 bits"),
        ([4, 0, 7], bytes(8), "7 bits"),
        ([4, 0], bytes(8), "not three values"),
        ([4, 0, 10], struct.pack("<4H", 0, 1, 2, 1024), "larger than its descriptor"),
    ],
)
def test_tables_that_contradict_their_descriptor_are_refused(descriptor: list[int], data: bytes, reason: str) -> None:
    with pytest.raises(UnsupportedInstance, match=reason):
        read(table_item(descriptor, data))


def test_a_table_without_data_is_refused() -> None:
    item = table_item([4, 0, 16], b"")
    del item[0x00283006]
    with pytest.raises(UnsupportedInstance, match="not complete"):
        read(item)


def test_the_modality_table_of_a_file_agrees_with_pydicom() -> None:
    file = pixel_files()["mlut_18.dcm"]
    samples, _ = file.decode(0)
    table = read(file.dataset.ModalityLUTSequence[0], is_signed=True)
    np.testing.assert_array_equal(table.look_up(samples), apply_modality_lut(samples, file.dataset))


def test_the_voi_table_of_a_file_agrees_with_pydicom() -> None:
    file = pixel_files()["vlut_04.dcm"]
    samples, _ = file.decode(0)
    table = read(file.dataset.VOILUTSequence[0])
    np.testing.assert_array_equal(table.look_up(samples), apply_voi_lut(samples, file.dataset))


@pytest.mark.parametrize(
    "name",
    [
        "OBXXXX1A.dcm",
        "examples_palette.dcm",
        "gdcm-US-ALOKA-16.dcm",
        "gdcm-US-ALOKA-16_big.dcm",
    ],
)
def test_palettes_of_files_agree_with_pydicom(name: str) -> None:
    file = pixel_files()[name]
    samples, _ = file.decode(0)
    palette = read_palette(file.dataset, is_signed=False, is_big_endian=file.is_big_endian)
    assert palette is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = apply_color_lut(samples, file.dataset)
    np.testing.assert_array_equal(palette.look_up(samples), expected >> 8)


def test_a_big_endian_palette_is_that_of_its_little_endian_twin() -> None:
    """Pydicom reads the plain tables of big-endian files as little endian: no oracle here."""
    twins = [pixel_files()[name] for name in ("OBXXXX1A.dcm", "OBXXXX1A_expb.dcm")]
    little, big = (read_palette(twin.dataset, is_signed=False, is_big_endian=twin.is_big_endian) for twin in twins)
    assert little is not None
    assert big is not None
    np.testing.assert_array_equal(little.entries, big.entries)


def palette(bits: int, columns: list[bytes], count: int = 3, first: int = 0) -> Dataset:
    ds = Dataset()
    for colour, data in zip((1, 2, 3), columns, strict=True):
        ds.add_new(0x00281100 + colour, "US", [count, first, bits])
        ds.add_new(0x00281200 + colour, "OW", data)
    return ds


def test_palettes_of_8_bits_are_taken_as_they_are() -> None:
    table = read_palette(palette(8, [bytes([1, 2, 3, 0])] * 3), is_signed=False, is_big_endian=False)
    assert table is not None
    assert table.entries.tolist() == [[1, 1, 1], [2, 2, 2], [3, 3, 3]]


def test_palettes_that_say_16_bits_and_hold_8_are_not_black() -> None:
    data = struct.pack("<3H", 0, 128, 255)
    table = read_palette(palette(16, [data] * 3), is_signed=False, is_big_endian=False)
    assert table is not None
    assert table.entries[:, 0].tolist() == [0, 128, 255]


def test_palettes_that_differ_in_size_are_refused() -> None:
    ds = palette(8, [bytes(4)] * 3)
    ds[0x00281102].value = [4, 0, 8]
    with pytest.raises(UnsupportedInstance, match="differ in size"):
        read_palette(ds, is_signed=False, is_big_endian=False)


def test_a_palette_without_data_is_refused() -> None:
    ds = palette(8, [bytes(4)] * 3)
    del ds[0x00281203]
    with pytest.raises(UnsupportedInstance, match="no data"):
        read_palette(ds, is_signed=False, is_big_endian=False)


def test_no_descriptors_mean_no_palette() -> None:
    assert read_palette(Dataset(), is_signed=False, is_big_endian=False) is None


segments = st.lists(
    st.one_of(
        st.lists(st.integers(0, 65535), min_size=1, max_size=5).map(lambda values: [0, len(values), *values]),
        st.tuples(st.integers(1, 20), st.integers(0, 65535)).map(lambda pair: [1, *pair]),
    ),
    min_size=1,
    max_size=8,
)


@given(segments)
def test_segments_expand_as_by_pydicom(parts: list[Any]) -> None:
    data = [0, 1, 7] + [number for part in parts for number in part]
    expected = _expand_segmented_lut(tuple(data), "H")
    assert np.abs(expand_segments(data, len(expected)).astype(int) - expected).max() <= 1  # halves round either way


@pytest.mark.parametrize(
    ("data", "count"),
    [
        ([1, 4, 100], 4),  # a ramp from nothing
        ([2, 1, 0, 0], 4),  # indirect
        ([0, 2, 1, 2], 3),  # too few
        ([0, 4, 1, 2, 3, 4], 3),  # too many
        ([0, 1, 5, 1, 65535, 9], 100),  # a ramp far beyond the end
        ([], 1),
    ],
)
def test_segments_that_do_not_make_the_table_are_refused(data: list[int], count: int) -> None:
    with pytest.raises(UnsupportedInstance):
        expand_segments(data, count)
