"""Stores instances in a peer: over several associations, again after every failure, each with one outcome.

What is stored is what is sent: data sets are streamed as they are, in a presentation context of their own transfer
syntax. Where the peer does not take that, a function of the caller may convert; nothing is converted here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Generic

from radstream.contract.errors import RadstreamError, RejectedInstance, Unavailable, UnsupportedInstance
from radstream.dimse.backlog import Backlog, Entry
from radstream.dimse.client import Association, AssociationRejected, NothingAccepted
from radstream.dimse.limits import Limits
from radstream.dimse.outgoing import Convert, Delivery, Destination, Kind, OutgoingT, Patience, kind_of
from radstream.dimse.proposals import Proposals
from radstream.dimse.reading import Reading, UnreadableInstance
from radstream.dimse.statuses import is_stored, may_succeed_later
from radstream.dimse.trouble import Trouble
from radstream.dimse.user_information import UserInformation

_MOST_UNTOLD: Final = 100
"""So many deliveries wait for who asked for them; then sending waits too."""


@dataclass(frozen=True)
class Sender(Generic[OutgoingT]):
    """How to send to one peer.

    Parameters
    ----------
    destination : Destination
    associations : int
        At once, at most.
    window : int
        Asynchronous operations to ask for on each of them (PS3.7 D.3.3.3); the peer may grant fewer.
    patience : Patience
    convert : callable, optional
        Makes another of an instance in whose transfer syntax the peer does not take its SOP class; see `offers`.
    offers : sequence of str
        Transfer syntaxes to propose besides those that instances are stored in: what `convert` can make.
    ahead : int
        How many instances are asked for before there is an association that takes them.
    limits : Limits
        Of each association.
    """

    destination: Destination
    associations: int = 1
    window: int = 1
    patience: Patience = field(default_factory=Patience)
    convert: Convert[OutgoingT] | None = None
    offers: Sequence[str] = ()
    ahead: int = 1000
    limits: Limits = field(default_factory=Limits)

    async def send(
        self, instances: Iterable[OutgoingT] | AsyncIterable[OutgoingT]
    ) -> AsyncGenerator[Delivery[OutgoingT], None]:
        """Send everything; yield what became of each instance as soon as that is certain, in any order.

        To stop early, close the generator: associations are aborted, and what was not yielded may have been stored.

        Raises
        ------
        BaseExceptionGroup
            With what `instances` raised.
        """
        run = _Run(self)
        working = asyncio.get_running_loop().create_task(run.work(instances))
        working.add_done_callback(lambda _: run.deliveries.put_nowait(None))
        try:
            while (delivery := await run.deliveries.get()) is not None:
                run.untold.release()
                yield delivery
            await working
        finally:
            working.cancel()
            await asyncio.wait([working])


class _Run(Generic[OutgoingT]):
    """One `Sender.send`."""

    def __init__(self, sender: Sender[OutgoingT]) -> None:
        self.deliveries: asyncio.Queue[Delivery[OutgoingT] | None] = asyncio.Queue()
        self.untold = asyncio.Semaphore(_MOST_UNTOLD)
        self._sender = sender
        self._proposals = Proposals(sender.offers)
        self._backlog: Backlog[OutgoingT] = Backlog(sender.ahead)
        self._trouble = Trouble(sender.patience)
        self._refusals: dict[Kind, str] = {}  # of associations of which nothing was accepted
        self._open = 0  # associations

    async def work(self, instances: Iterable[OutgoingT] | AsyncIterable[OutgoingT]) -> None:
        """Send everything."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._gather(instances))
            for _ in range(self._sender.associations):
                tasks.create_task(self._empty_backlog())

    async def _gather(self, instances: Iterable[OutgoingT] | AsyncIterable[OutgoingT]) -> None:
        async for instance in _each(instances):
            await self._backlog.put(Entry(instance, self._proposals.group_of(kind_of(instance))))
        self._backlog.close()

    # --- associations -------------------------------------------------------------------------------------------

    async def _empty_backlog(self) -> None:
        """Send over one association after the other until nothing is left."""
        while (entry := await self._backlog.take()) is not None:
            if self._trouble.error is not None:
                await self._deliver(entry, self._trouble.error)
            elif (refusal := self._refusals.get(kind_of(entry.instance))) is not None:
                await self._deliver(entry, UnsupportedInstance(refusal))
            else:
                self._backlog.give_back(entry)
                await self._associate(entry.group)

    async def _associate(self, group: int) -> None:
        """Send what waits of a group over one association, and wait a while if that fails."""
        proposed = self._proposals.contexts(group)
        try:
            async with self._request(proposed) as association:
                self._open += 1
                try:
                    await self._use(association, group, frozenset(proposed))
                finally:
                    self._open -= 1
        except NothingAccepted as error:
            self._refusals |= {kind: error.association.refusal(*kind) for kind in proposed}
        except AssociationRejected as error:
            # Some peers take few associations and call that permanent.
            if error.is_permanent and not self._open:
                self._trouble.give_up(error)
            else:
                await self._trouble.wait(error)
        except Unavailable as error:
            await self._trouble.wait(error)

    def _request(self, proposed: Sequence[Kind]) -> AbstractAsyncContextManager[Association]:
        peer, patience, window = self._sender.destination, self._sender.patience, self._sender.window
        return Association.request(
            peer.host,
            peer.port,
            calling_ae_title=peer.calling_ae_title,
            called_ae_title=peer.called_ae_title,
            contexts=[(kind.sop_class_uid, [kind.transfer_syntax_uid]) for kind in proposed],
            user=UserInformation(window=(window, 1) if window > 1 else None),
            timeout_s=patience.timeout_s,
            response_timeout_s=patience.response_timeout_s,
            limits=self._sender.limits,
            ssl=peer.ssl,
        )

    async def _use(self, association: Association, group: int, proposed: frozenset[Kind]) -> None:
        async with asyncio.TaskGroup() as lanes:
            # One lane more than operations: it reads what is next while the others wait for the peer.
            for _ in range(association.window + 1):
                lanes.create_task(self._send_some(association, group, proposed))
        if not association.is_open:
            raise Unavailable(association.end_reason)

    async def _send_some(self, association: Association, group: int, proposed: frozenset[Kind]) -> None:
        """Send one instance after the other; return when there is none that this association is for."""
        while self._trouble.error is None and (entry := await self._backlog.take(group)) is not None:
            is_done = False
            try:
                if not association.is_open or kind_of(entry.instance) not in proposed:
                    return  # the latter came up after the association was requested
                is_done = await self._send(association, entry)
            finally:
                if not is_done:
                    self._backlog.give_back(entry)

    # --- one instance -------------------------------------------------------------------------------------------

    async def _send(self, association: Association, entry: Entry[OutgoingT]) -> bool:
        """Try once to send an instance; return whether its fate is certain and told."""
        try:
            entry.sent = await self._acceptable(association, entry.instance)
            entry.status = await _store(association, entry)
        except UnsupportedInstance as error:
            return await self._deliver(entry, error)
        except UnreadableInstance as unreadable:
            is_passing = isinstance(unreadable.error, Unavailable)
            return await (self._later if is_passing else self._deliver)(entry, unreadable.error)
        except Unavailable as error:  # the association is lost, and waited for by who requested it
            entry.status = None
            return self._is_exhausted(entry) and await self._deliver(entry, error)
        if may_succeed_later(entry.status):
            return await self._later(entry, Unavailable(_answered(entry.status)))
        self._trouble.over()
        refused = None if is_stored(entry.status) else RejectedInstance(_answered(entry.status), entry.status)
        return await self._deliver(entry, refused)

    async def _acceptable(self, association: Association, instance: OutgoingT) -> OutgoingT:
        """Return `instance` in a transfer syntax that the peer takes: its own, or what it can be converted to."""
        accepted = association.accepted_syntaxes(instance.sop_class_uid)
        if instance.transfer_syntax_uid in accepted:
            return instance
        if self._sender.convert is None or not accepted:
            raise UnsupportedInstance(association.refusal(instance.sop_class_uid, instance.transfer_syntax_uid))
        return await self._sender.convert(instance, accepted)

    async def _later(self, entry: Entry[OutgoingT], error: RadstreamError) -> bool:
        if self._is_exhausted(entry):
            return await self._deliver(entry, error)
        await self._trouble.wait(Unavailable(str(error)))
        return False

    def _is_exhausted(self, entry: Entry[OutgoingT]) -> bool:
        return entry.attempts >= self._sender.patience.attempts

    async def _deliver(self, entry: Entry[OutgoingT], error: RadstreamError | None) -> bool:
        await self.untold.acquire()
        self.deliveries.put_nowait(Delivery(entry.sent, entry.status, entry.attempts, error))
        return True


async def _store(association: Association, entry: Entry[OutgoingT]) -> int:
    """Return the status of a C-STORE of the entry's instance; count the attempt if any of it was sent or read."""
    instance = entry.sent
    reading = Reading(instance.open())
    try:
        await reading.prepare()
        return await association.c_store(
            instance.sop_class_uid,
            instance.sop_instance_uid,
            instance.transfer_syntax_uid,
            reading.stream(),
            instance.priority,
            move_originator=instance.move_originator,
        )
    finally:
        entry.attempts += reading.is_begun
        await reading.close()


def _answered(status: int) -> str:
    return f"the peer answered 0x{status:04X}"


async def _each(instances: Iterable[OutgoingT] | AsyncIterable[OutgoingT]) -> AsyncIterator[OutgoingT]:
    if isinstance(instances, AsyncIterable):
        async for instance in instances:
            yield instance
    else:
        for instance in instances:
            yield instance
