"""Our DIMSE ends and those of others over loopback: DCMTK and pynetdicom, as they are, and peers that misbehave."""

from __future__ import annotations

import asyncio
import os
import resource
import ssl
import subprocess
import sys
import warnings
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import BytesIO
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments
from pydicom.filereader import dcmread, read_file_meta_info
from pydicom.uid import CTImageStorage
from pynetdicom import AE, build_context, build_role, evt

from radstream.contract.errors import Unavailable
from radstream.dicom.part10 import encode_meta
from radstream.dimse.associate import encode_request
from radstream.dimse.client import Association, AssociationRejected
from radstream.dimse.messages import CommandField
from radstream.dimse.server import (
    AETitlePolicy,
    DimseServer,
    Limits,
    MessageRoute,
    Reply,
    Request,
    store_route,
    verification_route,
)
from radstream.dimse.sop_classes import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    STORAGE_SOP_CLASSES,
    VERIFICATION,
)
from tests.dimse_wire import CT_IMAGE_STORAGE, MemorySink, Store, make_request, store_rq
from tests.samples import data_set_of
from tests.system import free_port

pytestmark = pytest.mark.e2e

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
GET = "1.2.840.10008.5.1.4.1.2.2.3"
SAMPLES = {
    "implicit VR": "CT_small.dcm",
    "big endian": "MR_small_bigendian.dcm",
    "deflated": "image_dfl.dcm",
    "JPEG baseline": "SC_rgb_small_odd_jpeg.dcm",
    "JPEG extended": "JPEG-lossy.dcm",
    "JPEG lossless": "JPEG-LL.dcm",
    "JPEG-LS": "MR_small_jpeg_ls_lossless.dcm",
    "JPEG 2000": "MR_small_jp2klossless.dcm",
    "RLE": "MR_small_RLE.dcm",
}
"""Files of pydicom, each of another transfer syntax."""


async def find(request: Request, identifier: bytes) -> AsyncIterator[Reply]:
    """Answer each query with itself, without end if it is for patient ENDLESS."""
    count = 10_000_000 if b"ENDLESS" in identifier else 2
    for _ in range(count):
        yield Reply(0xFF00, identifier)
        await asyncio.sleep(0)
        if request.cancelled.is_set():
            return


