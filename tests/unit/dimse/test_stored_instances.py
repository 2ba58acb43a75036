"""Stored instances on their way out: exactly the data set, whatever the pieces of their file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from struct import pack

import pytest

from radstream.contract.errors import NotFound, RejectedInstance
from radstream.dicom.part10 import encode_meta
from radstream.dimse.stored import StoredInstance, stored_instance
from tests.dimse_wire import chunks_of
from tests.samples import samples


def element(number: int, uid: str) -> bytes:
    value = uid.encode() + b"\0" * (len(uid) % 2)
    return pack("<HH2sH", 8, number, b"UI", len(value)) + value


UIDS = ("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", "1.2.840.10008.1.2.1")
META = encode_meta(*UIDS)
IDENTITY = element(0x0016, UIDS[0]) + element(0x0018, UIDS[1])
STORABLE = [sample for sample in samples() if sample.is_storable and len(sample.data_set) < 200_000]


@pytest.mark.parametrize("size", [1, 7, 300, len(META), len(META) + 2, 1 << 20])
async def test_the_data_set_is_what_follows_the_meta_group(size: int) -> None:
    data = IDENTITY + element(0x0016, "1.9") + bytes(1000)
    instance = await stored_instance(partial(chunks_of, META + data, size))
    assert (instance.sop_class_uid, instance.sop_instance_uid, instance.transfer_syntax_uid) == UIDS
    for _ in range(2):  # as often as need be
        assert b"".join([chunk async for chunk in instance.open()]) == data


async def test_every_file_of_pydicom_is_sent_as_it_is() -> None:
    assert len(STORABLE) > 50
    for sample in STORABLE:
        instance = await stored_instance(partial(chunks_of, sample.path.read_bytes(), 4099))
        assert (instance.sop_class_uid, instance.sop_instance_uid) == (sample.sop_class_uid, sample.sop_instance_uid)
        assert instance.transfer_syntax_uid == sample.transfer_syntax_uid
        assert b"".join([chunk async for chunk in instance.open()]) == sample.data_set, sample.name


@pytest.mark.parametrize(
    "content",
    [
        b"",
        META[:100],
        META[:200],
        META,
        b"no DICOM file " * 100,
        META + element(0x0018, "1.2.3"),
        encode_meta("1.2", "1.2.3", "") + IDENTITY,
    ],
    ids=["empty", "half a preamble", "half a meta group", "no data set", "something else", "no SOP class", "no syntax"],
)
async def test_what_is_no_instance_is_rejected(content: bytes) -> None:
    with pytest.raises(RejectedInstance):
        await stored_instance(partial(chunks_of, content, 64))


async def test_the_data_set_is_believed_and_not_a_meta_group_that_was_forgotten() -> None:
    forgotten = encode_meta("1.2.840.10008.5.1.4.1.1.4", "1.9.9", UIDS[2])
    instance = await stored_instance(partial(chunks_of, forgotten + IDENTITY, 64))
    assert (instance.sop_class_uid, instance.sop_instance_uid) == UIDS[:2]


async def test_the_readers_error_is_the_instances_and_the_reader_is_closed() -> None:
    closed = []

    async def reader() -> AsyncIterator[bytes]:
        try:
            yield META + b"abc"
            raise NotFound("gone")
        finally:
            closed.append(True)

    instance = StoredInstance(*UIDS, reader)
    chunks = instance.open()
    assert await anext(chunks) == b"abc"
    with pytest.raises(NotFound):
        await anext(chunks)
    chunks = instance.open()
    await anext(chunks)
    await chunks.aclose()
    assert closed == [True, True]
