"""A frame costs the same however many there are: what is read of the store is counted, nothing is measured."""

from __future__ import annotations

import pytest

from radstream.dicom.codecs import decode_frame
from radstream.dicom.image_pixel import FrameAttributes
from tests.wado_engines import EXPLICIT, Door, door_of, fragments, image

FRAME_BYTES = 1000
RLE = "1.2.840.10008.1.2.5"
ATTRIBUTES = FrameAttributes(
    rows=20,
    columns=50,
    samples_per_pixel=1,
    bits_allocated=8,
    bits_stored=8,
    pixel_representation=0,
    photometric_interpretation="MONOCHROME2",
    planar_configuration=0,
)


def frame(number: int) -> bytes:
    return (number.to_bytes(4, "little") * FRAME_BYTES)[:FRAME_BYTES]


def native(count: int) -> bytes:
    frames = b"".join(frame(number) for number in range(1, count + 1))
    head = b"\xe0\x7f\x10\x00OW\x00\x00" + len(frames).to_bytes(4, "little")
    return image(head + frames, rows=20, columns=50, frames=count)


def compressed(count: int) -> bytes:
    """Return frames of one RLE segment each, all literal runs."""
    header = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56)

    def encoded(data: bytes) -> bytes:
        runs = (data[start : start + 100] for start in range(0, len(data), 100))
        return header + b"".join(bytes([len(run) - 1]) + run for run in runs)

    frames = [encoded(frame(number)) for number in range(1, count + 1)]
    return image(fragments(frames, 1), rows=20, columns=50, frames=count)


def samples_of(body: bytes, media_type: str) -> bytes:
    if media_type == "application/octet-stream":
        return body
    syntax = {"image/jphc": "1.2.840.10008.1.2.4.201", "image/jls": "1.2.840.10008.1.2.4.80"}.get(media_type, RLE)
    return decode_frame(body, syntax, **ATTRIBUTES)[0].tobytes()


async def reads_of(door: Door, path: str, accept: str) -> tuple[bytes, list[tuple[str, int, int | None]]]:
    door.archive.blobs.reads.clear()
    answer = await door.get(path, Accept=accept)
    assert answer.status_code == 200, answer.text
    return answer.content, list(door.archive.blobs.reads)


@pytest.mark.parametrize("count", [1000, 20_000])
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/octet-stream", "native"),
        ("image/jphc", "native"),
        ("application/octet-stream", "compressed"),
        ("image/dicom-rle", "compressed"),
        ("image/jls", "compressed"),
    ],
)
async def test_any_frame_of_many_is_one_small_read(count: int, accept: str, kind: str) -> None:
    content, syntax = (native(count), EXPLICIT) if kind == "native" else (compressed(count), RLE)
    door = await door_of(content, syntax)
    costs = []
    for number in sorted({1, 500, 1000, count}):
        body, reads = await reads_of(door, f"frames/{number}", accept)
        target = {"image/jphc": "1.2.840.10008.1.2.4.201", "image/jls": "1.2.840.10008.1.2.4.80"}.get(accept, RLE)
        samples = (
            body if accept == "application/octet-stream" else decode_frame(body, target, **ATTRIBUTES)[0].tobytes()
        )
        assert samples == frame(number)
        costs.append((len(reads), sum(length or 0 for _, _, length in reads)))
    assert len(set(costs)) == 1, "the first frame costs what the last one does"
    assert costs[0][0] <= 2
    assert costs[0][1] < 2 * FRAME_BYTES, "nothing but the frame, and what the element is"
