"""The sending side: idempotent, acknowledged by all in-sync replicas, never waiting without end.

An idempotent send never gives up by itself, so each publish has a deadline of its own. A producer whose send was given
up, or that has lost its sequence, is thrown away: what it still holds may or may not reach the log, which its caller is
told (`Unavailable` means *unknown*), and whoever sends it again does so with a new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from radstream.bus.kafka.errors import FATAL, answering
from radstream.bus.kafka.records import LARGEST_VALUE_BYTES, encode
from radstream.bus.port import Message
from radstream.contract.errors import Unavailable

_OVERHEAD_BYTES: Final = 64 << 10
_LAST_WORDS_S: Final = 5.0


class Producer:
    """Sends to the cluster.

    Parameters
    ----------
    deadline_s : float
        For each publish, connecting included.
    """

    def __init__(self, servers: Sequence[str], deadline_s: float) -> None:
        self._servers = list(servers)
        self._deadline_s = deadline_s
        self._client: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._ends: set[asyncio.Task[None]] = set()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append `messages`, in order within each partition; all are acknowledged on return.

        Raises
        ------
        Unavailable, MalformedEvent
        """
        encoded = [(message, *encode(message)) for message in messages]
        client: AIOKafkaProducer | None = None
        try:
            with answering("acknowledge"):
                async with asyncio.timeout(self._deadline_s):
                    client = await self._started()
                    sent = [
                        await client.send(message.topic, message.value, key, headers=headers)
                        for message, key, headers in encoded
                    ]
                    await asyncio.shield(asyncio.gather(*sent))
        except Unavailable as error:
            if client is not None and isinstance(error.__cause__, (TimeoutError, *FATAL)):
                self._throw_away(client)
            raise

    async def close(self) -> None:
        """End all connections; what was not acknowledged until then may be lost, which its caller was told."""
        if self._client is not None:
            self._throw_away(self._client)
        await asyncio.gather(*self._ends)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._client is None:
                client = AIOKafkaProducer(
                    bootstrap_servers=self._servers,
                    client_id="radstream",
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=LARGEST_VALUE_BYTES + _OVERHEAD_BYTES,
                    request_timeout_ms=int(self._deadline_s * 1000),
                )
                try:
                    await client.start()
                except BaseException:
                    await _end(client)
                    raise
                self._client = client
            return self._client

    def _throw_away(self, client: AIOKafkaProducer) -> None:
        if client is self._client:
            self._client = None
        task = asyncio.create_task(_end(client))
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)


async def _end(client: Any) -> None:
    """Stop a client, which waits for what it holds: not for ever."""
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(_LAST_WORDS_S):
            await client.stop()
