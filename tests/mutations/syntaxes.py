"""Mutations of the encoding: VRs that are none or another, transfer syntaxes that lie, streams that do not inflate."""

from __future__ import annotations

import random
import zlib
from dataclasses import replace

from tests.dicom_bytes import BIG, DEFLATED, EXPLICIT, IMPLICIT, element
from tests.mutations.engine import encapsulated, explicit, native, operator
from tests.mutations.specimens import JPEG_BASELINE, RLE, Part, Specimen, deflate

_SHORT_VRS = (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL")
_SHORT_VRS += (b"SS", b"ST", b"TM", b"UI", b"UL", b"US")
_LONG_VRS = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
_UIDS = {0x00080016, 0x00080018, 0x0020000D, 0x0020000E}


def implicit(specimen: Specimen) -> bool:
    return specimen.reading_uid == IMPLICIT and not explicit(specimen)


def little_explicit(specimen: Specimen) -> bool:
    return specimen.transfer_syntax_uid == EXPLICIT and explicit(specimen)


def big(specimen: Specimen) -> bool:
    return specimen.transfer_syntax_uid == BIG


def _with_vr(specimen: Specimen, part: Part, vr: bytes) -> Specimen:
    data = bytearray(specimen.data_set)
    data[part.start + 4 : part.start + 6] = vr
    return specimen.with_data_set(bytes(data))


def _short(specimen: Specimen, chance: random.Random) -> Part:
    """Return an element with a 16-bit length that is neither the first nor one of the UIDs."""
    return chance.choice([p for p in specimen.parts()[1:] if p.value - p.start == 8 and p.tag not in _UIDS])


@operator("stored", suits=explicit)
def vr_of_another_kind(specimen: Specimen, chance: random.Random) -> Specimen:
    for _ in range(chance.randint(1, 8)):
        specimen = _with_vr(specimen, _short(specimen, chance), chance.choice(_SHORT_VRS))
    return specimen


@operator("either", suits=explicit)
def vr_of_another_length(specimen: Specimen, chance: random.Random) -> Specimen:
    return _with_vr(specimen, _short(specimen, chance), chance.choice(_LONG_VRS))


@operator("stored", suits=explicit)
def vr_unknown(specimen: Specimen, chance: random.Random) -> Specimen:
    return _with_vr(specimen, _short(specimen, chance), chance.choice((b"ZZ", b"QQ", b"XX")))


@operator("either", suits=explicit)
def vr_of_no_letters(specimen: Specimen, chance: random.Random) -> Specimen:
    return _with_vr(specimen, _short(specimen, chance), chance.choice((b"\0\0", b"us", b"\xff\xff", b"--")))


@operator("stored", suits=implicit)
def implicit_declared_explicit(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.declared_as(EXPLICIT)


@operator("stored", suits=little_explicit)
def explicit_declared_implicit(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.declared_as(IMPLICIT)


@operator("refused", suits=little_explicit)
def little_declared_big_endian(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.declared_as(BIG)


@operator("refused", suits=big)
def big_declared_little_endian(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.declared_as(chance.choice((EXPLICIT, IMPLICIT)))


@operator("refused", suits=little_explicit)
def plain_declared_deflated(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.declared_as(DEFLATED)


@operator("refused", suits=little_explicit)
def deflated_declared_plain(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.deflated().declared_as(chance.choice((EXPLICIT, IMPLICIT)))


@operator("stored", suits=native)
def native_declared_compressed(specimen: Specimen, chance: random.Random) -> Specimen:
    if specimen.reading_uid == BIG:
        return specimen
    return specimen.declared_as(chance.choice((JPEG_BASELINE, RLE)))


@operator("stored", suits=encapsulated)
def compressed_declared_native(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.declared_as(EXPLICIT)


@operator("stored", suits=encapsulated)
def compressed_otherwise(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.declared_as(chance.choice((JPEG_BASELINE, RLE, "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.80")))


@operator("either")
def transfer_syntax_of_nobody(specimen: Specimen, chance: random.Random) -> Specimen:
    return specimen.declared_as(chance.choice(("1.2.3.4", "1.2.840.10008.1.2.99", "1.2.840.10008.5.1.4.1.1.2")))


# --- deflated data sets -----------------------------------------------------------------------------------------------


@operator("stored", suits=little_explicit)
def deflated(specimen: Specimen, chance: random.Random) -> Specimen:
    """Not spoiled at all, but for the many ways in which the others are."""
    return specimen.deflated()


@operator("stored", suits=little_explicit)
def deflate_bomb_behind_the_uids(specimen: Specimen, chance: random.Random) -> Specimen:
    """Some 200 kB that inflate to 200 MB, in front of the Pixel Data."""
    bomb = element(0x00291010, "OB", b"", 200 << 20) + bytes(200 << 20)
    return specimen.with_data_set(_bombed(specimen, specimen.header_bytes, bomb)).declared_as(DEFLATED)


@operator("refused", suits=little_explicit)
def deflate_bomb_before_the_uids(specimen: Specimen, chance: random.Random) -> Specimen:
    bomb = element(0x00070010, "OB", b"", 200 << 20) + bytes(200 << 20)
    return specimen.with_data_set(_bombed(specimen, 0, bomb)).declared_as(DEFLATED)


def _bombed(specimen: Specimen, at: int, bomb: bytes) -> bytes:
    stream = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    pieces = [stream.compress(piece) for piece in (specimen.data_set[:at], bomb, specimen.data_set[at:])]
    return b"".join((*pieces, stream.flush()))


@operator("either", suits=little_explicit)
def deflated_and_cut(specimen: Specimen, chance: random.Random) -> Specimen:
    made = specimen.deflated()
    return made.with_data_set(made.data_set[: chance.randrange(len(made.data_set))])


@operator("either", suits=little_explicit)
def deflated_and_damaged(specimen: Specimen, chance: random.Random) -> Specimen:
    made = specimen.deflated()
    data = bytearray(made.data_set)
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return made.with_data_set(bytes(data))


@operator("stored", suits=little_explicit)
def deflated_in_the_frame_of_zlib(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen.deflated(), data_set=zlib.compress(specimen.data_set))


@operator("stored", suits=little_explicit)
def deflated_with_garbage_behind(specimen: Specimen, chance: random.Random) -> Specimen:
    return replace(specimen.deflated(), data_set=deflate(specimen.data_set) + chance.randbytes(500))
