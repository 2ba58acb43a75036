"""Orthanc as SCU and as SCP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from functools import partial

import httpx2
import pydicom
import pytest
from pydicom.filereader import dcmread

from bench.peers import Orthanc
from radstream.dimse.outgoing import Delivery, Destination, Patience
from radstream.dimse.sender import Sender
from radstream.dimse.server import AETitlePolicy
from radstream.dimse.stored import StoredInstance, stored_instance
from tests.dimse_peers import sample, serving, to
from tests.dimse_wire import Store, chunks_of
from tests.samples import data_set_of, samples

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not Orthanc.is_installed(), reason="Orthanc is not installed: run scripts/install-peers orthanc"
    ),
]


class Running:
    """Orthanc with its REST interface."""

    def __init__(self, dimse_port: int, base: str) -> None:
        self.dimse_port = dimse_port
        self._client = httpx2.Client(base_url=base, timeout=30)

    def get(self, path: str) -> httpx2.Response:
        return self._client.get(path).raise_for_status()

    def introduce(self, port: int) -> None:
        """Tell it of a modality "radstream" on `port`."""
        modality = {"AET": "RADSTREAM", "Host": "127.0.0.1", "Port": port}
        self._client.put("/modalities/radstream", json=modality).raise_for_status()

    def ask(self, what: str, content: object) -> httpx2.Response:
        return self._client.post(f"/modalities/radstream/{what}", json=content)

    def upload(self, content: bytes) -> str:
        return str(self._client.post("/instances", content=content).raise_for_status().json()["ID"])


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    program = Orthanc(tmp_path_factory.mktemp("orthanc"))
    peer = program.start()
    try:
        yield Running(peer.dimse_port, peer.dicom_web.removesuffix("/dicom-web"))
    finally:
        program.stop()


async def instances() -> list[StoredInstance]:
    """Return pydicom's files, a few of which are malformed."""
    chosen = {one.sop_instance_uid: one for one in samples() if one.is_storable and len(one.data_set) < 1 << 20}
    return [await stored_instance(partial(chunks_of, one.path.read_bytes(), 60_000)) for one in chosen.values()]


async def test_the_sender_stores_in_orthanc(orthanc: Running) -> None:
    sent = await instances()
    # Where the data set is malformed (an odd number of bytes, a header that ends early) Orthanc never responds.
    patience = Patience(attempts=1, response_timeout_s=3)
    destination = Destination("127.0.0.1", orthanc.dimse_port, "ORTHANC")
    sender: Sender[StoredInstance] = Sender(destination, associations=3, patience=patience)
    async with aclosing(sender.send(sent)) as deliveries:
        told: list[Delivery[StoredInstance]] = [delivery async for delivery in deliveries]
    stored = {one.instance.sop_instance_uid for one in told if one.error is None}
    assert {one.instance.sop_instance_uid for one in told} == {one.sop_instance_uid for one in sent}
    reasons = {str(one.error).partition(":")[0] for one in told if one.error is not None}
    assert reasons <= {"the peer answered 0xC000", "the peer did not respond in time"}
    assert len(stored) > 130
    found = (await asyncio.to_thread(orthanc.get, "/instances?expand")).json()
    assert stored <= {one["MainDicomTags"]["SOPInstanceUID"] for one in found}


async def test_orthanc_keeps_the_pixels_that_we_sent(orthanc: Running) -> None:
    path = sample("MR_small_jp2klossless.dcm")
    async with to(orthanc.dimse_port, called_ae_title="ORTHANC", contexts=[_context_of(path)]) as association:
        meta = dcmread(path)
        stored = (meta.SOPClassUID, meta.SOPInstanceUID, meta.file_meta.TransferSyntaxUID)
        assert await association.c_store(*stored, data_set_of(path.read_bytes())) == 0
    found = (await asyncio.to_thread(orthanc.get, "/instances?expand")).json()
    (identifier,) = (one["ID"] for one in found if one["MainDicomTags"]["SOPInstanceUID"] == meta.SOPInstanceUID)
    content = (await asyncio.to_thread(orthanc.get, f"/instances/{identifier}/file")).content
    assert dcmread(pydicom.filebase.DicomBytesIO(content)).PixelData == meta.PixelData


def _context_of(path: object) -> tuple[str, list[str]]:
    meta = dcmread(path, stop_before_pixels=True)
    return meta.SOPClassUID, [meta.file_meta.TransferSyntaxUID]


async def test_we_verify_orthanc(orthanc: Running) -> None:
    async with to(orthanc.dimse_port, called_ae_title="ORTHANC") as association:
        assert await association.c_echo() == 0
        assert association.accept.user.implementation_version_name.startswith("OFFIS")


async def test_orthanc_verifies_and_stores_in_us(orthanc: Running) -> None:
    names = ["CT_small.dcm", "MR_small_jp2klossless.dcm", "JPEG-LL.dcm", "rtplan.dcm", "SC_rgb_rle.dcm"]
    contents = [sample(name).read_bytes() for name in names]
    identifiers = [await asyncio.to_thread(orthanc.upload, content) for content in contents]
    store = Store()
    async with serving(store, ae_title=AETitlePolicy({"RADSTREAM"}, {"ORTHANC"})) as server:
        await asyncio.to_thread(orthanc.introduce, server.port)
        assert (await asyncio.to_thread(orthanc.ask, "echo", {})).status_code == 200
        answer = await asyncio.to_thread(orthanc.ask, "store", {"Resources": identifiers, "Synchronous": True})
        assert answer.status_code == 200, answer.text
        assert answer.json()["FailedInstancesCount"] == 0
    assert [sink.outcome for sink in store.sinks] == ["finished"] * len(names)
    received = {request.command.affected_sop_instance_uid: request.transfer_syntax_uid for request in store.requests}
    for content in contents:
        sent = dcmread(pydicom.filebase.DicomBytesIO(content), stop_before_pixels=True)
        assert received[sent.SOPInstanceUID] == sent.file_meta.TransferSyntaxUID


async def test_orthanc_is_told_that_we_do_not_know_it(orthanc: Running) -> None:
    async with serving(Store(), ae_title=AETitlePolicy({"RADSTREAM"}, {"OTHERS"})) as server:
        await asyncio.to_thread(orthanc.introduce, server.port)
        answer = await asyncio.to_thread(orthanc.ask, "echo", {})
    assert answer.status_code == 500
    assert "Association Rejected" in answer.text
