"""Mutations of values: character sets that lie, numbers that are none, texts without measure. All of it is kept."""

from __future__ import annotations

import random

from radstream.dicom.dictionary import UNDEFINED_LENGTH
from tests.dicom_bytes import item
from tests.mutations.engine import native, operator
from tests.mutations.specimens import Specimen, padded

PATIENT_NAME, PATIENT_ID, STUDY_DATE, STUDY_TIME = 0x00100010, 0x00100020, 0x00080020, 0x00080030
INSTANCE_NUMBER, SERIES_NUMBER = 0x00200013, 0x00200011
NUMBER_OF_FRAMES, ROWS, COLUMNS, BITS_ALLOCATED, BITS_STORED = (
    0x00280008,
    0x00280010,
    0x00280011,
    0x00280100,
    0x00280101,
)


@operator("stored")
def character_set_unknown(specimen: Specimen, chance: random.Random) -> Specimen:
    name = chance.choice((b"ISO_IR 999", b"KLINGON", b"\xff\xfe", b"\\" * 500, b"UTF-8", b"ISO 2022 IR 6\\nonsense"))
    return specimen.with_element(0x00080005, "CS", padded(name, b" "))


@operator("stored")
def character_set_lies(specimen: Specimen, chance: random.Random) -> Specimen:
    names = (b"ISO_IR 192", b"GB18030", b"ISO_IR 13", b"\\ISO 2022 IR 87", b"\\ISO 2022 IR 149", b"ISO_IR 100")
    spoiled = specimen.with_element(0x00080005, "CS", padded(chance.choice(names), b" "))
    return spoiled.with_element(PATIENT_NAME, "PN", padded(chance.randbytes(chance.choice((5, 60, 2000)))))


@operator("stored")
def escape_sequences_without_sense(specimen: Specimen, chance: random.Random) -> Specimen:
    spoiled = specimen.with_element(0x00080005, "CS", b"\\ISO 2022 IR 87\\ISO 2022 IR 13 ")
    pieces = (b"\x1b", b"\x1b$B", b"\x1b(J", b"\x1b$)C", b"^", b"=", b"\\", b"0l1", b"\x1b(", b"\xff")
    name = b"".join(chance.choice(pieces) for _ in range(chance.choice((3, 30, 3000))))
    return spoiled.with_element(PATIENT_NAME, "PN", padded(name[:65000]))


@operator("stored")
def names_without_measure(specimen: Specimen, chance: random.Random) -> Specimen:
    name = chance.choice(
        (b"A" * 60_000, b"\\" * 60_000, b"=" * 60_000, b"^" * 60_000, b"a\\" * 30_000, b"\xc3\xa9=" * 20_000)
    )
    return specimen.with_element(PATIENT_NAME, "PN", name)


@operator("stored")
def control_characters(specimen: Specimen, chance: random.Random) -> Specimen:
    text = bytes(chance.choice((0, 1, 7, 8, 10, 13, 27, 34, 92, 127, 0xE2, 0xED)) for _ in range(40))
    return specimen.with_element(PATIENT_ID, "LO", text)


@operator("stored")
def numbers_that_are_none(specimen: Specimen, chance: random.Random) -> Specimen:
    bad = (
        b"NaN ",
        b"1e999 ",
        b"-",
        b"0x10",
        b"9" * 400,
        b"1.2.3 ",
        b"\\\\\\\\",
        b"1e-400",
        b"--1 ",
        b"\xd9\xa1",
        b"1_0 ",
    )
    for tag, vr in ((INSTANCE_NUMBER, "IS"), (SERIES_NUMBER, "IS"), (0x00181063, "DS"), (0x00200032, "DS")):
        specimen = specimen.with_element(tag, vr, padded(chance.choice(bad), b" "))
    return specimen


@operator("stored")
def dates_that_are_none(specimen: Specimen, chance: random.Random) -> Specimen:
    bad = (
        b"20261399",
        b"0000",
        b"99999999",
        b"today",
        b"2026-01-02",
        b"20260102-20270102",
        b"\0" * 8,
        b"9" * 200,
        b"*",
    )
    specimen = specimen.with_element(STUDY_DATE, "DA", padded(chance.choice(bad), b" "))
    return specimen.with_element(STUDY_TIME, "TM", padded(chance.choice((*bad, b"256199.9", b"-1")), b" "))


