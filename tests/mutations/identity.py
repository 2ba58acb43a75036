"""Mutations of who it is: UIDs that are missing or no UIDs, and meta groups and files that are none."""

from __future__ import annotations

import random
from dataclasses import replace
from struct import pack

from radstream.dicom.part10 import encode_meta
from tests.mutations.engine import operator
from tests.mutations.specimens import (
    SERIES_INSTANCE_UID,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    Specimen,
    padded,
)

UIDS = (SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID, SERIES_INSTANCE_UID)


@operator("refused")
def uid_missing(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.without(chance.choice(UIDS))


@operator("refused")
def uid_empty(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.with_element(chance.choice(UIDS), "UI", chance.choice((b"", b"\0\0", b"  ")))


@operator("refused")
def uid_of_65_characters(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.with_element(chance.choice(UIDS), "UI", padded("1." * 32 + "1"))


@operator("refused")
def uid_of_bad_characters(specimen: Specimen, chance: random.Random) -> Specimen:
    bad = (
        b"../../../etc/x",
        b"1.2.\xff.3",
        b"1.2\0.3.4",
        b"1.2.3 4",
        b"1..2",
        b"1.2/3",
        b"%2e%2e",
        b"*",
        b"1.2\\1.3",
        b"\xd9\xa1.2",
    )
    return specimen.with_element(chance.choice(UIDS), "UI", padded(chance.choice(bad)))


@operator("refused")
def uid_of_a_megabyte(specimen: Specimen, chance: random.Random) -> Specimen:
    """Only an element with a 32-bit length can be that long."""
    return specimen.with_element(chance.choice(UIDS), "UT", b"1." * (1 << 19))


@operator("refused", dimse="refused")
def uids_all_missing(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.without(*UIDS)


@operator("stored", dimse="refused")
def uid_other_than_announced(specimen: Specimen, chance: random.Random) -> Specimen:
    """A file is kept under what its data set says; a C-STORE that names another instance is refused."""
    changed = specimen.with_element(SOP_INSTANCE_UID, "UI", padded(specimen.sop_instance_uid + ".1"))
    return replace(changed, sop_instance_uid=specimen.sop_instance_uid)


# --- files: by C-STORE no meta group is sent, and the data set is sound -----------------------------------------------


@operator("stored")
def meta_group_length_lies(specimen: Specimen, chance: random.Random) -> Specimen:
    meta = bytearray(specimen.meta)
    meta[140:144] = pack("<I", chance.choice((0, 1, 12, 0xFFFFFFFF, len(meta) * 2)))
    return replace(specimen, meta=bytes(meta))


@operator("refused", dimse="stored")
def meta_without_transfer_syntax(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen, meta=specimen.meta.replace(b"\x02\0\x10\0UI", b"\x02\0\x99\0UI"))


@operator("stored")
def meta_of_another_instance(specimen: Specimen, chance: random.Random) -> Specimen:
    meta = encode_meta("1.2.840.10008.5.1.4.1.1.7", "1.2.3.4.5", specimen.transfer_syntax_uid)
    return replace(specimen, meta=meta)


@operator("refused", dimse="stored")
def meta_that_never_ends(specimen: Specimen, chance: random.Random) -> Specimen:
    endless = pack("<HH2sHI", 2, 0x0102, b"OB", 0, 0xFFFFFFF0)
    return replace(specimen, meta=specimen.meta[:144] + endless)


@operator("refused", dimse="stored")
def meta_with_countless_elements(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen, meta=specimen.meta + pack("<HH2sH", 2, 0x0016, b"AE", 0) * 30_000)


@operator("either", dimse="stored")
def meta_damaged(specimen: Specimen, chance: random.Random) -> Specimen:
    meta = bytearray(specimen.meta)
    for _ in range(chance.randint(1, 5)):
        meta[chance.randrange(132, len(meta))] = chance.randrange(256)
    return replace(specimen, meta=bytes(meta))


@operator("refused", dimse="stored")
def prefix_missing(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen, meta=b"")


@operator("stored")
def preamble_missing(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen, meta=specimen.meta[128:])


@operator("stored")
def preamble_of_another_format(specimen: Specimen, chance: random.Random) -> Specimen:
    magic = chance.choice((b"MZ\x90\0", b"\x7fELF", b"II*\0", b"#!/bin/sh\n", b"%PDF-1.7"))
    return replace(specimen, meta=magic.ljust(128, b"\0") + specimen.meta[128:])


@operator("refused")
def file_empty(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen, meta=b"", data_set=b"")


@operator("refused")
def file_of_a_preamble_only(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen, meta=specimen.meta[: chance.choice((1, 127, 128, 130, 132, 140, 144))], data_set=b"")


@operator("refused")
def data_set_empty(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen, data_set=b"")


@operator("refused")
def noise(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen, data_set=chance.randbytes(chance.choice((1, 8, 100, 10_000, 300_000))))


@operator("refused")
def zeros(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen, data_set=bytes(chance.choice((1, 8, 100, 10_000, 3_000_000))))


@operator("refused")
def text(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen, meta=b"", data_set=b"This is no image.\n" * chance.choice((1, 10, 10_000)))