@asynccontextmanager
async def serving(store: Callable[[Request], Any], **options: Any) -> AsyncIterator[DimseServer]:
    routes = (
        store_route(store),
        verification_route(),
        MessageRoute(abstract_syntaxes={FIND}, command_field=CommandField.C_FIND_RQ, handler=find),
    )
    server = DimseServer("127.0.0.1", 0, routes=routes, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.close(1.0)


async def run(*command: object) -> tuple[int, str]:
    """Run a program beside the loop; return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "TCP_NODELAY": "1"},
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode(errors="replace")


def sample(name: str) -> Path:
    return Path(str(get_testdata_file(name)))


def syntax_of(path: Path) -> str:
    return str(read_file_meta_info(path).TransferSyntaxUID)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-days", "2", "-nodes")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-keyout", key, "-out", certificate, *subject]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return certificate, key


# --- DCMTK ----------------------------------------------------------------------------------------------------------


@pytest.mark.dcmtk
async def test_dcmtk_verifies() -> None:
    async with serving(Store(), ae_title=AETitlePolicy({"RADSTREAM"}, {"ECHOSCU"})) as server:
        assert (await run("echoscu", "-aec", "RADSTREAM", "127.0.0.1", server.port, "--repeat", 20))[0] == 0
        code, said = await run("echoscu", "-aec", "OTHER", "127.0.0.1", server.port)
        assert code != 0
        assert "Called AE Title Not Recognized" in said
        code, said = await run("echoscu", "-aec", "RADSTREAM", "-aet", "STRANGER", "127.0.0.1", server.port)
        assert code != 0
        assert "Calling AE Title Not Recognized" in said


@pytest.mark.dcmtk
@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("-xi", "CT_small.dcm"),
        ("-xe", "CT_small.dcm"),
        ("-xb", "MR_small_bigendian.dcm"),
        ("-xd", "image_dfl.dcm"),
        ("-xy", "SC_rgb_small_odd_jpeg.dcm"),
        ("-xx", "JPEG-lossy.dcm"),
        ("-xt", "MR_small_jpeg_ls_lossless.dcm"),
        ("-xv", "MR_small_jp2klossless.dcm"),
        ("-xr", "MR_small_RLE.dcm"),
    ],
)
async def test_dcmtk_stores_in_its_own_syntax(option: str, name: str) -> None:
    store = Store()
    path = sample(name)
    async with serving(store) as server:
        assert (await run("storescu", option, "127.0.0.1", server.port, path))[0] == 0
    (sink,), (request,) = store.sinks, store.requests
    assert sink.outcome == "finished"
    sent = dcmread(path)
    meta = encode_meta(str(sent.SOPClassUID), str(sent.SOPInstanceUID), request.transfer_syntax_uid)
    received = dcmread(BytesIO(meta + sink.received))
    assert received.SOPInstanceUID == request.command.affected_sop_instance_uid == sent.SOPInstanceUID
    assert pixels_of(received) == pixels_of(sent)


def pixels_of(data_set: Dataset) -> list[bytes]:
    """Return the pixel data, or its fragments without the offset table, which DCMTK writes anew."""
    if not data_set.file_meta.TransferSyntaxUID.is_encapsulated:
        return [data_set.PixelData]
    return list(generate_fragments(data_set.PixelData))[1:]


@pytest.mark.dcmtk
async def test_dcmtk_stores_all_it_can_name_and_several_at_once() -> None:
    store = Store()
    path = sample("CT_small.dcm")
    async with serving(store) as server:
        several = [run("storescu", "--repeat", 25, "127.0.0.1", server.port, path) for _ in range(4)]
        assert [code for code, _ in await asyncio.gather(*several)] == [0] * 4
    assert [sink.outcome for sink in store.sinks] == ["finished"] * 100
    assert len({bytes(sink.received) for sink in store.sinks}) == 1


@pytest.mark.dcmtk
async def test_dcmtk_is_told_that_an_instance_is_refused() -> None:
    async with serving(Store(status=0xA700)) as server:
        code, said = await run("storescu", "-v", "127.0.0.1", server.port, sample("CT_small.dcm"))
    assert "Refused: OutOfResources" in said
    assert code != 0


@pytest.mark.dcmtk
async def test_dcmtk_finds_and_cancels() -> None:
    async with serving(Store()) as server:
        query = ("findscu", "-v", "-S", "-k", "QueryRetrieveLevel=STUDY", "127.0.0.1", server.port)
        code, said = await run(*query, "-k", "PatientID=ONE")
        assert code == 0
        assert said.count("Find Response: 2 (Pending)") == 1
        assert "Final Find Response (Success)" in said
        code, said = await run(*query, "-k", "PatientID=ENDLESS", "--cancel", 3)
        assert code == 0
        assert "Cancel" in said


# --- pynetdicom as SCU ----------------------------------------------------------------------------------------------


@contextmanager
def pynetdicom_association(port: int, contexts: list[Any], **options: Any) -> Iterator[Any]:
    ae = AE("PYNETDICOM")
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    association = ae.associate("127.0.0.1", port, contexts, ae_title="RADSTREAM", **options)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


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


async def test_pynetdicom_negotiates_window_extensions_and_identity() -> None:
    from pynetdicom.pdu_primitives import (
        AsynchronousOperationsWindowNegotiation,
        SOPClassExtendedNegotiation,
        UserIdentityNegotiation,
    )

    def negotiate(port: int) -> tuple[int, bytes, Any]:
        window = AsynchronousOperationsWindowNegotiation()
        window.maximum_number_operations_invoked = window.maximum_number_operations_performed = 5
        extended = SOPClassExtendedNegotiation()
        extended.sop_class_uid, extended.service_class_application_information = CT_IMAGE_STORAGE, b"\2\0\0\0\2\0"
        identity = UserIdentityNegotiation()
        identity.user_identity_type, identity.primary_field = 1, b"user"
        identity.positive_response_requested = True
        items = [window, extended, identity]
        with pynetdicom_association(port, [build_context(CTImageStorage)], ext_neg=items) as association:
            acceptor = association.acceptor
            return (
                acceptor.asynchronous_operations,
                acceptor.sop_class_extended[CT_IMAGE_STORAGE],
                acceptor.user_identity,
            )

    async with serving(Store()) as server:
        window, information, identity = await asyncio.to_thread(negotiate, server.port)
    assert window == (1, 1)
    assert information == b"\2\0\3\0\0\0"
    assert identity is None


# --- our requestor --------------------------------------------------------------------------------------------------


def to(server: DimseServer | int, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "calling_ae_title": "SENDER",
        "called_ae_title": "RADSTREAM",
        "contexts": [(VERIFICATION, [IMPLICIT_VR_LITTLE_ENDIAN]), (CT_IMAGE_STORAGE, [EXPLICIT_VR_LITTLE_ENDIAN])],
        "timeout_s": 10.0,
    }
    return Association.request("127.0.0.1", server if isinstance(server, int) else server.port, **values | changes)


@contextmanager
def pynetdicom_scp(**handlers: Callable[[Any], Any]) -> Iterator[int]:
    ae = AE("RADSTREAM")
    ae.add_supported_context(VERIFICATION)
    ae.add_supported_context(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN)
    ae.require_called_aet = True
    bound = [(getattr(evt, name), handler) for name, handler in handlers.items()]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=bound)
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


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


@pytest.mark.dcmtk
async def test_we_store_in_dcmtk(tmp_path: Path) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        "storescp", "+B", "-od", str(tmp_path), "-pdu", "4096", "-aet", "RADSTREAM", str(port)
    )
    try:
        data_set = data_set_of(sample("CT_small.dcm").read_bytes())
        for _ in range(100):
            try:
                async with to(port) as association:
                    stored = (CT_IMAGE_STORAGE, "1.2.3", EXPLICIT_VR_LITTLE_ENDIAN)
                    assert await association.c_store(*stored, data_set) == 0
                break
            except Unavailable:
                await asyncio.sleep(0.05)
        (file,) = tmp_path.iterdir()  # noqa: ASYNC240 - a test may wait for its disk
        assert data_set_of(file.read_bytes()) == data_set
    finally:
        process.terminate()
        await process.wait()


async def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        async with to(free_port()):
            raise AssertionError("must not be entered")


# --- size, and both loops -------------------------------------------------------------------------------------------


class Discarding(MemorySink):
    size = 0

    def write(self, fragment: memoryview) -> None:
        self.size += len(fragment)


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


async def zeros(size: int) -> AsyncIterator[bytes]:
    chunk = bytes(1 << 18)
    for _ in range(size >> 18):
        yield chunk


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
def test_memory_does_not_grow_with_the_data_set(loop: str, is_secure: bool, certificate: tuple[Path, Path]) -> None:
    paths = tuple(map(str, certificate)) if is_secure else ()
    script = (
        f"import asyncio, {loop}\n"
        "from tests.e2e.test_dimse_peers import pass_64_mb\n"
        f"with asyncio.Runner(loop_factory={loop}.new_event_loop) as runner:\n"
        f"    runner.run(pass_64_mb(*{paths}))\n"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


async def pass_64_mb(*certificate: str) -> None:
    """Store 64 MB through both ends, in this process."""
    sinks: list[Discarding] = []

    def store(_request: Request) -> Discarding:
        sinks.append(Discarding())
        return sinks[-1]

    ours, theirs = contexts_of(*certificate) if certificate else (None, None)
    async with serving(store, ssl=ours) as server, to(server, ssl=theirs) as association:
        stored = (CT_IMAGE_STORAGE, "1.2.3", EXPLICIT_VR_LITTLE_ENDIAN)
        assert await association.c_store(*stored, zeros(2 << 20)) == 0
        before = peak_bytes()
        assert await association.c_store(*stored, zeros(64 << 20)) == 0
        assert sinks[1].size == 64 << 20
        assert peak_bytes() - before < 8 << 20


def contexts_of(certificate: str, key: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the TLS contexts of a server and of a client that trusts it."""
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate, key)
    return ours, ssl.create_default_context(cafile=certificate)


