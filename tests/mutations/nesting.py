"""Mutations of structure: sequences too deep, delimiters lost, elements doubled, out of order, or far too many."""

from __future__ import annotations

import random

from radstream.dicom.dictionary import MAX_DEPTH, UNDEFINED_LENGTH
from tests.dicom_bytes import damaged, delimiter, element, item
from tests.mutations.engine import anything, native, operator, with_items
from tests.mutations.specimens import Specimen

SEQUENCE = 0x00321064  # Requested Procedure Code Sequence: behind the UIDs, in front of the Pixel Data


def _nested(specimen: Specimen, depth: int, *, undefined: bool, tag: int = SEQUENCE) -> Specimen:
    """Return it with sequences `depth` deep, the first of which is at the top level."""
    syntax = specimen.reading_uid
    if undefined:
        head = element(tag, "SQ", b"", UNDEFINED_LENGTH, syntax) + item(b"", UNDEFINED_LENGTH, syntax)
        value = head * (depth - 1) + (delimiter(0xE00D, syntax) + delimiter(0xE0DD, syntax)) * (depth - 1)
        content = item(value, UNDEFINED_LENGTH, syntax) + delimiter(0xE00D, syntax) + delimiter(0xE0DD, syntax)
        return specimen.with_element(tag, "SQ", content, UNDEFINED_LENGTH)
    content = b""
    for _ in range(depth - 1):
        content = item(element(tag, "SQ", content, None, syntax), None, syntax)
    return specimen.with_element(tag, "SQ", content)


def _either_way(specimen: Specimen, depth: int, chance: random.Random) -> Specimen:
    return _nested(specimen, depth, undefined=chance.random() < 0.5)


@operator("stored")
def nothing_at_all(specimen: Specimen, chance: random.Random) -> Specimen:
    """The neighbour of all the others, which must not suffer."""
    return specimen


@operator("stored")
def nested_as_deep_as_is_taken(specimen: Specimen, chance: random.Random) -> Specimen:
    return _either_way(specimen, MAX_DEPTH, chance)


@operator("refused")
def nested_one_too_deep(specimen: Specimen, chance: random.Random) -> Specimen:
    return _nested(specimen, MAX_DEPTH + 1, undefined=True)


@operator("refused")
def nested_a_thousand_deep(specimen: Specimen, chance: random.Random) -> Specimen:
    return _either_way(specimen, 1000, chance)


@operator("refused")
def nested_a_hundred_thousand_deep(specimen: Specimen, chance: random.Random) -> Specimen:
    return _nested(specimen, 100_000, undefined=True)


@operator("refused")
def nested_and_never_closed(specimen: Specimen, chance: random.Random) -> Specimen:
    syntax = specimen.reading_uid
    head = element(SEQUENCE, "SQ", b"", UNDEFINED_LENGTH, syntax) + item(b"", UNDEFINED_LENGTH, syntax)
    return specimen.with_data_set(specimen.data_set[: _behind_the_uids(specimen)] + head * chance.randint(1, 64))


def _behind_the_uids(specimen: Specimen) -> int:
    return next((part.start for part in specimen.parts() if part.tag > 0x0020000E), len(specimen.data_set))


@operator("either", suits=with_items)
def delimiters_lost(specimen: Specimen, chance: random.Random) -> Specimen:
    lost = chance.choice((delimiter(0xE00D), delimiter(0xE0DD)))
    return specimen.with_data_set(specimen.data_set.replace(lost, b"", chance.randint(1, 3)))


@operator("either")
def delimiters_astray(specimen: Specimen, chance: random.Random) -> Specimen:
    part = chance.choice(specimen.parts())
    stray = delimiter(chance.choice((0xE000, 0xE00D, 0xE0DD)), specimen.reading_uid, chance.choice((0, 0, 2, 0xFFFF)))
    return specimen.with_data_set(specimen.data_set[: part.start] + stray + specimen.data_set[part.start :])


@operator("stored", suits=anything)
def elements_doubled(specimen: Specimen, chance: random.Random) -> Specimen:
    data, end = specimen.data_set, specimen.header_bytes
    parts = [part for part in specimen.parts() if part.end <= end]
    part = chance.choice(parts)
    return specimen.with_data_set(data[: part.end] + data[part.start : part.end] + data[part.end :])


@operator("either")
def elements_out_of_order(specimen: Specimen, chance: random.Random) -> Specimen:
    pieces = [specimen.data_set[part.start : part.end] for part in specimen.parts()]
    head, last = pieces[:-1], pieces[-1]
    chance.shuffle(head)
    return specimen.with_data_set(b"".join((*head, last)))


@operator("either", suits=native)
def pixel_data_first(specimen: Specimen, chance: random.Random) -> Specimen:
    at = specimen.header_bytes
    return specimen.with_data_set(specimen.data_set[at:] + specimen.data_set[:at])


@operator("stored", suits=native)
def pixel_data_twice(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.with_data_set(specimen.data_set + specimen.data_set[specimen.header_bytes :])


@operator("stored")
def giant_private_element(specimen: Specimen, chance: random.Random) -> Specimen:
    size = chance.choice((1 << 16, 1 << 20, 6 << 20))
    vr = "UN" if size > 0xFFFF else "OB"
    return specimen.with_element(0x00291010, vr, bytes(size))


@operator("stored")
def countless_elements(specimen: Specimen, chance: random.Random) -> Specimen:
    many = b"".join(
        element(0x00290000 | low, "US", b"\1\0", None, specimen.reading_uid) for low in range(0x1000, 0xFFFF)
    )
    at = specimen.header_bytes
    return specimen.with_data_set(specimen.data_set[:at] + many + specimen.data_set[at:])


@operator("stored")
def countless_items(specimen: Specimen, chance: random.Random) -> Specimen:
    empty = item(b"", None, specimen.reading_uid)
    return specimen.with_element(SEQUENCE, "SQ", empty * 100_000)


@operator("either")
def nulls_inserted(specimen: Specimen, chance: random.Random) -> Specimen:
    at = chance.randrange(specimen.header_bytes)
    return specimen.with_data_set(
        specimen.data_set[:at] + bytes(chance.choice((1, 2, 8, 500))) + specimen.data_set[at:]
    )


@operator("stored")
def garbage_behind(specimen: Specimen, chance: random.Random) -> Specimen:
    if specimen.header_bytes == len(specimen.data_set):
        return specimen.with_data_set(specimen.data_set + bytes(chance.randint(1, 7)))
    return specimen.with_data_set(specimen.data_set + chance.randbytes(chance.randint(1, 4000)))


@operator("either")
def bits_flipped(specimen: Specimen, chance: random.Random) -> Specimen:
    data = bytearray(specimen.data_set)
    for _ in range(chance.choice((1, 3, 10, 100))):
        data[chance.randrange(specimen.header_bytes)] ^= 1 << chance.randrange(8)
    return specimen.with_data_set(bytes(data))


@operator("either")
def bytes_moved(specimen: Specimen, chance: random.Random) -> Specimen:
    at = specimen.header_bytes
    return specimen.with_data_set(damaged(specimen.data_set[:at], chance) + specimen.data_set[at:])
