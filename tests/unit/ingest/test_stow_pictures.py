"""STOW-RS of PNG and GIF as Pixel Data: stored decoded, every pixel as it was (PS3.18 table 10.5.2-1, *Transform*)."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.pictures import GIF, PNG, decode_picture
from services.ingest import pictures
from tests.described import JSON_RELATED, XML_RELATED, Attributes, described, entry, json_request, read, xml_request
from tests.frames import Array, noise, scene
from tests.stow_door import Door, failure_reasons, items

GREY, GREY_16, COLOUR = noise(12, 10), noise(12, 10, kind="u2", high=65535), scene(16)
COLOUR_16 = noise(6, 5, 3, kind="u2", high=65535)


def pixel_data(number: int = 1, **attributes: dict[str, Any]) -> Attributes:
    """Return metadata that say nothing of the pixels but where they are, and `attributes`."""
    return described(number, **attributes) | {"7FE00010": {"vr": "OW", "BulkDataURI": "picture"}}


def png(samples: Array) -> bytes:
    return bytes(imagecodecs.png_encode(samples))


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def film(frames: list[Array]) -> bytes:
    first, *others = map(Image.fromarray, frames)
    return saved(first, "GIF", save_all=True, append_images=others, duration=50)


async def stored(door: Door, metadata: Attributes, picture: bytes, media_type: str = PNG) -> Any:
    answer = await door.post(json_request(metadata, parts={"picture": (media_type, picture)}), JSON_RELATED)
    assert (answer.status_code, items(answer, "00081198")) == (200, []), answer.text
    return read(door.stored[-1])


@pytest.mark.parametrize("samples", [GREY, GREY_16, COLOUR, COLOUR_16], ids=["8", "16", "rgb", "rgb 16"])
async def test_a_png_is_stored_with_every_pixel_and_what_it_says_of_itself(door: Door, samples: Array) -> None:
    instance = await stored(door, pixel_data(), png(samples))
    assert instance.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert (instance.Rows, instance.Columns) == samples.shape[:2]
    assert instance.SamplesPerPixel == (3 if samples.ndim == 3 else 1)
    assert instance.PhotometricInterpretation == ("RGB" if samples.ndim == 3 else "MONOCHROME2")
    assert instance.BitsAllocated == instance.BitsStored == samples.dtype.itemsize * 8
    assert "NumberOfFrames" not in instance
    np.testing.assert_array_equal(instance.pixel_array, samples)


@pytest.mark.parametrize("number", [1, 4])
async def test_every_frame_of_a_gif_is_stored_whole(door: Door, number: int) -> None:
    frames = [np.roll(np.tile(GREY[:, :8] // 4 * 4, (1, 2)), step, axis=0) for step in range(number)]
    instance = await stored(door, pixel_data(), film(frames), GIF)
    assert instance.get("NumberOfFrames", 1) == number
    expected = np.stack([np.stack([frame] * 3, axis=2) for frame in frames])
    np.testing.assert_array_equal(instance.pixel_array.reshape(expected.shape), expected)


async def test_frames_of_a_gif_that_change_a_part_only_are_put_together(door: Door) -> None:
    frames = [np.full((20, 30, 3), (10, 200, 30), dtype=np.uint8) for _ in range(3)]
    for number, frame in enumerate(frames):
        frame[5 * number : 5 * number + 4, 3:9] = (255, 0, 0)
    np.testing.assert_array_equal((await stored(door, pixel_data(), film(frames), GIF)).pixel_array, np.stack(frames))


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "1"])
async def test_transparency_is_discarded_and_indexed_colours_are_written_out(door: Door, mode: str) -> None:
    picture = Image.fromarray(COLOUR).convert("L" if mode == "1" else "RGB").convert(mode)
    instance = await stored(door, pixel_data(), saved(picture, "PNG"))
    np.testing.assert_array_equal(instance.pixel_array, np.asarray(picture.convert("L" if mode in "LA1" else "RGB")))


async def test_grey_becomes_what_the_metadata_says_if_nothing_is_lost(door: Door) -> None:
    grey_as_colour = png(np.stack([GREY] * 3, axis=2))
    one = await stored(door, pixel_data(1, t00280002=entry("US", 1)), grey_as_colour)
    np.testing.assert_array_equal(one.pixel_array, GREY)
    three = await stored(door, pixel_data(2, t00280002=entry("US", 3)), png(GREY))
    np.testing.assert_array_equal(three.pixel_array, np.stack([GREY] * 3, axis=2))
    inverse = await stored(door, pixel_data(3, t00280004=entry("CS", "MONOCHROME1")), png(GREY))
    assert inverse.PhotometricInterpretation == "MONOCHROME1"


@pytest.mark.parametrize(
    "attributes",
    [
        {"t00280010": entry("US", 11)},
        {"t00280011": entry("US", 11)},
        {"t00280100": entry("US", 16)},
        {"t00280008": entry("IS", 2)},
        {"t00280004": entry("CS", "RGB")},
    ],
)
async def test_a_picture_that_is_not_what_the_metadata_says_is_refused(
    door: Door, attributes: dict[str, dict[str, Any]]
) -> None:
    body = json_request(pixel_data(1, **attributes), parts={"picture": (PNG, png(GREY))})
    answer = await door.post(body, JSON_RELATED)
    assert (answer.status_code, failure_reasons(answer), door.stored) == (409, [0xC000], [])


@pytest.mark.parametrize("media_type", [PNG, GIF])
@pytest.mark.parametrize("picture", [b"", b"\x89PNG", b"GIF89a", png(GREY)[:60], film([GREY])[:40], b"x" * 5000])
async def test_what_is_no_picture_is_refused_and_leaves_nothing(door: Door, media_type: str, picture: bytes) -> None:
    answer = await door.post(json_request(pixel_data(), parts={"picture": (media_type, picture)}), JSON_RELATED)
    assert (answer.status_code, failure_reasons(answer), door.stored) == (409, [0xC000], [])
    assert (door.engines.previews.contents, door.engines.previews.open_writers) == ({}, 0)


async def test_a_picture_may_belong_to_several_instances_and_be_long(door: Door) -> None:
    samples = noise(300, 400, 3)
    make = {JSON_RELATED: json_request, XML_RELATED: xml_request}
    for first, (content_type, request) in enumerate(make.items()):
        instances = [pixel_data(2 * first + number) for number in (1, 2)]
        body = request(*instances, parts={"picture": (PNG, png(samples))})
        assert (await door.post(body, content_type)).status_code == 200
    assert len(door.stored) == 4
    for content in door.stored:
        np.testing.assert_array_equal(read(content).pixel_array, samples)
    assert door.engines.previews.contents == {}


async def test_a_document_that_is_a_picture_stays_one(door: Door) -> None:
    document = described(1) | {"00420011": {"vr": "OB", "BulkDataURI": "picture"}}
    instance = await stored(door, document, png(GREY))
    assert instance.EncapsulatedDocument.rstrip(b"\0") == png(GREY).rstrip(b"\0")


async def test_a_picture_that_is_too_long_is_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LONGEST_BYTES", 10)
    answer = await door.post(json_request(pixel_data(), parts={"picture": (PNG, png(COLOUR))}), JSON_RELATED)
    assert failure_reasons(answer) == [0xC000]


def test_a_picture_that_claims_billions_of_pixels_is_refused_by_its_head() -> None:
    head = struct.pack(">II5B", 1 << 30, 1 << 30, 16, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    with pytest.raises(UnsupportedInstance, match="bytes of pixels"):
        decode_picture(b"\x89PNG\r\n\x1a\n" + chunk, PNG, 1 << 28)
    many = film([GREY])
    one = many[many.index(b",") : -1]
    with pytest.raises(UnsupportedInstance, match="bytes of pixels"):
        decode_picture(many[:-1] + one * 1000 + b";", GIF, 1 << 16)
