"""The DIMSE door in: Storage SCP (PS3.4 B) and Verification SCP (PS3.4 A)."""

from __future__ import annotations

import asyncio
from typing import Final

from radstream.backends import Backends
from radstream.contract.errors import RadstreamError, dimse_status
from radstream.contract.events import Priority
from radstream.dimse.reception import reception
from radstream.dimse.server import DataSink, Request, store_route, verification_route
from radstream.settings import Settings
from radstream.telemetry import code_path, get_logger
from services.ingest.accept import Acceptance, Accepting
from services.ingest.identity import Origin

log = get_logger(__name__)

SUCCESS: Final = 0x0000
HIGH: Final = 0x0001
"""Priority (0000,0700) of what its sender calls urgent (PS3.7 9.3.1.1)."""


async def serve(backends: Backends, settings: Settings, stop: asyncio.Event) -> None:
    """Take what is sent by C-STORE until `stop` is set; then answer what has begun, and end.

    Raises
    ------
    UnsafeConfiguration
        If a door cannot be opened as the settings say; see `reception`.
    """
    storage = StorageScp(Accepting(backends, settings), settings)
    routes = (store_route(storage.on_c_store, settings.private_sop_classes), verification_route())
    async with reception(settings, routes):
        await stop.wait()


class StorageScp:
    """Begins the acceptance of what is sent by C-STORE."""

    def __init__(self, accepting: Accepting, settings: Settings) -> None:
        self._accepting = accepting
        self._urgent_titles = frozenset(settings.urgent_calling_ae_titles)

    def on_c_store(self, request: Request) -> DataSink:
        """Return what takes the data set of a C-STORE request."""
        origin = Origin(
            "dimse",
            request.transfer_syntax_uid,
            request.peer.calling_ae_title,
            self._priority(request),
            sop_class_uid=request.command.affected_sop_class_uid or "",
            sop_instance_uid=request.command.affected_sop_instance_uid or "",
        )
        return StoreSink(self._accepting.begin(origin))

    def _priority(self, request: Request) -> Priority:
        peer = request.peer
        is_always = peer.calling_ae_title in self._urgent_titles or (peer.entity is not None and peer.entity.urgent)
        return "urgent" if is_always or request.command.priority == HIGH else "routine"


class StoreSink:
    """The data set of one C-STORE request on its way in; whatever happens becomes a status (PS3.4 B.2.3)."""

    def __init__(self, acceptance: Acceptance) -> None:
        self._acceptance = acceptance

    def write(self, fragment: memoryview) -> None:
        """Take the next fragment; after an error the rest is taken and forgotten."""
        self._acceptance.write(fragment)

    async def drain(self) -> None:
        """Wait until more may come."""
        await self._acceptance.drain()

    async def finish(self) -> int:
        """Return the status of the response: success only if the instance is durable and its event will be known."""
        try:
            await self._acceptance.finish()
        except Exception as error:  # noqa: BLE001 - a door: the sender gets a status, whatever it is
            return _status(error)
        return SUCCESS

    async def abort(self) -> None:
        """Forget the instance: the association is lost."""
        await self._acceptance.abort()


def _status(error: Exception) -> int:
    status = dimse_status(error)
    if not isinstance(error, RadstreamError):
        log.error("store_failed", error_type=type(error).__name__, reason=code_path(error), status=status)
    return status
