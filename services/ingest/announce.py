"""Telling the log what was stored or deleted, or leaving a marker that the sweep tells it later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from radstream.blobs.port import BlobStore
from radstream.bus.port import Bus, Message
from radstream.contract.blob_keys import pending_key
from radstream.contract.decision_keys import pending_deletion_prefix
from radstream.contract.errors import NotFound, Unavailable
from radstream.contract.events import InstanceStored, StudyDeleted, headers_of, to_json
from radstream.contract.topics import INSTANCE_STORED, INSTANCE_STORED_URGENT, STUDY_DELETED, Topic
from radstream.telemetry import get_logger

log = get_logger(__name__)

REST_S: Final = 1.0
"""How long a log that did not answer is left alone before it is offered a record again."""


def message_of(event: InstanceStored | StudyDeleted) -> Message:
    """Return the record of `event`; urgent instances have a topic, and so consumers, of their own."""
    return Message(_topic(event).name, event.study_instance_uid, to_json(event), headers_of(event))


def _topic(event: InstanceStored | StudyDeleted) -> Topic:
    if isinstance(event, StudyDeleted):
        return STUDY_DELETED
    return INSTANCE_STORED_URGENT if event.priority == "urgent" else INSTANCE_STORED


def marker_of(event: InstanceStored | StudyDeleted) -> str:
    """Return the key of the marker that stands in for `event` while the log is away."""
    if isinstance(event, StudyDeleted):
        return f"{pending_deletion_prefix(event.site)}{event.event_id}.json"
    return pending_key(event.instance_key)


class Announcer:
    """Puts events on the log within a deadline; never loses one.

    While the log is away, nobody waits for it: each event gets its marker at once, and now and then one is offered to
    the log besides, which tells when it is back. That such an event may come twice has no effect.

    Parameters
    ----------
    deadline_s : float
        How long the log may take to acknowledge.
    """

    def __init__(self, bus: Bus, blobs: BlobStore, deadline_s: float) -> None:
        self._bus = bus
        self._blobs = blobs
        self._deadline_s = deadline_s
        self._is_away = False
        self._rests_until = 0.0
        self._trial: asyncio.Future[None] | None = None
        self._offers: set[asyncio.Future[None]] = set()

    async def announce(self, event: InstanceStored | StudyDeleted) -> bool:
        """Make `event` durable on the log (True), or as pending marker in the blob store (False).

        Raises
        ------
        Unavailable
            If neither the log nor the blob store takes it.
        """
        message = message_of(event)
        if self._is_away:
            self._try_again(message)
        elif await self.publish([message]):
            return True
        await self._blobs.put(marker_of(event), to_json(event))
        return False

    async def publish(self, messages: Sequence[Message]) -> bool:
        """Append `messages` to the log; False if it did not acknowledge in time (they may be in it all the same)."""
        offer = self._offer(messages)
        # Never cancelled: a producer that is cancelled half-way may be unusable after; the record may still arrive.
        await asyncio.wait([offer], timeout=self._deadline_s)
        try:
            if not offer.done():
                raise TimeoutError
            offer.result()
        except (Unavailable, NotFound, TimeoutError) as error:  # a topic may not be made yet while the log comes up
            if not self._is_away:
                log.warning("log_does_not_answer", error_type=type(error).__name__)
            self._is_away = True
            self._rests_until = _now_s() + REST_S
            return False
        return True

    def _try_again(self, message: Message) -> None:
        """Offer `message` without waiting, unless the log was just tried or still is."""
        if _now_s() >= self._rests_until and (self._trial is None or self._trial.done()):
            self._rests_until = _now_s() + REST_S
            self._trial = self._offer([message])

    def _offer(self, messages: Sequence[Message]) -> asyncio.Future[None]:
        offer = asyncio.ensure_future(self._bus.publish(messages))
        self._offers.add(offer)
        offer.add_done_callback(self._learn)
        return offer

    def _learn(self, offer: asyncio.Future[None]) -> None:
        """Let go of an offer, and take its outcome, for which nobody may be waiting any more: the log may be back."""
        self._offers.discard(offer)
        is_taken = not offer.cancelled() and offer.exception() is None
        if is_taken and self._is_away:
            self._is_away = False
            log.info("log_answers_again")


def _now_s() -> float:
    return asyncio.get_running_loop().time()
