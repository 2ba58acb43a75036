"""Telling the log that an instance is stored, or leaving a marker that the sweep tells it later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from radstream.blobs.port import BlobStore
from radstream.bus.port import Bus, Message
from radstream.contract.blob_keys import pending_key
from radstream.contract.errors import NotFound, Unavailable
from radstream.contract.events import InstanceStored, headers_of, to_json
from radstream.contract.topics import INSTANCE_STORED, INSTANCE_STORED_URGENT
from radstream.telemetry import get_logger

log = get_logger(__name__)

REST_S: Final = 5.0
"""How long the log is left alone after it did not answer: senders must not wait for it again with every instance."""


def message_of(event: InstanceStored) -> Message:
    """Return the record of `event`; urgent instances have a topic, and so consumers, of their own."""
    topic = INSTANCE_STORED_URGENT if event.priority == "urgent" else INSTANCE_STORED
    return Message(topic.name, event.study_instance_uid, to_json(event), headers_of(event))


class Announcer:
    """Puts events on the log within a deadline; never loses one.

    Parameters
    ----------
    deadline_s : float
        How long the log may take to acknowledge.
    """

    def __init__(self, bus: Bus, blobs: BlobStore, deadline_s: float) -> None:
        self._bus = bus
        self._blobs = blobs
        self._deadline_s = deadline_s
        self._rests_until = 0.0
        self._late: set[asyncio.Future[None]] = set()

    async def announce(self, event: InstanceStored) -> bool:
        """Make `event` durable on the log (True), or as pending marker beside its blob (False).

        Raises
        ------
        Unavailable
            If neither the log nor the blob store takes it.
        """
        if await self.publish([message_of(event)]):
            return True
        await self._blobs.put(pending_key(event.instance_key), to_json(event))
        return False

    async def publish(self, messages: Sequence[Message]) -> bool:
        """Append `messages` to the log; False if it did not acknowledge in time (they may be in it all the same)."""
        now = asyncio.get_running_loop().time
        if now() < self._rests_until:
            return False
        publishing = asyncio.ensure_future(self._bus.publish(messages))
        self._late.add(publishing)
        publishing.add_done_callback(self._forget)
        try:
            async with asyncio.timeout(self._deadline_s):
                # Shielded: a producer that is cancelled half-way may be unusable after; the record may still arrive.
                await asyncio.shield(publishing)
        except (Unavailable, NotFound, TimeoutError) as error:  # a topic may not be made yet while the log comes up
            self._rests_until = now() + REST_S
            log.warning("log_does_not_answer", error_type=type(error).__name__, delay_s=REST_S)
            return False
        return True

    def _forget(self, publishing: asyncio.Future[None]) -> None:
        """Let go of an attempt; its error is taken, because nobody may be waiting for it any more."""
        self._late.discard(publishing)
        if not publishing.cancelled():
            publishing.exception()
