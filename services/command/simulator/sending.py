"""How a modality sends: one instance after the other over an association, again after every failure."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from radstream.bus.retry import Retry
from radstream.contract.errors import Unavailable
from radstream.dimse.client import Association
from radstream.dimse.statuses import PROCESSING_FAILURE, SOP_CLASS_NOT_SUPPORTED, is_stored
from services.command.simulator.instances import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    SOP_CLASS_UIDS,
    Instance,
)

_CONTEXTS: Final = [
    (sop_class_uid, [transfer_syntax_uid])
    for sop_class_uid in SOP_CLASS_UIDS.values()
    for transfer_syntax_uid in (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
]

_RETRY: Final = Retry(first_delay_s=0.1, longest_delay_s=2.0)


@dataclass(frozen=True)
class Destination:
    """The SCP that instances go to, and who we say that we are."""

    host: str
    port: int
    called_ae_title: str = "RADSTREAM"
    calling_ae_title: str = "SIMULATOR"


@dataclass(frozen=True)
class Outcome:
    """How one instance fared.

    Parameters
    ----------
    sha256 : str
        Of the data set's bytes as they were sent.
    status : int
        Of the last C-STORE response.
    attempts : int
        How often it was sent.
    """

    sop_instance_uid: str
    study_instance_uid: str
    sha256: str
    size_bytes: int
    status: int
    attempts: int

    @property
    def is_accepted(self) -> bool:
        """Whether the peer has taken it: success or a warning."""
        return is_stored(self.status)


class Sender:
    """Sends what it takes from a queue, until it takes None.

    Parameters
    ----------
    patience_s : float
        How long the peer may fail to accept anything before the sender gives up.
    on_outcome : callable
        Told about every instance as soon as its fate is certain.
    """

    def __init__(
        self,
        destination: Destination,
        queue: asyncio.Queue[Instance | None],
        patience_s: float,
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self._destination = destination
        self._queue = queue
        self._patience_s = patience_s
        self._on_outcome = on_outcome
        self._at_hand: Instance | None = None
        self._attempts = 0
        self._failures = 0
        self._failing_since_s: float | None = None

    async def run(self) -> None:
        """Send everything, over as many associations as it takes.

        Raises
        ------
        Unavailable
            If the peer accepts nothing for too long.
        UnsupportedInstance
            If it accepts none of our presentation contexts.
        """
        self._at_hand = await self._queue.get()  # no association before there is something to send
        while self._at_hand is not None:
            try:
                await self._send_over_one_association()
            except (Unavailable, OSError) as error:
                await self._wait_for_better_times(error)

    async def _send_over_one_association(self) -> None:
        async with self._associate() as association:
            while self._at_hand is not None:
                await self._send(association, self._at_hand)
                self._at_hand, self._attempts = await self._queue.get(), 0

    @contextlib.asynccontextmanager
    async def _associate(self) -> AsyncIterator[Association]:
        peer = self._destination
        async with Association.request(
            peer.host,
            peer.port,
            calling_ae_title=peer.calling_ae_title,
            called_ae_title=peer.called_ae_title,
            contexts=_CONTEXTS,
            timeout_s=10.0,
            response_timeout_s=60.0,
        ) as association:
            yield association

    async def _send(self, association: Association, instance: Instance) -> None:
        """Send one instance; on return its fate is certain."""
        transfer_syntax_uid = _accepted_syntax(association, instance.sop_class_uid)
        data_set, sha256 = instance.encoded(transfer_syntax_uid or EXPLICIT_VR_LITTLE_ENDIAN)
        self._attempts += 1
        if transfer_syntax_uid is None:
            status = SOP_CLASS_NOT_SUPPORTED
        else:
            uids = (instance.sop_class_uid, instance.sop_instance_uid)
            status = await association.c_store(*uids, transfer_syntax_uid, data_set)
        if may_succeed_later(status):
            raise Unavailable(f"the peer answered 0x{status:04X}")
        self._failures, self._failing_since_s = 0, None
        uids = (instance.sop_instance_uid, instance.study_instance_uid)
        self._on_outcome(Outcome(*uids, sha256, len(data_set), status, self._attempts))

    async def _wait_for_better_times(self, error: Exception) -> None:
        now_s = asyncio.get_running_loop().time()
        self._failing_since_s = self._failing_since_s or now_s
        if now_s - self._failing_since_s >= self._patience_s:
            raise error
        self._failures += 1
        await asyncio.sleep(_RETRY.delay_s(self._failures))


def may_succeed_later(status: int) -> bool:
    """Tell whether the same instance may be accepted with another try: out of resources, processing failure."""
    return status >> 8 == 0xA7 or status == PROCESSING_FAILURE


def _accepted_syntax(association: Association, sop_class_uid: str) -> str | None:
    """Return the transfer syntax to send in, explicit VR if there is a choice; None if the peer takes no such class."""
    accepted = {
        context.transfer_syntax_uid
        for context in association.contexts.values()
        if context.abstract_syntax == sop_class_uid
    }
    return next((uid for uid in (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN) if uid in accepted), None)
