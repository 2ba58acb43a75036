"""Other application entities over loopback: pynetdicom's, DCMTK's, and ours for them to talk to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments
from pydicom.filereader import read_file_meta_info
from pynetdicom import AE, evt

from radstream.dimse.client import Association
from radstream.dimse.messages import CommandField
from radstream.dimse.server import DimseServer, MessageRoute, Reply, Request, store_route, verification_route
from radstream.dimse.sop_classes import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from tests.dimse_wire import CT_IMAGE_STORAGE
from tests.system import free_port

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


def pixels_of(data_set: Dataset) -> list[bytes]:
    """Return the pixel data, or its fragments without the offset table, which DCMTK writes anew."""
    if not data_set.file_meta.TransferSyntaxUID.is_encapsulated:
        return [data_set.PixelData]
    return list(generate_fragments(data_set.PixelData))[1:]


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


@contextmanager
def pynetdicom_scp(
    *, max_pdu_bytes: int = 16382, scp_role: bool = False, **handlers: Callable[[Any], Any]
) -> Iterator[int]:
    """Run an SCP of verification and CT images; with `scp_role` its requestors may only be SCP of the latter."""
    ae = AE("RADSTREAM")
    ae.maximum_pdu_size = max_pdu_bytes
    ae.add_supported_context(VERIFICATION)
    roles = {"scu_role": False, "scp_role": True} if scp_role else {}
    ae.add_supported_context(CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, **roles)
    ae.require_called_aet = True
    bound = [(getattr(evt, name), handler) for name, handler in handlers.items()]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=bound)
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


def to(server: DimseServer | int, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "calling_ae_title": "SENDER",
        "called_ae_title": "RADSTREAM",
        "contexts": [(VERIFICATION, [IMPLICIT_VR_LITTLE_ENDIAN]), (CT_IMAGE_STORAGE, [EXPLICIT_VR_LITTLE_ENDIAN])],
        "timeout_s": 10.0,
    }
    return Association.request("127.0.0.1", server if isinstance(server, int) else server.port, **values | changes)


@asynccontextmanager
async def dcmtk_scp(program: str, *options: object) -> AsyncIterator[int]:
    """Run one of DCMTK's SCPs; yield its port once it answers."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        program, *map(str, options), str(port), env={**os.environ, "TCP_NODELAY": "1"}
    )
    try:
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                break
            except OSError:
                await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        await process.wait()
