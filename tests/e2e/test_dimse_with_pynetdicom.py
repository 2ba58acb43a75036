"""pynetdicom's application entity as SCU and as SCP, byte by byte."""

from __future__ import annotations

import asyncio
import warnings
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_file_meta_info
from pynetdicom import (
    build_context,
    build_role,
    evt,
)

from radstream.contract.errors import Unavailable
from radstream.dimse.client import AssociationRejected
from radstream.dimse.messages import CommandField
from radstream.dimse.server import (
    DimseServer,
    MessageRoute,
    Reply,
    Request,
    verification_route,
)
from radstream.dimse.sop_classes import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, STORAGE_SOP_CLASSES
from tests.dimse_peers import FIND, GET, SAMPLES, pynetdicom_association, pynetdicom_scp, sample, serving, to
from tests.dimse_wire import CT_IMAGE_STORAGE, Store
from tests.samples import data_set_of
from tests.system import free_port

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("name", SAMPLES.values(), ids=SAMPLES)
async def test_pynetdicom_stores_every_syntax_byte_by_byte(name: str) -> None:
    store = Store()
    path = sample(name)
    meta = read_file_meta_info(path)

    def send(port: int) -> int:
        contexts = [build_context(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID)]
        with pynetdicom_association(port, contexts) as association, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return int(association.send_c_store(path).Status)

    async with serving(store) as server:
        assert await asyncio.to_thread(send, server.port) == 0
    assert store.requests[0].transfer_syntax_uid == meta.TransferSyntaxUID
    inflate = (lambda data: zlib.decompress(data, -15)) if name == "image_dfl.dcm" else bytes  # it deflates anew
    assert inflate(store.sinks[0].received) == inflate(data_set_of(path.read_bytes()))


async def test_300_contexts_are_accepted_in_three_associations() -> None:
    classes = sorted(STORAGE_SOP_CLASSES)[:100] * 3
    syntaxes = [IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN]

    def count(port: int) -> int:
        total = 0
        for start in range(0, 300, 100):
            contexts = [build_context(uid, syntaxes) for uid in classes[start : start + 100]]
            with pynetdicom_association(port, contexts) as association:
                total += len(association.accepted_contexts)
        return total

    async with serving(Store()) as server:
        assert await asyncio.to_thread(count, server.port) == 300
        ours = 0
        for start in range(0, 300, 100):
            contexts = [(uid, syntaxes) for uid in classes[start : start + 100]]
            async with to(server, contexts=contexts) as association:
                ours += len(association.contexts)
        assert ours == 300


async def test_pynetdicom_finds_and_cancels() -> None:
    def query(port: int) -> tuple[list[int], int]:
        asked = Dataset()
        asked.QueryRetrieveLevel, asked.PatientID = "STUDY", "ONE"
        with pynetdicom_association(port, [build_context(FIND)]) as association:
            found = [(status.Status, result) for status, result in association.send_c_find(asked, FIND)]
            assert all(result.PatientID == "ONE" for _, result in found[:-1])
            asked.PatientID = "ENDLESS"
            last = 0
            for number, (status, _) in enumerate(association.send_c_find(asked, FIND, msg_id=5)):
                last = status.Status
                if number == 3:
                    association.send_c_cancel(5, query_model=FIND)
            return [status for status, _ in found], last

    async with serving(Store()) as server:
        statuses, last = await asyncio.to_thread(query, server.port)
    assert statuses == [0xFF00, 0xFF00, 0]
    assert last == 0xFE00


async def retrieve(request: Request, _identifier: bytes) -> AsyncIterator[Reply]:
    """Answer C-GET with three instances, sent back on the same association."""
    assert request.invoker is not None
    for number in range(3):
        data_set = data_set_of(sample("CT_small.dcm").read_bytes())
        stored = (CT_IMAGE_STORAGE, f"1.2.3.{number}", EXPLICIT_VR_LITTLE_ENDIAN)
        assert await request.invoker.c_store(*stored, data_set) == 0
        remaining = {"number_of_remaining_suboperations": 2 - number, "number_of_completed_suboperations": number + 1}
        yield Reply(0xFF00, fields=remaining)
    yield Reply(0, fields={"number_of_completed_suboperations": 3})


async def test_pynetdicom_gets_instances_on_the_association_that_asks_for_them() -> None:
    received: list[tuple[str, bytes]] = []

    def on_store(event: Any) -> int:
        received.append((event.request.AffectedSOPInstanceUID, event.request.DataSet.getvalue()))
        return 0

    def get(port: int) -> list[Any]:
        asked = Dataset()
        asked.QueryRetrieveLevel = "STUDY"
        contexts = [build_context(GET), build_context(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN)]
        options = {
            "ext_neg": [build_role(CT_IMAGE_STORAGE, scp_role=True)],
            "evt_handlers": [(evt.EVT_C_STORE, on_store)],
        }
        with pynetdicom_association(port, contexts, **options) as association:
            return [status for status, _ in association.send_c_get(asked, GET)]

    route = MessageRoute(abstract_syntaxes={GET}, command_field=CommandField.C_GET_RQ, handler=retrieve)
    server = DimseServer("127.0.0.1", 0, routes=(route, verification_route()), invokes={CT_IMAGE_STORAGE})
    await server.start()
    try:
        statuses = await asyncio.to_thread(get, server.port)
    finally:
        await server.close(1.0)
    assert [status.Status for status in statuses] == [0xFF00] * 3 + [0]
    assert [status.NumberOfCompletedSuboperations for status in statuses] == [1, 2, 3, 3]
    data_set = data_set_of(sample("CT_small.dcm").read_bytes())
    assert received == [(f"1.2.3.{number}", data_set) for number in range(3)]


async def test_we_store_in_pynetdicom_byte_by_byte() -> None:
    received: list[bytes] = []

    def on_store(event: Any) -> int:
        received.append(event.request.DataSet.getvalue())
        return 0xB000

    data_set = data_set_of(sample("CT_small.dcm").read_bytes())
    with pynetdicom_scp(EVT_C_STORE=on_store) as port:
        async with to(port) as association:
            assert await association.c_echo() == 0
            for _ in range(3):
                stored = (CT_IMAGE_STORAGE, "1.2.3", EXPLICIT_VR_LITTLE_ENDIAN)
                assert await association.c_store(*stored, data_set) == 0xB000
        with pytest.raises(AssociationRejected):
            async with to(port, called_ae_title="OTHER"):
                raise AssertionError("must not be entered")
    assert received == [data_set] * 3


async def test_pynetdicoms_abort_is_unavailable() -> None:
    with pynetdicom_scp(EVT_C_ECHO=lambda event: event.assoc.abort() or 0) as port, pytest.raises(Unavailable):
        async with to(port) as association:
            await association.c_echo()


async def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        async with to(free_port()):
            raise AssertionError("must not be entered")