# --- peers that misbehave -------------------------------------------------------------------------------------------


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(6)
    return head + await reader.readexactly(int.from_bytes(head[2:]))


async def raw_association(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(encode_request(make_request()))
    assert (await answer_of(reader))[0] == 2
    return reader, writer


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition is another process's, or a sink's
            await asyncio.sleep(0.01)


async def test_a_peer_that_dies_in_the_middle_aborts_its_sink() -> None:
    store = Store()
    async with serving(store) as server:
        _, writer = await raw_association(server.port)
        writer.write(store_rq(bytes(100_000))[:50_000])
        await writer.drain()
        await until(lambda: bool(store.sinks and store.sinks[0].received))
        writer.transport.abort()
        await until(lambda: bool(store.sinks[0].outcome))
    assert [sink.outcome for sink in store.sinks] == ["aborted"]


@pytest.mark.parametrize("part", [b"", encode_request(make_request())[:30]], ids=["nothing", "half a request"])
async def test_a_peer_without_a_request_is_hung_up_on(part: bytes) -> None:
    async with serving(Store(), limits=Limits(artim_s=0.1)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(part)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await asyncio.wait_for(reader.readexactly(1), 10)
        writer.close()


async def test_half_a_pdu_is_aborted_in_time() -> None:
    store = Store()
    async with serving(store, limits=Limits(network_s=0.1, artim_s=0.1)) as server:
        reader, writer = await raw_association(server.port)
        writer.write(store_rq(bytes(100_000))[:50_000])
        assert (await asyncio.wait_for(answer_of(reader), 10))[-2:] == b"\2\0"
        await until(lambda: store.sinks[0].outcome == "aborted")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_an_oversize_pdu_is_aborted_at_once() -> None:
    async with serving(Store()) as server:
        reader, writer = await raw_association(server.port)
        before = peak_bytes()
        writer.write(pack(">BxI", 4, 0xFFFFFFFF) + bytes(1 << 20))
        assert await answer_of(reader) == b"\7\0\0\0\0\4\0\0\2\6"
        assert peak_bytes() - before < 8 << 20
        writer.close()


async def test_the_server_lets_a_message_end_and_aborts_the_idle_when_it_closes() -> None:
    store = Store()
    async with serving(store) as server:
        idle, idle_writer = await raw_association(server.port)
        busy, busy_writer = await raw_association(server.port)
        busy_writer.write(store_rq(bytes(1000)))
        await until(lambda: bool(store.sinks))
        store.sinks[0].may_finish.clear()
        closing = asyncio.ensure_future(server.close(10.0))
        assert await answer_of(idle) == b"\7\0\0\0\0\4\0\0\0\0"
        idle_writer.close()
        with pytest.raises(OSError):  # noqa: PT011 - whichever way the system says no
            await asyncio.open_connection("127.0.0.1", server.port)
        store.sinks[0].may_finish.set()
        assert (await answer_of(busy))[0] == 4
        assert await answer_of(busy) == b"\7\0\0\0\0\4\0\0\0\0"
        busy_writer.close()
        await asyncio.wait_for(closing, 10)


async def test_two_servers_share_a_port() -> None:
    stores = Store(), Store()
    servers = [DimseServer("127.0.0.1", 0, routes=(store_route(stores[0]), verification_route()))]
    await servers[0].start(reuse_port=True)
    port = servers[0].port
    servers.append(DimseServer("127.0.0.1", port, routes=(store_route(stores[1]), verification_route())))
    await servers[1].start(reuse_port=True)
    for _ in range(10):
        async with to(port) as association:
            assert await association.c_echo() == 0
    for server in servers:
        await server.close(1.0)


# --- TLS ------------------------------------------------------------------------------------------------------------


async def test_tls_works_both_ways_and_a_client_that_never_shakes_hands_stops_nobody(
    certificate: tuple[Path, Path],
) -> None:
    ours, theirs = contexts_of(*map(str, certificate))
    store = Store()
    data = bytes(range(256)) * 8000
    async with serving(store, ssl=ours, limits=Limits(tls_handshake_s=0.5)) as server:
        silent, silent_writer = await asyncio.open_connection("127.0.0.1", server.port)
        async with to(server, ssl=theirs) as association:
            stored = (CT_IMAGE_STORAGE, "1.2.3", EXPLICIT_VR_LITTLE_ENDIAN)
            assert await association.c_store(*stored, data) == 0
        with pytest.raises(Unavailable):
            async with to(server, ssl=ssl.create_default_context()):
                raise AssertionError("must not be entered")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await asyncio.wait_for(silent.readexactly(1), 10)
        silent_writer.close()
    assert bytes(store.sinks[0].received) == data
