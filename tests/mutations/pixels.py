"""Mutations of encapsulated Pixel Data: fragments and offset tables that lie, codestreams that do not decode."""

from __future__ import annotations

import random
from collections.abc import Sequence
from struct import pack, unpack_from

from radstream.dicom.dictionary import PIXEL_DATA, UNDEFINED_LENGTH
from tests.dicom_bytes import delimiter, element, item
from tests.mutations.engine import encapsulated, operator
from tests.mutations.specimens import Specimen, padded


def _fragments(specimen: Specimen) -> list[bytes]:
    """Return the values of all items, the first of which is the Basic Offset Table."""
    part = next(part for part in specimen.parts() if part.tag == PIXEL_DATA)
    found, position = [], part.value
    while specimen.data_set[position : position + 4] == b"\xfe\xff\x00\xe0":
        (length,) = unpack_from("<I", specimen.data_set, position + 4)
        found.append(specimen.data_set[position + 8 : position + 8 + length])
        position += 8 + length
    return found


def _with_value(specimen: Specimen, value: bytes) -> Specimen:
    head = specimen.data_set[: specimen.header_bytes]
    return specimen.with_data_set(head + element(PIXEL_DATA, "OB", value, UNDEFINED_LENGTH))


def _with_fragments(specimen: Specimen, fragments: Sequence[bytes], table: bytes | None = None) -> Specimen:
    first = _fragments(specimen)[0] if table is None else table
    items = b"".join(item(fragment) for fragment in (first, *fragments))
    return _with_value(specimen, items + delimiter(0xE0DD))


@operator("stored", suits=encapsulated)
def fragment_length_lies(specimen: Specimen, chance: random.Random) -> Specimen:
    fragments = [item(fragment) for fragment in _fragments(specimen)]
    chosen = chance.randrange(len(fragments))
    length = chance.choice((0, 1, 3, len(fragments[chosen]), 0x7FFFFFFF, 0xFFFFFFFE, UNDEFINED_LENGTH))
    fragments[chosen] = fragments[chosen][:4] + pack("<I", length) + fragments[chosen][8:]
    return _with_value(specimen, b"".join(fragments) + delimiter(0xE0DD))


@operator("stored", suits=encapsulated)
def fragments_without_end(specimen: Specimen, chance: random.Random) -> Specimen:
    return _with_value(specimen, b"".join(item(fragment) for fragment in _fragments(specimen)))


@operator("stored", suits=encapsulated)
def fragments_cut(specimen: Specimen, chance: random.Random) -> Specimen:
    keep = chance.randrange(specimen.header_bytes + 12, len(specimen.data_set))
    return specimen.with_data_set(specimen.data_set[:keep])


@operator("stored", suits=encapsulated)
def fragments_none(specimen: Specimen, chance: random.Random) -> Specimen:
    value = chance.choice((b"", delimiter(0xE0DD), item(b""), item(b"") + delimiter(0xE0DD)))
    return _with_value(specimen, value)


@operator("stored", suits=encapsulated)
def fragments_empty(specimen: Specimen, chance: random.Random) -> Specimen:
    fragments = _fragments(specimen)[1:]
    return _with_fragments(specimen, [b"" if chance.random() < 0.5 else fragment for fragment in fragments], b"")


@operator("stored", suits=encapsulated)
def fragments_countless(specimen: Specimen, chance: random.Random) -> Specimen:
    return _with_fragments(specimen, [b""] * chance.choice((1000, 200_000)), b"")


@operator("stored", suits=encapsulated)
def fragments_shuffled(specimen: Specimen, chance: random.Random) -> Specimen:
    fragments = _fragments(specimen)[1:]
    chance.shuffle(fragments)
    return _with_fragments(specimen, fragments * chance.randint(1, 3))


@operator("stored", suits=encapsulated)
def fragments_of_another_tag(specimen: Specimen, chance: random.Random) -> Specimen:
    fragments = [item(fragment) for fragment in _fragments(specimen)]
    fragments[chance.randrange(len(fragments))] = chance.choice((delimiter(0xE00D), chance.randbytes(8), bytes(8)))
    return _with_value(specimen, b"".join(fragments) + delimiter(0xE0DD))


@operator("stored", suits=encapsulated)
def offset_table_lies(specimen: Specimen, chance: random.Random) -> Specimen:
    fragments = _fragments(specimen)[1:]
    offsets = [chance.choice((0, 1, 8, 0xFFFFFFFF, chance.randrange(1 << 20))) for _ in fragments]
    return _with_fragments(specimen, fragments, pack(f"<{len(offsets)}I", *offsets))


@operator("stored", suits=encapsulated)
def offset_table_of_another_length(specimen: Specimen, chance: random.Random) -> Specimen:
    table = chance.randbytes(chance.choice((1, 2, 3, 5, 4000, 400_000)))
    return _with_fragments(specimen, _fragments(specimen)[1:], table)


@operator("stored", suits=encapsulated)
def extended_offset_table_lies(specimen: Specimen, chance: random.Random) -> Specimen:
    spoiled = specimen.with_element(0x7FE00001, "OV", chance.randbytes(8 * chance.randint(1, 9)))
    return spoiled.with_element(0x7FE00002, "OV", chance.randbytes(8 * chance.randint(1, 9)))


@operator("stored", suits=encapsulated)
def number_of_frames_lies(specimen: Specimen, chance: random.Random) -> Specimen:
    number = chance.choice((b"0 ", b"2 ", b"5 ", b"1000", b"2147483647", b"4294967295", b"4294967296", b"-1"))
    return specimen.with_element(0x00280008, "IS", padded(number, b" "))


@operator("stored", suits=encapsulated)
def codestreams_damaged(specimen: Specimen, chance: random.Random) -> Specimen:
    fragments = [bytearray(fragment) for fragment in _fragments(specimen)[1:]]
    for fragment in fragments:
        for _ in range(chance.choice((1, 5, 50))):
            if fragment:
                fragment[chance.randrange(len(fragment))] = chance.randrange(256)
    return _with_fragments(specimen, [bytes(fragment) for fragment in fragments])


@operator("stored", suits=encapsulated)
def codestream_declares_a_giant(specimen: Specimen, chance: random.Random) -> Specimen:
    """A JPEG of 65,535 x 65,535 pixels in some 30 bytes, and a J2K of 2^31 x 2^31."""
    jpeg = bytes.fromhex("ffd8ffc0000b08ffffffff01011100ffda0008010100003f00") + bytes(8) + b"\xff\xd9"
    j2k = bytes.fromhex("ff4fff5100290000" + "7fffffff" * 2 + "00000000" * 2) + b"\x7f" * 20
    return _with_fragments(specimen, [chance.choice((jpeg, padded(j2k)))], b"")
