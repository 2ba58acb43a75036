"""Instances of a test's own making, and what becomes of them when they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from radstream.bus.retry import Retry
from radstream.contract.errors import RadstreamError
from radstream.dimse.outgoing import Delivery, Destination, Patience
from radstream.dimse.sender import Sender
from radstream.dimse.sop_classes import (
    EXPLICIT_VR_LITTLE_ENDIAN,
)
from tests.dimse_wire import CT_IMAGE_STORAGE

PATIENCE = Patience(attempts=3, peer_s=60.0, retry=Retry(first_delay_s=0.0001, longest_delay_s=0.0005))


@dataclass(frozen=True)
class Item:
    """An instance to send; `failure` is raised behind so many bytes."""

    sop_instance_uid: str
    data: bytes = b"ab"
    sop_class_uid: str = CT_IMAGE_STORAGE
    transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN
    priority: int = 0
    move_originator: tuple[str, int] | None = None
    failure: Exception | None = None

    async def open(self) -> AsyncIterator[bytes]:
        if self.data:
            yield self.data
        if self.failure is not None:
            raise self.failure


def items(count: int, **changes: Any) -> list[Item]:
    return [Item(f"1.2.{number}", bytes((number % 256, number // 256)) * 50, **changes) for number in range(count)]


async def send(sent: Iterable[Item], **options: Any) -> list[Delivery[Item]]:
    destination = Destination("192.0.2.2", 104, calling_ae_title="SENDER")
    sender: Sender[Item] = Sender(destination, **{"patience": PATIENCE} | options)
    async with aclosing(sender.send(sent)) as deliveries:
        return [delivery async for delivery in deliveries]


def errors(deliveries: Iterable[Delivery[Item]]) -> dict[str, RadstreamError]:
    return {delivery.instance.sop_instance_uid: delivery.error for delivery in deliveries if delivery.error}
