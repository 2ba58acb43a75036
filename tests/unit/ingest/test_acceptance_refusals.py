"""Which instances are refused, and why; which are not although something is wrong with them."""

from __future__ import annotations

import struct

import pytest

from radstream.contract.errors import RejectedInstance, Unavailable
from services.ingest.accept import Accepting
from services.ingest.arrival import HELD_LIMIT_BYTES
from services.ingest.identity import Origin
from tests.accepting import DIMSE, INSTANCE, PIXEL_DATA, accept, feed
from tests.ingest_engines import Engines
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, uid


async def refusal(accepting: Accepting, data_set: bytes, origin: Origin = DIMSE) -> RejectedInstance:
    with pytest.raises(RejectedInstance) as caught:
        await accept(accepting, data_set, origin)
    return caught.value


async def test_what_comes_after_a_refusal_is_forgotten(engines: Engines, accepting: Accepting) -> None:
    engines.blobs.fails_at = {"drain"}
    acceptance = accepting.begin(DIMSE)
    await feed(acceptance, INSTANCE.data_set)
    assert acceptance.is_refused
    assert engines.blobs.open_writers == 0
    await feed(acceptance, bytes(1 << 20))
    with pytest.raises(Unavailable):
        await acceptance.finish()


def without(tag: tuple[int, int]) -> bytes:
    """Return the data set without the UI element `tag`."""
    start = INSTANCE.data_set.index(struct.pack("<HH2s", *tag, b"UI"))
    (length,) = struct.unpack_from("<H", INSTANCE.data_set, start + 6)
    return INSTANCE.data_set[:start] + INSTANCE.data_set[start + 8 + length :]


def with_value(tag: tuple[int, int], value: bytes) -> bytes:
    """Return the data set with another value of the UI element `tag`."""
    start = INSTANCE.data_set.index(struct.pack("<HH2s", *tag, b"UI"))
    (length,) = struct.unpack_from("<H", INSTANCE.data_set, start + 6)
    element = struct.pack("<HH2sH", *tag, b"UI", len(value)) + value
    return INSTANCE.data_set[:start] + element + INSTANCE.data_set[start + 8 + length :]


UIDS = [(0x0008, 0x0016), (0x0008, 0x0018), (0x0020, 0x000D), (0x0020, 0x000E)]


@pytest.mark.parametrize("tag", UIDS)
@pytest.mark.parametrize(
    "value", [b"", b"../../etc/passwd", b"1.2.3\\1.2.4", b"1." + b"2" * 64, b"\xff\xfe", b"1.2 .3"]
)
async def test_a_value_that_is_no_uid_is_refused(
    engines: Engines, accepting: Accepting, tag: tuple[int, int], value: bytes
) -> None:
    padded = value + b" " * (len(value) % 2)
    assert (await refusal(accepting, with_value(tag, padded))).status == 0xA900
    assert engines.effects == []
    assert engines.blobs.open_writers == 0


@pytest.mark.parametrize("tag", UIDS)
async def test_a_missing_uid_is_refused(engines: Engines, accepting: Accepting, tag: tuple[int, int]) -> None:
    assert (await refusal(accepting, without(tag))).status == 0xA900
    assert engines.effects == []
    assert engines.blobs.open_writers == 0


async def test_an_empty_data_set_is_refused(accepting: Accepting) -> None:
    assert (await refusal(accepting, b"")).status == 0xA900


@pytest.mark.parametrize("length", [1, 7, 300, PIXEL_DATA - 3])
async def test_a_data_set_that_ends_inside_an_element_of_its_header_is_refused(
    engines: Engines, accepting: Accepting, length: int
) -> None:
    assert (await refusal(accepting, INSTANCE.data_set[:length])).status == 0xC000
    assert engines.effects == []


async def test_a_pixel_data_that_is_too_short_is_stored_as_it_came(engines: Engines, accepting: Accepting) -> None:
    cut = INSTANCE.data_set[: PIXEL_DATA + 100]
    accepted = await accept(accepting, cut)
    assert engines.blobs.contents[accepted.event.blob_key][0].endswith(cut)


async def test_uids_that_do_not_stand_at_the_start_are_not_waited_for(engines: Engines, accepting: Accepting) -> None:
    acceptance = accepting.begin(DIMSE)
    acceptance.write(struct.pack("<HH2sHL", 0x0007, 0x1010, b"OB", 0, 1 << 30))
    await feed(acceptance, bytes(2 * HELD_LIMIT_BYTES))
    assert acceptance.is_refused
    assert not acceptance._arrival._held
    with pytest.raises(RejectedInstance) as caught:
        await acceptance.finish()
    assert caught.value.status == 0xA900


def announced(**uids: str) -> Origin:
    return Origin("dimse", EXPLICIT_VR_LITTLE_ENDIAN, **uids)


async def test_the_announced_instance_is_taken(accepting: Accepting) -> None:
    origin = announced(sop_class_uid=MR_IMAGE_STORAGE + "\0", sop_instance_uid=INSTANCE.sop_instance_uid)
    assert (await accept(accepting, INSTANCE.data_set, origin)).is_new


@pytest.mark.parametrize("keyword", ["sop_class_uid", "sop_instance_uid", "study_instance_uid"])
async def test_another_than_the_announced_instance_is_refused(
    engines: Engines, accepting: Accepting, keyword: str
) -> None:
    assert (await refusal(accepting, INSTANCE.data_set, announced(**{keyword: "1.2.3"}))).status == 0xA900
    assert engines.effects == []
    assert engines.blobs.open_writers == 0


async def test_an_announcement_without_a_uid_is_none(accepting: Accepting) -> None:
    assert (await refusal(accepting, INSTANCE.data_set, announced(sop_instance_uid=""))).status == 0xA900


async def test_the_refused_instance_can_be_named(accepting: Accepting) -> None:
    acceptance = accepting.begin(announced(study_instance_uid="1.2.3"))
    assert acceptance.reference is None
    await feed(acceptance, INSTANCE.data_set)
    assert acceptance.reference is not None
    assert acceptance.reference.sop_instance_uid == uid(3, 100_001)
    await acceptance.abort()
