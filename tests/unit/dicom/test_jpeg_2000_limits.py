"""JPEG 2000 and HTJ2K codestreams that describe tiles or code-blocks which cannot be, as flipped bits make them.

Each of them is refused by its header: decoders look for such tiles for minutes, or make room for all of them.
"""

from __future__ import annotations

import struct

import pytest

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import decode_frame
from radstream.dicom.codestream import read_jpeg_2000
from radstream.dicom.jpeg_2000_limits import refuse_impossible_jpeg_2000
from tests.compressed_frames import compressed_frames

SYNTAXES = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.203")
COD = b"\xff\x52"
TILES, NOTHING_THERE, CODE_BLOCKS = "more tiles", "do not begin", "code-blocks"


def sound(syntax: str) -> bytes:
    return next(f.data for f in compressed_frames() if f.name == "gray" and f.transfer_syntax_uid == syntax)


def with_word(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + struct.pack(">I", value) + data[at + 4 :]


def with_style(data: bytes, at: int, value: int) -> bytes:
    """Return `data` with another byte in its coding style, `at` bytes behind the length of the segment."""
    start = data.index(COD) + 4 + at
    return data[:start] + bytes([value]) + data[start + 1 :]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_encoders_make_is_possible(syntax: str) -> None:
    read_jpeg_2000(sound(syntax))
    refuse_impossible_jpeg_2000(sound(syntax))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("at", "value"),
    [
        (36, 32),  # one flipped bit: the tiles begin below the first row
        (32, 1),
        (24, 0),  # tiles without width
        (28, 0),
    ],
)
def test_tiles_that_do_not_cover_the_image_are_refused(syntax: str, at: int, value: int) -> None:
    with pytest.raises(UnsupportedInstance, match=NOTHING_THERE):
        refuse_impossible_jpeg_2000(with_word(sound(syntax), at, value))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_tile_for_each_pixel_is_refused(syntax: str) -> None:
    with pytest.raises(UnsupportedInstance, match=TILES):
        refuse_impossible_jpeg_2000(with_word(with_word(sound(syntax), 24, 1), 28, 1))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(("at", "value"), [(5, 33), (6, 9), (7, 200), (6, 5)])
def test_code_blocks_and_resolutions_that_cannot_be_are_refused(syntax: str, at: int, value: int) -> None:
    with pytest.raises(UnsupportedInstance, match=CODE_BLOCKS):
        refuse_impossible_jpeg_2000(with_style(sound(syntax), at, value))


@pytest.mark.parametrize("subband", [0, 2, 15])
def test_more_bit_planes_than_a_decoder_has_bits_for_are_refused(subband: int) -> None:
    data = sound("1.2.840.10008.1.2.4.203")
    at = data.index(b"\xff\x5c") + 5 + 2 * subband
    with pytest.raises(UnsupportedInstance, match="step sizes"):
        refuse_impossible_jpeg_2000(data[:at] + b"\xff" + data[at + 1 :])


def test_a_codestream_without_coding_style_is_refused() -> None:
    data = sound(SYNTAXES[0])
    with pytest.raises(UnsupportedInstance, match="coding style"):
        refuse_impossible_jpeg_2000(data[: data.index(COD)] + b"\xff\x90")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_decoder_never_sees_them(syntax: str) -> None:
    data = with_word(sound(syntax), 36, 32)
    codestream = read_jpeg_2000(data)
    with pytest.raises(UnsupportedInstance, match=NOTHING_THERE):
        decode_frame(
            data,
            syntax,
            rows=codestream.rows,
            columns=codestream.columns,
            samples_per_pixel=1,
            bits_allocated=16,
            bits_stored=codestream.precision,
            pixel_representation=0,
            photometric_interpretation="MONOCHROME2",
            planar_configuration=0,
        )
