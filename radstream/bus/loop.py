"""The one consume loop: every service that reads the log is a handler in it.

A batch is polled, handled, committed, in this order. What a handler raises is an instruction (`contract.errors`):
wait for the dependency, set the record aside, or try again a few times. So every record is done, waiting or dead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, NoReturn

from radstream.bus.dead_letters import dead_letter, safe_text
from radstream.bus.port import Bus, Record
from radstream.bus.retry import Retry
from radstream.bus.suspicion import MOST_DEATHS, DeadlyRecord, Suspicion
from radstream.contract.errors import Unavailable, answer_to
from radstream.contract.topics import DEAD_LETTER_RETENTION_DAYS, Topic, dead_letter_topic
from radstream.telemetry import CONSUMER_LAG, RECORDS_DEAD, RECORDS_HANDLED, RECORDS_RETRIED, code_path, get_logger

log = get_logger(__name__)

Handler = Callable[[Sequence[Record]], Awaitable[None]]
"""Makes durable what follows from some records, in their order; may see any of them again."""

IDLE_S: Final = 0.5
"""How long a poll waits; also how late a quiet loop may notice that it shall stop."""

MEASURE_EVERY_S: Final = 5.0
STUCK_AFTER_S: Final = 300.0
DEAD_AFTER_S: Final = 900.0
"""Longer than the worst batch that still comes to its end: one that is cut off comes again, and again."""

MOST_DEAD_LETTERS_IN_A_ROW: Final = 20
"""More than these mean bad code, not bad data."""

DEFAULT_RETRY: Final = Retry()


class ConsumeLoop:
    """Consumes one topic for one group.

    Parameters
    ----------
    handle : async callable
        Takes a batch of records. If a batch of several fails, each of its records is handled alone.
    max_batch : int
    linger_s : float
        How long a batch that is not full waits for more.
    retry : Retry
    """

    def __init__(
        self,
        bus: Bus,
        group: str,
        topic: str,
        handle: Handler,
        *,
        max_batch: int = 32,
        linger_s: float = 0.0,
        retry: Retry = DEFAULT_RETRY,
    ) -> None:
        self._bus = bus
        self._group = group
        self._topic = topic
        self._handle = handle
        self._max_batch = max_batch
        self._linger_s = linger_s
        self._retry = retry
        self._consumer = bus.consumer(group, [topic])
        self._suspicion = Suspicion(self._consumer, max_batch)
        self._stop = asyncio.Event()
        self._state: Literal["not running", "running", "halted"] = "not running"
        self._dead_in_a_row = 0
        self._busy_since_s: float | None = None
        self._moved_at_s = 0.0
        self._measure_at_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then finish the batch at hand and leave the group."""
        self._stop = stop
        self._state = "running"
        self._moved_at_s = _now_s()
        try:
            await self._insist(self._create_dead_letters)
            await self._consume()
        except _Stopped:
            log.info("consumer_stopped", topic=self._topic, group=self._group)
        finally:
            self._state = "not running"
            with contextlib.suppress(Unavailable):  # the log's absence takes the member out of the group as well
                await self._consumer.close()

    async def check(self) -> None:
        """Return if the loop gets on; for `/readyz`.

        Raises
        ------
        Unavailable
            If it does not run, has stopped after too many dead letters, or has been at one batch for minutes.
        """
        name = f"the consumer {self._group} of {self._topic}"
        if self._state == "halted":
            raise Unavailable(f"{name} stopped after {self._dead_in_a_row} dead letters in a row; mend it and restart")
        if self._state == "not running":
            raise Unavailable(f"{name} does not run")
        if self._busy_since_s is not None and _now_s() - self._busy_since_s > STUCK_AFTER_S:
            raise Unavailable(f"{name} has been at one batch for {_now_s() - self._busy_since_s:.0f} s")

    async def check_alive(self) -> None:
        """Return unless the loop stands still for a reason that only a restart mends; for `/healthz`.

        It moves while it polls, handles, or waits for what is away, and it may be halted: new code mends that. A log
        that keeps records back from us is `Consumer.poll`'s to notice.

        Raises
        ------
        Unavailable
        """
        stands_s = _now_s() - self._moved_at_s
        if self._state == "running" and stands_s > DEAD_AFTER_S:
            raise Unavailable(f"the consumer {self._group} of {self._topic} has not moved for {stands_s:.0f} s")

    async def _create_dead_letters(self) -> None:
        name = dead_letter_topic(self._topic, self._group)
        topic = Topic(name, (self._group,), (), DEAD_LETTER_RETENTION_DAYS, partitions=1)
        await self._bus.create_topics([topic])

    async def _consume(self) -> NoReturn:
        """Take turn after turn; if the log itself is away, wait for it and begin again at what is committed."""
        failures = 0
        while True:
            try:
                if failures:
                    await self._consumer.rewind()
                await self._take_turn()
                failures = 0
            except Unavailable as error:
                failures += 1
                await self._pause(failures, error)

    async def _take_turn(self) -> None:
        """Poll, handle, commit. Raises `Unavailable` only for the log: a handler's is waited out."""
        self._moved_at_s = _now_s()
        if self._stop.is_set():
            raise _Stopped
        records = await self._gather()
        if records:
            await self._settle(records)
        await self._measure()

    async def _gather(self) -> list[Record]:
        """Return a batch: full, or as much of it as came within the linger."""
        records = await self._consumer.poll(self._max_batch, IDLE_S)
        if self._linger_s and 0 < len(records) < self._max_batch:
            await asyncio.sleep(self._linger_s)  # and look once, not for each record that comes
            records += await self._consumer.poll(self._max_batch - len(records), 0.0)
        return records

    async def _settle(self, records: Sequence[Record]) -> None:
        """Bring every record to its end and commit it; one bad record never takes its neighbours along."""
        suspects, others = await self._suspicion.part(records)
        for record in suspects:
            await self._settle_alone(record)
        if len(others) > 1 and await self._attempt(others) is None:
            await self._done(others)
        else:
            for record in others:
                await self._settle_alone(record)

    async def _settle_alone(self, record: Record) -> None:
        if (deaths := self._suspicion.deaths(record)) >= MOST_DEATHS:
            return await self._bury(record, DeadlyRecord(f"{deaths} processes ended while they handled it"), deaths)
        for attempt in range(1, self._retry.max_attempts + 1):
            error = await self._attempt([record])
            if error is None:
                return await self._done([record])
            if answer_to(error).consumer == "dead-letter" or attempt == self._retry.max_attempts:
                return await self._bury(record, error, attempt)
            await self._pause(attempt, error)
        return None

    async def _attempt(self, records: Sequence[Record]) -> Exception | None:
        """Handle `records` once, however long its dependencies are away; return what was wrong with them."""
        try:
            await self._insist(lambda: self._call_handler(records))
        except _Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - a boundary: it decides what becomes of the records
            return _decisive(error)
        return None

    async def _call_handler(self, records: Sequence[Record]) -> None:
        self._busy_since_s = self._moved_at_s = _now_s()
        try:
            async with self._suspicion.watching(records):
                await self._handle(records)
        finally:
            self._busy_since_s = None

    async def _done(self, records: Sequence[Record]) -> None:
        await self._consumer.commit(records)
        self._dead_in_a_row = 0
        RECORDS_HANDLED.labels(self._topic, self._group).inc(len(records))

    async def _bury(self, record: Record, error: Exception, attempts: int) -> None:
        """Set `record` aside durably, then commit it."""
        await self._insist(lambda: self._bus.publish([dead_letter(record, self._group, error, attempts)]))
        await self._consumer.commit([record])
        self._dead_in_a_row += 1
        RECORDS_DEAD.labels(self._topic, self._group).inc()
        self._log_failure("record_dead_lettered", error, partition=record.partition, offset=record.offset)
        if self._dead_in_a_row > MOST_DEAD_LETTERS_IN_A_ROW:
            await self._halt()

    async def _halt(self) -> NoReturn:
        """Do nothing more until somebody stops the loop; as a member, so that nobody else goes on with bad code."""
        self._state = "halted"
        log.critical("consumer_halted", topic=self._topic, group=self._group, count=self._dead_in_a_row)
        await self._stop.wait()
        raise _Stopped

    async def _insist(self, action: Callable[[], Awaitable[None]]) -> None:
        """Carry out `action`, again and again while it says that a dependency is away."""
        attempt = 0
        while True:
            try:
                return await action()
            except Exception as error:
                decisive = _decisive(error)
                if answer_to(decisive).consumer != "pause":
                    raise
                attempt += 1
                await self._pause(attempt, decisive)

    async def _pause(self, attempt: int, error: Exception) -> None:
        """Wait before the next attempt; raise `_Stopped` if the loop shall stop meanwhile."""
        delay_s = self._retry.delay_s(attempt)
        RECORDS_RETRIED.labels(self._topic, self._group).inc()
        self._log_failure("consumer_paused", error, attempt=attempt, delay_s=round(delay_s, 3))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._stop.wait()
        if self._stop.is_set():
            raise _Stopped

    async def _measure(self) -> None:
        if _now_s() >= self._measure_at_s:
            self._measure_at_s = _now_s() + MEASURE_EVERY_S
            with contextlib.suppress(Unavailable):  # the next poll will say so
                CONSUMER_LAG.labels(self._topic, self._group).set(await self._bus.lag(self._group, [self._topic]))

    def _log_failure(self, event: str, error: Exception, **fields: object) -> None:
        """Log an error without the text of foreign ones; where it was raised says enough."""
        if answer_to(error).consumer == "retry":
            fields["exception"] = code_path(error)
        log.warning(
            event,
            topic=self._topic,
            group=self._group,
            error_type=type(error).__name__,
            reason=safe_text(error),
            **fields,
        )


class _Stopped(Exception):
    """The loop shall stop."""


def _decisive(error: Exception) -> Exception:
    """Return the error of a task group that decides: one may be waited out, one may be tried again, else the first."""
    if not isinstance(error, ExceptionGroup):
        return error
    order = {"pause": 0, "retry": 1, "dead-letter": 2}
    return min(map(_decisive, error.exceptions), key=lambda leaf: order[answer_to(leaf).consumer])


def _now_s() -> float:
    return asyncio.get_running_loop().time()
