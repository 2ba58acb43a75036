"""The DIMSE door in: Storage SCP (PS3.4 B) and Verification SCP (PS3.4 A)."""

from __future__ import annotations

from typing import Final

from radstream.contract.errors import dimse_status
from radstream.contract.events import Priority
from radstream.dimse.server import DataSink, Request
from radstream.settings import Settings
from radstream.telemetry import code_path, get_logger
from services.ingest.accept import Acceptance, Accepting
from services.ingest.identity import Origin

log = get_logger(__name__)

SUCCESS: Final = 0x0000
PROCESSING_FAILURE: Final = 0x0110

HIGH: Final = 0x0001
"""Priority (0000,0700) of what its sender calls urgent (PS3.7 9.3.1.1)."""


class StoreScp:
    """Begins the acceptance of what is sent by C-STORE."""

    def __init__(self, accepting: Accepting, settings: Settings) -> None:
        self._accepting = accepting
        self._urgent_titles = frozenset(settings.urgent_calling_ae_titles)

    def on_c_store(self, request: Request) -> DataSink:
        """Return what takes the data set of a C-STORE request."""
        return StoreSink(self._accepting.begin(self._origin(request)))

    def _origin(self, request: Request) -> Origin:
        return Origin(
            "dimse",
            request.transfer_syntax_uid,
            request.peer.calling_ae_title,
            self._priority(request),
            sop_class_uid=request.command.affected_sop_class_uid,
            sop_instance_uid=request.command.affected_sop_instance_uid,
        )

    def _priority(self, request: Request) -> Priority:
        is_urgent = request.command.priority == HIGH or request.peer.calling_ae_title in self._urgent_titles
        return "urgent" if is_urgent else "routine"


class StoreSink:
    """The data set of one C-STORE request on its way in; whatever happens becomes a status (PS3.4 B.2.3)."""

    def __init__(self, acceptance: Acceptance) -> None:
        self._acceptance = acceptance
        self._bug: Exception | None = None

    def write(self, fragment: memoryview) -> None:
        """Take the next fragment; after an error the rest is taken and forgotten."""
        if self._bug is None:
            try:
                self._acceptance.write(fragment)
            except Exception as error:  # noqa: BLE001 - a door: the sender gets a status, whatever it is
                self._bug = error

    async def drain(self) -> None:
        """Wait until more may come."""
        if self._bug is None:
            try:
                await self._acceptance.drain()
            except Exception as error:  # noqa: BLE001 - a door
                self._bug = error

    async def finish(self) -> int:
        """Return the status of the response: success only if the instance is durable and its event will be known."""
        try:
            if self._bug is not None:
                raise self._bug
            await self._acceptance.finish()
        except Exception as error:  # noqa: BLE001 - a door
            return await self._refused(error)
        return SUCCESS

    async def abort(self) -> None:
        """Forget the instance: the association is lost."""
        await self._acceptance.abort()

    async def _refused(self, error: Exception) -> int:
        status = dimse_status(error)
        if status == PROCESSING_FAILURE:
            log.error("store_failed", error_type=type(error).__name__, reason=code_path(error), status=status)
        await self._acceptance.abort()
        return status
