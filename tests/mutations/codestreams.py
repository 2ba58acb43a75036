"""Mutations of one compressed frame, blind to its syntax: what a broken disk, a broken device or an attacker makes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

Spoil = Callable[[bytes, random.Random], bytes]

_HEADER_BYTES: Final = 96
_EXTREMES: Final = (b"\x00\x00", b"\x00\x01", b"\x7f\xff", b"\x80\x00", b"\xff\xff", b"\xff\xd9", b"\xff\x4f")


def bytes_replaced(data: bytes, chance: random.Random) -> bytes:
    spoiled = bytearray(data)
    for _ in range(chance.choice((1, 4, 32))):
        spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
    return bytes(spoiled)


def a_bit_of_the_header_flipped(data: bytes, chance: random.Random) -> bytes:
    spoiled = bytearray(data)
    spoiled[chance.randrange(min(_HEADER_BYTES, len(spoiled)))] ^= 1 << chance.randrange(8)
    return bytes(spoiled)


def a_word_of_the_header_made_extreme(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(min(_HEADER_BYTES, len(data) - 2))
    return data[:at] + chance.choice(_EXTREMES) + data[at + 2 :]


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def bytes_inserted(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + chance.randbytes(chance.choice((1, 2, 100))) + data[at:]


def a_part_left_out(data: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(data)) for _ in range(2))
    return data[:start] + data[end:]


def a_part_repeated(data: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(data)) for _ in range(2))
    return data[:end] + data[start:end] * chance.choice((1, 50)) + data[end:]


def a_part_overwritten(data: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(data)) for _ in range(2))
    return data[:start] + chance.choice((b"\x00", b"\xff")) * (end - start) + data[end:]


def parts_exchanged(data: bytes, chance: random.Random) -> bytes:
    first, second, third = sorted(chance.randrange(len(data)) for _ in range(3))
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def noise(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.choice((0, 2, 20))] + chance.randbytes(chance.choice((2, 500, len(data))))


def doubled(data: bytes, chance: random.Random) -> bytes:
    return data + data[chance.randrange(len(data)) :]


SPOILS: Final[tuple[Spoil, ...]] = (
    bytes_replaced,
    a_bit_of_the_header_flipped,
    a_word_of_the_header_made_extreme,
    cut,
    bytes_inserted,
    a_part_left_out,
    a_part_repeated,
    a_part_overwritten,
    parts_exchanged,
    noise,
    doubled,
)
