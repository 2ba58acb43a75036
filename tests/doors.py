"""The two doors of a running system as senders use them: C-STORE over an association, STOW-RS over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal

import httpx2

from radstream.contract.errors import Unavailable
from radstream.dicom.part10 import encode_meta
from radstream.dimse.client import Association
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, Instance
from tests.system import System

Door = Literal["C-STORE", "STOW"]
Send = Callable[[Instance], Awaitable[None]]

PATIENCE_S: Final = 40.0
"""How long a sender waits for an answer; what takes longer is a fault of the system."""

_RELATED: Final = 'multipart/related; type="application/dicom"; boundary=trial'


class Refused(Exception):
    """The door did not say success; the text is what it said, or the kind of silence."""


@asynccontextmanager
async def opened(door: Door, system: System) -> AsyncIterator[Send]:
    """Connect to a door; what is yielded sends one instance and returns when it is acknowledged.

    Raises
    ------
    Refused
    """
    connect = _associated if door == "C-STORE" else _connected
    try:
        async with connect(system) as send:
            yield send
    except (Unavailable, OSError, TimeoutError, httpx2.HTTPError) as error:
        raise Refused(f"{door} {type(error).__name__}") from error


@asynccontextmanager
async def _associated(system: System) -> AsyncIterator[Send]:
    contexts = [(MR_IMAGE_STORAGE, [EXPLICIT_VR_LITTLE_ENDIAN])]
    titles = {"calling_ae_title": "FAULTS", "called_ae_title": "RADSTREAM"}
    address = ("127.0.0.1", system.dimse_port)
    async with Association.request(
        *address, **titles, contexts=contexts, timeout_s=10, response_timeout_s=PATIENCE_S
    ) as association:

        async def send(instance: Instance) -> None:
            uids = (MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN)
            status = await association.c_store(*uids, instance.data_set)
            if status != 0:
                raise Refused(f"C-STORE 0x{status:04X}")

        yield send


@asynccontextmanager
async def _connected(system: System) -> AsyncIterator[Send]:
    async with httpx2.AsyncClient(timeout=PATIENCE_S) as client:

        async def send(instance: Instance) -> None:
            answer = await client.post(
                f"{system.dicom_web}/studies", content=related(instance), headers={"Content-Type": _RELATED}
            )
            if answer.status_code != 200:
                retry_after = " with Retry-After" if "Retry-After" in answer.headers else ""
                raise Refused(f"STOW {answer.status_code}{retry_after}")

        yield send


def related(instance: Instance) -> bytes:
    """Return the body of a STOW-RS request with one instance (PS3.18 10.5.1)."""
    meta = encode_meta(MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN)
    head = b"--trial\r\nContent-Type: application/dicom\r\n\r\n"
    return head + meta + instance.data_set + b"\r\n--trial--\r\n"
