"""Every image of pydicom's data in every transfer syntax that can be made of it, read back by decoders of others."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.compressions import COMPRESSIONS
from radstream.dicom.part10 import parse_meta
from tests.pixel_files import PixelFile, pixel_files
from tests.wado_engines import EXPLICIT, Door, door_of

JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
LOSSLESS = [uid for uid, compression in COMPRESSIONS.items() if not compression.is_lossy]
LOSSY = [uid for uid, compression in COMPRESSIONS.items() if compression.is_lossy]
MOST_SAMPLES = 1 << 18
"""Of all frames together; what has more is tried in one transfer syntax only."""


def data_set(file: PixelFile) -> bytes:
    meta = parse_meta(file.content)
    assert meta is not None
    return file.content[meta.data_set_offset :]


async def door_of_pixels(file: PixelFile) -> Door:
    return await door_of(data_set(file), file.transfer_syntax_uid)


def expected_of(file: PixelFile) -> np.ndarray[Any, Any] | None:
    try:
        frames = [file.decode(index)[0] for index in range(file.number_of_frames)]
    except UnsupportedInstance:
        return None
    return frames[0] if len(frames) == 1 else np.stack(frames)


def read_by_another(file: bytes, folder: Path) -> np.ndarray[Any, Any]:
    """Return the samples by pydicom and its plug-ins; those of lossless JPEG, which have none, by way of DCMTK."""
    dataset = pydicom.dcmread(io.BytesIO(file))
    if dataset.file_meta.TransferSyntaxUID in JPEG_LOSSLESS:
        tool = shutil.which("dcmdjpeg")
        if tool is None:
            pytest.skip("dcmdjpeg of DCMTK is not here: JPEG lossless is not read by anybody else")
        (folder / "in.dcm").write_bytes(file)
        subprocess.run([tool, "+cn", "in.dcm", "out.dcm"], cwd=folder, check=True, capture_output=True)
        dataset = pydicom.dcmread(folder / "out.dcm")
    return pixel_array(dataset, raw=True)


def names() -> list[str]:
    return sorted(pixel_files())


def targets_of(file: PixelFile, expected: np.ndarray[Any, Any]) -> list[str]:
    return [EXPLICIT, *LOSSLESS] if expected.size <= MOST_SAMPLES else [EXPLICIT, LOSSLESS[0]]


@pytest.mark.parametrize("name", names())
@pytest.mark.filterwarnings("ignore")
async def test_every_image_is_the_same_in_every_lossless_transfer_syntax(name: str, tmp_path: Path) -> None:
    file = pixel_files()[name]
    expected = expected_of(file)
    door = await door_of_pixels(file)
    stored = hashlib.sha256(data_set(file)).hexdigest()
    if expected is None:
        answer = await door.get("", Accept=f"application/dicom; transfer-syntax={LOSSLESS[0]}")
        assert answer.status_code == 406
        return
    for target in targets_of(file, expected):
        answer = await door.get("", Accept=f"application/dicom; transfer-syntax={target}")
        if answer.status_code == 406:
            assert "carry" in answer.text or "not transcoded" in answer.text, answer.text
            continue
        assert answer.status_code == 200, (target, answer.text)
        assert answer.headers["content-type"] == f"application/dicom; transfer-syntax={target}"
        assert answer.headers["content-length"] == str(len(answer.content))
        if target == EXPLICIT and file.dataset.PhotometricInterpretation == "YBR_FULL_422":
            continue  # pydicom leaves the chrominance as it is
        found = read_by_another(answer.content, tmp_path)
        assert np.array_equal(found.reshape(expected.shape), expected), target
    (blob,) = door.archive.blobs.contents.values()
    assert hashlib.sha256(blob[0][-len(data_set(file)) :]).hexdigest() == stored, "the stored original is untouched"


def mono(bits: int, *, signed: bool = False) -> tuple[bytes, np.ndarray[Any, Any]]:
    """Return an image of `bits` bits that has its darkest and its lightest value, and a slope between them."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    size = 1 if bits <= 8 else 2
    pixels = np.linspace(low, high, 64 * 48).round().astype(f"<{'i' if signed else 'u'}{size}").reshape(64, 48)
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.1"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.1.1", "1.2.2.1"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 64, 48, 1
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", int(signed)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * size, bits, bits - 1
    dataset.PixelData = pixels.tobytes()
    file = io.BytesIO()
    pydicom.filewriter.dcmwrite(file, dataset, implicit_vr=False, little_endian=True, force_encoding=True)
    return file.getvalue(), pixels


