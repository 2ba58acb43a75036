"""The sending side: idempotent, acknowledged by all in-sync replicas, never waiting without end.

An idempotent send never gives up by itself, so each publish has a deadline of its own. A producer of which a publish
failed is thrown away, whatever the reason: after some of them its sequence numbers are for ever not those that the
broker expects, and a new one costs milliseconds. What the old one still holds may or may not reach the log, which its
caller is told (`Unavailable` means *unknown*).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerClosed

from radstream.bus.kafka.endings import Endings
from radstream.bus.kafka.errors import acknowledging
from radstream.bus.kafka.records import LARGEST_RECORD_BYTES, encode
from radstream.bus.port import Message
from radstream.contract.errors import NotFound, Unavailable

_LAST_WORDS_S: Final = 5.0
_CUT_S: Final = 2.0


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
        self._publishing: set[asyncio.Task[None]] = set()
        self._endings = Endings()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Append `messages`, in order within each partition; all are acknowledged on return.

        A caller that is cancelled leaves the attempt alone, which goes on until its deadline and its judgement.

        Raises
        ------
        Unavailable, NotFound, MalformedEvent
        """
        encoded = [(message, *encode(message)) for message in messages]
        attempt = asyncio.create_task(self._send(encoded))
        self._publishing.add(attempt)
        attempt.add_done_callback(self._forget)
        await asyncio.shield(attempt)

    async def close(self) -> None:
        """End all connections; what was not acknowledged until then may be lost, which its caller is told."""
        if self._client is not None:
            self._throw_away(self._client)
        await self._endings.wait(_LAST_WORDS_S + 2 * _CUT_S)
        attempts = list(self._publishing)
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
        await self._endings.wait(_CUT_S)

    async def _send(self, encoded: Sequence[tuple[Message, bytes, list[tuple[str, bytes]]]]) -> None:
        client: AIOKafkaProducer | None = None
        sent: list[asyncio.Future[Any]] = []
        try:
            with acknowledging():
                async with asyncio.timeout(self._deadline_s):
                    client = await self._started()
                    for message, key, headers in encoded:
                        sent.append(await client.send(message.topic, message.value, key, headers=headers))
                    await asyncio.gather(*sent)
        except (Unavailable, NotFound):
            for future in sent:
                future.cancel()  # the record itself may still go; nobody waits for it
            if client is not None:
                self._throw_away(client)
            raise

    def _forget(self, attempt: asyncio.Task[None]) -> None:
        """Let go of an attempt; its error is taken, because nobody may be waiting for it any more."""
        self._publishing.discard(attempt)
        if not attempt.cancelled():
            attempt.exception()

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._client is None:
                client = AIOKafkaProducer(
                    bootstrap_servers=self._servers,
                    client_id="radstream",
                    acks="all",
                    enable_idempotence=True,
                    max_request_size=LARGEST_RECORD_BYTES,
                    request_timeout_ms=int(self._deadline_s * 1000),
                )
                try:
                    await client.start()
                except BaseException:
                    self._endings.begin(client.stop())
                    raise
                self._client = client
            return self._client

    def _throw_away(self, client: AIOKafkaProducer) -> None:
        """Let `client` finish what it holds for others, and end it; several attempts may fail with the same one."""
        if client is self._client:
            self._client = None
            self._endings.begin(_end(client))


async def _end(client: AIOKafkaProducer) -> None:
    """Stop `client`, which waits for what it holds: not for ever."""
    try:
        async with asyncio.timeout(_LAST_WORDS_S):
            await client.stop()
    except TimeoutError:
        await _cut(client)


async def _cut(client: AIOKafkaProducer) -> None:
    """End what a stop that was given up leaves behind: the sending task, the connections, whoever waits.

    aiokafka has no public way to do so; left alone, each outage would leave a task that knocks at the brokers for ever.
    """
    for close in (client._sender.close, client.client.close):
        with suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(_CUT_S):
                await close()
    client._message_accumulator.fail_all(ProducerClosed())
