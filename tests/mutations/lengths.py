"""Mutations of lengths: what is cut, and what lies about how long it is."""

from __future__ import annotations

import random
from struct import pack_into

from radstream.dicom.dictionary import PIXEL_DATA, UNDEFINED_LENGTH
from tests.dicom_bytes import BIG
from tests.mutations.engine import explicit, native, operator, with_items
from tests.mutations.specimens import Part, Specimen

_IDENTIFYING = {0x00080016, 0x00080018, 0x0020000D, 0x0020000E}


def _some_part(specimen: Specimen, chance: random.Random) -> Part:
    return chance.choice([p for p in specimen.parts() if p.tag != PIXEL_DATA and p.tag not in _IDENTIFYING])


def _with_length(specimen: Specimen, part: Part, length: int) -> Specimen:
    """Return it with another length in an element's header; it is cut to the field's size."""
    data = bytearray(specimen.data_set)
    is_long = not part.vr or part.value - part.start == 12
    order = ">" if specimen.reading_uid == BIG else "<"
    pack_into(
        f"{order}{'I' if is_long else 'H'}",
        data,
        part.value - (4 if is_long else 2),
        length & (0xFFFFFFFF if is_long else 0xFFFF),
    )
    return specimen.with_data_set(bytes(data))


@operator("refused")
def cut_inside_the_header_of_an_element(specimen: Specimen, chance: random.Random) -> Specimen:
    part = chance.choice([part for part in specimen.parts() if part.start < specimen.header_bytes])
    return specimen.with_data_set(specimen.data_set[: part.start + chance.randint(1, 7)])


@operator("either")
def cut_inside_the_header(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.with_data_set(specimen.data_set[: chance.randrange(specimen.header_bytes)])


@operator("stored", suits=native)
def cut_inside_the_pixel_data(specimen: Specimen, chance: random.Random) -> Specimen:
    keep = chance.randrange(specimen.header_bytes + 12, len(specimen.data_set))
    return specimen.with_data_set(specimen.data_set[:keep])


@operator("either")
def length_too_short(specimen: Specimen, chance: random.Random) -> Specimen:
    part = _some_part(specimen, chance)
    return _with_length(specimen, part, max(0, part.length - chance.choice((1, 2, 8))))


@operator("either")
def length_too_long(specimen: Specimen, chance: random.Random) -> Specimen:
    part = _some_part(specimen, chance)
    return _with_length(specimen, part, part.length + chance.choice((2, 4, 8, 100, 10_000)))


@operator("either")
def length_odd(specimen: Specimen, chance: random.Random) -> Specimen:
    part = _some_part(specimen, chance)
    return _with_length(specimen, part, part.length + 1 - 2 * chance.randrange(2))


@operator("either")
def length_beyond_the_end(specimen: Specimen, chance: random.Random) -> Specimen:
    return _with_length(specimen, _some_part(specimen, chance), chance.choice((0xFFFFFFFE, 0x7FFFFFFF, 0x80000000)))


@operator("either")
def length_undefined(specimen: Specimen, chance: random.Random) -> Specimen:
    return _with_length(specimen, _some_part(specimen, chance), UNDEFINED_LENGTH)


@operator("either")
def length_zero(specimen: Specimen, chance: random.Random) -> Specimen:
    return _with_length(specimen, _some_part(specimen, chance), 0)


@operator("stored", suits=native)
def pixel_data_length_lies(specimen: Specimen, chance: random.Random) -> Specimen:
    part = specimen.parts()[-1]
    length = chance.choice((0, 1, part.length - 2, part.length + 2, 0xFFFFFFFE, 0x7FFFFFFF))
    return _with_length(specimen, next(p for p in specimen.parts() if p.tag == PIXEL_DATA), length)


@operator("either", suits=with_items)
def item_length_lies(specimen: Specimen, chance: random.Random) -> Specimen:
    data = bytearray(specimen.data_set)
    places = [i for i in range(specimen.header_bytes) if data[i : i + 4] == b"\xfe\xff\x00\xe0"]
    length = chance.choice((0, 1, 7, 8, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, UNDEFINED_LENGTH))
    pack_into("<I", data, chance.choice(places) + 4, length)
    return specimen.with_data_set(bytes(data))


@operator("stored")
def group_length_lies(specimen: Specimen, chance: random.Random) -> Specimen:
    value = chance.choice((b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", chance.randbytes(4)))
    return specimen.with_element(0x00080000, "UL", value)


@operator("either", suits=explicit)
def reserved_bytes_set(specimen: Specimen, chance: random.Random) -> Specimen:
    long = [part for part in specimen.parts() if part.value - part.start == 12]
    if not long:
        return specimen
    data = bytearray(specimen.data_set)
    part = chance.choice(long)
    data[part.start + 6 : part.start + 8] = chance.randbytes(2)
    return specimen.with_data_set(bytes(data))
