"""What the tests of acceptance take in: an instance, fragment by fragment."""

from __future__ import annotations

import struct

from services.ingest.accept import Acceptance, Accepted, Accepting
from services.ingest.identity import Origin
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, make_instance

INSTANCE = make_instance(1, 1)
PIXEL_DATA = INSTANCE.data_set.index(struct.pack("<HH", 0x7FE0, 0x0010))
DIMSE = Origin("dimse", EXPLICIT_VR_LITTLE_ENDIAN, "CT1")


async def accept(accepting: Accepting, data_set: bytes, origin: Origin = DIMSE, *, step: int = 1 << 16) -> Accepted:
    acceptance = accepting.begin(origin)
    await feed(acceptance, data_set, step)
    return await acceptance.finish()


async def feed(acceptance: Acceptance, data_set: bytes, step: int = 1 << 16) -> None:
    for start in range(0, len(data_set), step):
        fragment = bytearray(data_set[start : start + step])
        acceptance.write(memoryview(fragment))
        fragment[:] = b"\xff" * len(fragment)  # the buffer is used again as soon as `write` has returned
        await acceptance.drain()
