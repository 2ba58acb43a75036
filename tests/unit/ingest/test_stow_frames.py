"""STOW-RS of compressed frames in parts of their own: encapsulated as they come, and what they imply is filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pydicom
import pytest
from pydicom.encaps import generate_frames, parse_basic_offsets

from radstream.dicom.media import media_type_of
from tests.described import DICOM_JSON, JSON_RELATED, Attributes, described_sample, entry, image, read
from tests.samples import Sample, is_deflated, samples
from tests.stow_door import Door, body_of, failure_reasons, items, value

PIXEL_DESCRIPTION = ("00280002", "00280004", "00280006", "00280010", "00280011", "00280100", "00280101", "00280102")
NOT_SAID = {
    "SC_jpeg_no_color_transform.dcm",  # RGB, with nothing in the codestream that says so
    "SC_rgb_jpeg.dcm",  # the same
    "J2K_pixelrep_mismatch.dcm",
}
CUT_OFF = "emri_small_jpeg_2k_lossless_too_short.dcm"
SIZE_OF_NONSENSE = "JPEG2000-embedded-sequence-delimiter.dcm"  # the codestream declares 3,722,445,056 columns
BASELINE, LOSSLESS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"


def sample(name: str) -> Sample:
    return next(each for each in samples() if each.name == name)


def _is_compressed(sample: Sample) -> bool:
    if not sample.is_storable or is_deflated(sample) or sample.name == CUT_OFF:
        return False
    return bool(pydicom.uid.UID(sample.transfer_syntax_uid).is_compressed)


COMPRESSED = [each for each in samples() if _is_compressed(each)]


def frames_of(sample: Sample) -> list[bytes]:
    ds = read(sample.path)
    return list(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames", 1) or 1)))


def metadata_of(sample: Sample) -> Attributes:
    return described_sample(sample)[0] | {"7FE00010": {"vr": "OB", "BulkDataURI": "pixels"}}


def request_of(
    metadata: Attributes,
    frames: list[bytes],
    media_type: str,
    *,
    location: str = "pixels",
    others: Mapping[str, tuple[str, bytes]] | None = None,
) -> bytes:
    """Return a body of metadata, `others` by location, and frames; `location` may hold ``{}`` for the frame number."""
    parts = [(each, *content) for each, content in (others or {}).items()]
    parts += [(location.format(number), media_type, frame) for number, frame in enumerate(frames, 1)]
    bulk = [({"Content-Type": kind, "Content-Location": where}, content) for where, kind, content in parts]
    return body_of(({"Content-Type": DICOM_JSON}, json.dumps([metadata]).encode()), *bulk)


@pytest.mark.parametrize("sample", COMPRESSED, ids=lambda each: each.name)
async def test_frames_are_kept_as_they_are(door: Door, sample: Sample) -> None:
    frames, others = frames_of(sample), described_sample(sample)[1]
    media_type = f"{media_type_of(sample.transfer_syntax_uid)}; transfer-syntax={sample.transfer_syntax_uid}"
    answer = await door.post(request_of(metadata_of(sample), frames, media_type, others=others), JSON_RELATED)
    assert "00081198" not in answer.json(), answer.text
    ds = read(door.stored[0])
    assert ds.file_meta.TransferSyntaxUID == sample.transfer_syntax_uid
    stored = list(generate_frames(ds.PixelData, number_of_frames=len(frames)))
    assert [each.rstrip(b"\0") for each in stored] == [_codestream(each).rstrip(b"\0") for each in frames]
    assert len(parse_basic_offsets(ds.PixelData)) == len(frames)
    assert ds["PixelData"].VR == "OB"


def _codestream(frame: bytes) -> bytes:
    """Return what is left of a frame that is a JP2 file (PS3.5 A.4.4)."""
    return frame[frame.index(b"\xff\x4f\xff\x51") :] if frame[4:8] == b"jP  " else frame


@pytest.mark.parametrize(
    "sample",
    [each for each in COMPRESSED if not {"image/dicom-rle"} & {media_type_of(each.transfer_syntax_uid)}],
    ids=lambda each: each.name,
)
async def test_what_the_codestream_says_need_not_be_in_the_metadata(door: Door, sample: Sample) -> None:
    original = read(sample.path)
    metadata = {tag: value for tag, value in metadata_of(sample).items() if tag not in PIXEL_DESCRIPTION}
    media_type, others = media_type_of(sample.transfer_syntax_uid), described_sample(sample)[1]
    answer = await door.post(request_of(metadata, frames_of(sample), media_type, others=others), JSON_RELATED)
    if sample.name == SIZE_OF_NONSENSE:
        assert failure_reasons(answer) == [0xC000]
        return
    assert answer.status_code == 200, answer.text
    ds = read(door.stored[0])
    for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated"):
        assert ds[keyword].value == original[keyword].value, keyword
    assert ds.HighBit == ds.BitsStored - 1
    if ds.SamplesPerPixel == 3 and sample.name not in NOT_SAID:
        assert ds.PhotometricInterpretation.startswith(original.PhotometricInterpretation)
    assert ds.file_meta.TransferSyntaxUID.startswith(sample.transfer_syntax_uid[:-1])


async def test_frames_may_be_told_apart_by_their_number(door: Door) -> None:
    rle = sample("SC_rgb_rle_2frame.dcm")
    body = request_of(metadata_of(rle), frames_of(rle), "image/dicom-rle", location="pixels/frames/{}")
    assert (await door.post(body, JSON_RELATED)).status_code == 200
    assert list(generate_frames(read(door.stored[0]).PixelData, number_of_frames=2)) == frames_of(rle)


async def test_the_transfer_syntax_may_be_in_the_metadata(door: Door) -> None:
    jpeg = sample("JPGExtended.dcm")
    metadata = metadata_of(jpeg) | {"00020010": entry("UI", "1.2.840.10008.1.2.4.51")}
    assert (await door.post(request_of(metadata, frames_of(jpeg), "image/jpeg"), JSON_RELATED)).status_code == 200
    ds = read(door.stored[0])
    assert ds.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.51"
    assert all(element.tag.group != 2 for element in ds)


async def test_a_transfer_syntax_that_the_codestream_is_not_of_is_a_warning(door: Door) -> None:
    jpeg = sample("SC_rgb_jpeg_dcmtk.dcm")
    media_type = f"image/jpeg; transfer-syntax={LOSSLESS}"
    answer = await door.post(request_of(metadata_of(jpeg), frames_of(jpeg), media_type), JSON_RELATED)
    assert answer.status_code == 202
    assert [value(item, "00081196") for item in items(answer, "00081199")] == [0xB007]


@pytest.mark.parametrize(("tag", "number"), [("00280010", 99), ("00280011", 99), ("00280002", 1)])
async def test_attributes_that_the_codestream_contradicts_are_a_warning(door: Door, tag: str, number: int) -> None:
    jpeg = sample("SC_rgb_jpeg_dcmtk.dcm")
    metadata = metadata_of(jpeg) | {tag: entry("US", number)}
    answer = await door.post(request_of(metadata, frames_of(jpeg), "image/jpeg"), JSON_RELATED)
    assert answer.status_code == 202
    assert [value(item, "00081196") for item in items(answer, "00081199")] == [0xB007]
    assert read(door.stored[0])[tag].value == number


async def test_fewer_frames_than_declared_are_a_warning(door: Door) -> None:
    jpeg = sample("SC_rgb_jpeg_dcmtk.dcm")
    metadata = metadata_of(jpeg) | {"00280008": entry("IS", 3)}
    answer = await door.post(request_of(metadata, frames_of(jpeg) * 2, "image/jpeg"), JSON_RELATED)
    assert answer.status_code == 202
    assert [value(item, "00081196") for item in items(answer, "00081199")] == [0xB007]
    assert len(parse_basic_offsets(read(door.stored[0]).PixelData)) == 2


async def test_more_frames_than_declared_are_counted_as_other_failures(door: Door) -> None:
    jpeg = sample("SC_rgb_jpeg_dcmtk.dcm")
    answer = await door.post(request_of(metadata_of(jpeg), frames_of(jpeg) * 2, "image/jpeg"), JSON_RELATED)
    assert answer.status_code == 202
    assert failure_reasons(answer, "0008119A") == [0xC000]
    assert len(items(answer, "00081199")) == 1


async def test_a_video_is_one_part_whatever_its_number_of_frames(door: Door) -> None:
    stream = b"\0\0\0\x18ftypmp42" + bytes(1001)
    media_type = "video/mp4; transfer-syntax=1.2.840.10008.1.2.4.102"
    metadata = image(16, 16, "pixels", bits=8, frames=250)
    answer = await door.post(request_of(metadata, [stream], media_type), JSON_RELATED)
    assert answer.status_code == 200, answer.text
    ds = read(door.stored[0])
    assert ds.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.102"
    assert parse_basic_offsets(ds.PixelData) == []
    assert list(generate_frames(ds.PixelData, number_of_frames=1)) == [stream + b"\0" * (len(stream) % 2)]


async def test_octets_may_be_compressed_where_their_sender_says_so(door: Door) -> None:
    jpeg = sample("SC_rgb_jpeg_dcmtk.dcm")
    media_type = f'application/octet-stream; transfer-syntax="{BASELINE}"'
    assert (await door.post(request_of(metadata_of(jpeg), frames_of(jpeg), media_type), JSON_RELATED)).is_success
    assert read(door.stored[0]).file_meta.TransferSyntaxUID == BASELINE


@pytest.mark.parametrize(
    "media_type",
    [
        "image/webp",
        "text/plain",
        "video/mp4",
        "video/mpeg",
        "image/jxl",
        f"image/jp2; transfer-syntax={BASELINE}",
        "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.90",
        "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2",
    ],
)
async def test_what_cannot_be_stored_as_it_comes_is_refused(door: Door, media_type: str) -> None:
    answer = await door.post(request_of(image(1, 2, "pixels"), [b"\x89PNG"], media_type), JSON_RELATED)
    assert answer.status_code == 409
    assert failure_reasons(answer) == [0xC122]
    assert door.stored == []


async def test_frames_of_different_transfer_syntaxes_are_refused(door: Door) -> None:
    jpeg = sample("SC_rgb_jpeg_dcmtk.dcm")
    (frame,) = frames_of(jpeg)
    metadata = metadata_of(jpeg) | {"00280008": entry("IS", 2)}
    parts = [
        ({"Content-Type": f"image/jpeg; transfer-syntax={syntax}", "Content-Location": "pixels"}, frame)
        for syntax in (BASELINE, "1.2.840.10008.1.2.4.51")
    ]
    body = body_of(({"Content-Type": DICOM_JSON}, json.dumps([metadata]).encode()), *parts)
    assert failure_reasons(await door.post(body, JSON_RELATED)) == [0xC000]


@pytest.mark.parametrize(("size_bytes", "status"), [(512, 200), (510, 202), (1024, 202)])
async def test_native_pixels_of_another_length_than_declared_are_a_warning(
    door: Door, size_bytes: int, status: int
) -> None:
    answer = await door.post(
        request_of(image(16, 16, "pixels"), [bytes(size_bytes)], "application/octet-stream"), JSON_RELATED
    )
    assert answer.status_code == status
    assert [item.get("00081196") for item in items(answer, "00081199")] == [
        None if status == 200 else {"vr": "US", "Value": [0xB007]}
    ]