@operator("stored", suits=native)
def frames_that_are_not_there(specimen: Specimen, chance: random.Random) -> Specimen:
    number = chance.choice(
        (b"0 ", b"-1", b"2 ", b"1000", b"2147483647", b"4294967296", b"1e3 ", b"many", b"", b"9" * 30)
    )
    return specimen.with_element(NUMBER_OF_FRAMES, "IS", padded(number, b" "))


@operator("stored", suits=native)
def sizes_that_are_not_true(specimen: Specimen, chance: random.Random) -> Specimen:
    for tag in (ROWS, COLUMNS):
        specimen = specimen.with_element(
            tag, "US", chance.choice((b"\0\0", b"\1\0", b"\xff\xff", b"", b"\1\0\2\0", b"\1"))
        )
    return specimen


@operator("stored", suits=native)
def bits_that_are_not_true(specimen: Specimen, chance: random.Random) -> Specimen:
    for tag in (BITS_ALLOCATED, BITS_STORED, 0x00280102, 0x00280002, 0x00280103):
        if chance.random() < 0.5:
            value = chance.choice((0, 1, 3, 7, 12, 16, 24, 32, 64, 128, 0xFFFF))
            specimen = specimen.with_element(
                tag, "US", value.to_bytes(2, "big" if specimen.reading_uid.endswith(".1.2.2") else "little")
            )
    return specimen


@operator("stored", suits=native)
def photometric_interpretation_lies(specimen: Specimen, chance: random.Random) -> Specimen:
    name = chance.choice((b"PALETTE COLOR ", b"YBR_FULL_422", b"RGB ", b"MONOCHROME1 ", b"NONE", b"HSV ", b""))
    return specimen.with_element(0x00280004, "CS", name)


@operator("stored", suits=native)
def windows_without_sense(specimen: Specimen, chance: random.Random) -> Specimen:
    bad = (b"0 ", b"-1", b"NaN ", b"1e308 ", b"1e-300", b"", b"1\\2\\3 ", b"abc ")
    for tag in (0x00281050, 0x00281051, 0x00281052, 0x00281053):
        specimen = specimen.with_element(tag, "DS", chance.choice(bad))
    return specimen


@operator("stored", suits=native)
def lookup_tables_that_lie(specimen: Specimen, chance: random.Random) -> Specimen:
    for tag in (0x00281101, 0x00281102, 0x00281103):
        specimen = specimen.with_element(tag, "US", chance.randbytes(chance.choice((2, 6, 8))))
    for tag in (0x00281201, 0x00281202, 0x00281203):
        specimen = specimen.with_element(tag, "OW", chance.randbytes(chance.choice((0, 2, 512, 5000))))
    return specimen.with_element(0x00280004, "CS", b"PALETTE COLOR ")


@operator("stored")
def sequence_where_a_value_belongs(specimen: Specimen, chance: random.Random) -> Specimen:
    tag = chance.choice((PATIENT_ID, STUDY_DATE, ROWS, NUMBER_OF_FRAMES, 0x00080060))
    return specimen.with_element(tag, "SQ", item(b"", None, specimen.reading_uid))


@operator("either")
def value_where_a_sequence_belongs(specimen: Specimen, chance: random.Random) -> Specimen:
    tag = chance.choice((0x52009229, 0x52009230, 0x00400275, 0x00081140))
    return specimen.with_element(
        tag, chance.choice(("LO", "US", "UN")), padded(chance.randbytes(chance.randint(0, 40)))
    )


@operator("either")
def fragments_in_the_header(specimen: Specimen, chance: random.Random) -> Specimen:
    syntax = specimen.reading_uid
    value = b"".join(item(bytes(size), None, syntax) for size in (0, 8, 2000))
    return specimen.with_element(0x00420011, "OB", value, UNDEFINED_LENGTH)