@pytest.mark.parametrize(
    ("target", "bits", "largest_error"),
    [
        ("1.2.840.10008.1.2.4.50", 8, 12),
        ("1.2.840.10008.1.2.4.51", 12, 200),
        ("1.2.840.10008.1.2.4.81", 8, 2),
        ("1.2.840.10008.1.2.4.81", 12, 2),
        ("1.2.840.10008.1.2.4.91", 12, 40),
        ("1.2.840.10008.1.2.4.203", 12, 80),
    ],
)
async def test_what_has_lost_something_says_so(target: str, bits: int, largest_error: int, tmp_path: Path) -> None:
    content, pixels = mono(bits)
    door = await door_of(content, EXPLICIT)
    answer = await door.get("", Accept=f"application/dicom; transfer-syntax={target}")
    dataset = pydicom.dcmread(io.BytesIO(answer.content))
    assert dataset.LossyImageCompression == "01"
    assert dataset.LossyImageCompressionMethod == COMPRESSIONS[target].method
    frame = pydicom.encaps.get_frame(dataset.PixelData, 0, number_of_frames=1)
    assert float(dataset.LossyImageCompressionRatio) == pytest.approx(pixels.nbytes / len(frame), abs=0.01)
    assert dataset.ImageType == ["DERIVED", "PRIMARY", "AXIAL"]
    assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID == "1.2.3.1"
    if target != "1.2.840.10008.1.2.4.51":  # nobody else here reads 12 bits
        found = read_by_another(answer.content, tmp_path).astype(int)
        assert 0 < np.abs(found - pixels).max() <= largest_error


@pytest.mark.parametrize("accept", ["application/dicom", "application/dicom; transfer-syntax=*", "*/*"])
@pytest.mark.parametrize("syntax", LOSSY)
async def test_nothing_is_lost_for_who_has_not_asked_for_it(accept: str, syntax: str) -> None:
    content, pixels = mono(8)
    door = await door_of(content, EXPLICIT)
    answer = await door.get("frames/1", Accept=f"application/octet-stream, {accept}, image/*;q=0.1; transfer-syntax=*")
    assert answer.content == pixels.tobytes()
    assert syntax not in answer.headers["content-type"]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 5, 8, 10, 12, 13, 15, 16])
@pytest.mark.parametrize("target", LOSSLESS)
async def test_any_number_of_bits_comes_back(target: str, bits: int, signed: bool, tmp_path: Path) -> None:
    content, pixels = mono(max(bits, 2) if signed else bits, signed=signed)
    door = await door_of(content, EXPLICIT)
    answer = await door.get("", Accept=f"application/dicom; transfer-syntax={target}")
    assert answer.status_code == 200, answer.text
    assert np.array_equal(read_by_another(answer.content, tmp_path), pixels)


def attributes(file: bytes) -> dict[int, Any]:
    dataset = pydicom.dcmread(io.BytesIO(file), stop_before_pixels=True)
    return {int(each.tag): repr(each.value) for each in dataset if each.tag.group != 0x0028}


@pytest.mark.parametrize(
    "name", ["MR_small_implicit.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "emri_small_jpeg_ls_lossless.dcm"]
)
@pytest.mark.filterwarnings("ignore")
async def test_default_is_explicit_vr_little_endian(name: str) -> None:
    file = pixel_files()[name]
    door = await door_of_pixels(file)
    for accept in ("application/dicom", f"application/dicom; transfer-syntax={EXPLICIT}"):
        answer = await door.get("", Accept=accept)
        assert answer.headers["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
        dataset = pydicom.dcmread(io.BytesIO(answer.content))
        assert (dataset.is_implicit_VR, dataset.is_little_endian) == (False, True)
        assert dataset.file_meta.TransferSyntaxUID == EXPLICIT
        assert attributes(answer.content) == attributes(file.content)
        assert len(dataset.PixelData) == expected_of(file).nbytes  # type: ignore[union-attr]
    stored = await door.get("", Accept="application/dicom; transfer-syntax=*")
    assert stored.content.endswith(data_set(file))


async def test_part_of_a_transcoded_instance_is_the_same_as_of_the_whole() -> None:
    file = pixel_files()["emri_small.dcm"]
    door = await door_of_pixels(file)
    accept = "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.201"
    whole = await door.get("", Accept=accept)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = pydicom.dcmread(io.BytesIO(whole.content))
    offsets = pydicom.encaps.parse_basic_offsets(dataset.PixelData)
    assert len(offsets) == 10
    assert dataset.PhotometricInterpretation == "MONOCHROME2"
    size = len(whole.content)
    for start, end in ((0, 1), (500, 9000), (size - 20, size)):
        part = await door.get("", Accept=accept, Range=f"bytes={start}-{end - 1}")
        assert (part.status_code, part.content) == (206, whole.content[start:end])
        assert part.headers["etag"] == whole.headers["etag"]
    again = await door.get("", Accept=accept, If_None_Match=whole.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


async def test_damaged_frames_are_sent_as_they_are_to_who_has_not_named_another_form() -> None:
    content = data_set(pixel_files()["MR_small_jpeg_ls_lossless.dcm"])
    damaged = content[:-3000] + bytes(2990) + content[-10:]
    door = await door_of(damaged, "1.2.840.10008.1.2.4.80")
    answer = await door.get("", Accept="application/dicom")
    assert answer.headers["content-type"] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80"
    assert answer.content.endswith(damaged)
    refused = await door.get("", Accept=f"application/dicom; transfer-syntax={EXPLICIT}")
    assert refused.status_code == 406
