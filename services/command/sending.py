"""`radstream send`: instances in files, or of studies in the archive, to any SCP, as they are."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from radstream.backends import Backends, open_backends
from radstream.catalog.filters import Equals
from radstream.contract.documents import INSTANCES
from radstream.contract.errors import NotFound, RejectedInstance
from radstream.dimse.client import Association
from radstream.dimse.outgoing import Delivery, Destination
from radstream.dimse.sender import Sender
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from radstream.dimse.stored import StoredInstance, stored_instance
from radstream.settings import Settings
from services.command.sources.dicomdir import is_dicomdir
from services.command.sources.findings import EndOfArchive, Flaw, Source, is_part10
from services.command.sources.reading import UnreadableFile, next_batch, open_source, read_first, read_on
from services.command.sources.walk import find

_UNREADABLE: Final = "a file cannot be read"


@dataclass
class SendSummary:
    """What became of the instances.

    Parameters
    ----------
    stored : int
        Which the peer has promised to keep; `warned` of them with a warning.
    resent : int
        Attempts that failed and were repeated.
    passed_over : int
        Files that are no instance.
    failures : Counter of str
        How many the peer does not have, or could not be read, by reason.
    """

    stored: int = 0
    warned: int = 0
    resent: int = 0
    passed_over: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, delivery: Delivery[StoredInstance]) -> None:
        """Count what became of an instance."""
        self.resent += max(0, delivery.attempts - 1)
        if delivery.error is None:
            self.stored += 1
            self.warned += delivery.status != 0
        else:
            self.failures[str(delivery.error)] += 1

    def __str__(self) -> str:
        stored = f"{self.stored} stored ({self.warned} with a warning), {self.failures.total()} failed"
        lines = [f"{stored}, {self.resent} sent again, {self.passed_over} not instances"]
        return "\n".join(lines + [f"  {number} x {reason}" for reason, number in self.failures.most_common()])


async def verify(destination: Destination) -> int:
    """Return the status of a C-ECHO.

    Raises
    ------
    Unavailable
        If there is no association.
    """
    async with Association.request(
        destination.host,
        destination.port,
        calling_ae_title=destination.calling_ae_title,
        called_ae_title=destination.called_ae_title,
        contexts=[(VERIFICATION, [IMPLICIT_VR_LITTLE_ENDIAN])],
        timeout_s=10.0,
        response_timeout_s=10.0,
        ssl=destination.ssl,
    ) as association:
        return await association.c_echo()


def to_destination(destination: Destination, associations: int) -> Sender[StoredInstance]:
    """Return what sends over so many associations at once."""
    return Sender(destination, associations=associations)


async def send_files(
    sender: Sender[StoredInstance], paths: Sequence[Path], on_progress: Callable[[SendSummary], None] = lambda _: None
) -> SendSummary:
    """Send every instance in `paths`, and say what became of them.

    Parameters
    ----------
    paths : sequence of Path
        Folders (with all below), files, ZIP archives, DICOMDIRs.

    Raises
    ------
    NotFound
        If a path does not exist.
    """
    if not all(path.exists() for path in paths):
        raise NotFound("a path that is to be sent does not exist")
    files = _Files(paths)
    await _send(sender, files.instances(), files.summary, on_progress, files.settled)
    return files.summary


async def send_archived(
    sender: Sender[StoredInstance],
    settings: Settings,
    study_instance_uids: Sequence[str],
    on_progress: Callable[[SendSummary], None] = lambda _: None,
) -> SendSummary:
    """Send the visible instances of studies in the archive that `settings` name.

    Raises
    ------
    NotFound
        If no instance of a study is catalogued.
    Unavailable
        If the catalog does not answer.
    """
    summary = SendSummary()
    async with open_backends(settings) as backends:
        instances = [one for uid in study_instance_uids for one in await _instances_of(backends, uid)]
        await _send(sender, instances, summary, on_progress)
    return summary


async def _send(
    sender: Sender[StoredInstance],
    instances: Iterable[StoredInstance] | AsyncIterable[StoredInstance],
    summary: SendSummary,
    on_progress: Callable[[SendSummary], None],
    settled: Callable[[], None] = lambda: None,
) -> None:
    async with contextlib.aclosing(sender.send(instances)) as deliveries:
        async for delivery in deliveries:
            summary.add(delivery)
            settled()
            on_progress(summary)


async def _instances_of(backends: Backends, study_instance_uid: str) -> list[StoredInstance]:
    rows = await backends.catalog.find(
        INSTANCES.name,
        Equals("StudyInstanceUID", study_instance_uid),
        fields=("SOPClassUID", "TransferSyntaxUID", "blob_key"),
        sort=("series_key", "InstanceNumber"),
    )
    if not rows:
        raise NotFound("no such study is in the catalog")
    return [
        StoredInstance(
            row["SOPClassUID"], row["_id"], row["TransferSyntaxUID"], partial(backends.blobs.stream, row["blob_key"])
        )
        for row in rows
    ]


class _Files:
    """The instances in files. An archive stays open until the fate of everything in it is certain."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.summary = SendSummary()
        self._paths = paths
        self._under_way = 0
        self._none_under_way = asyncio.Event()

    def settled(self) -> None:
        """Note that the fate of one instance is certain."""
        self._under_way -= 1
        if not self._under_way:
            self._none_under_way.set()

    async def instances(self) -> AsyncIterator[StoredInstance]:
        """Yield all of them."""
        for path in self._paths:
            findings = find(path)
            while batch := await asyncio.to_thread(next_batch, findings):
                for finding in batch:
                    if isinstance(finding, EndOfArchive):
                        await self._until_settled()
                    elif (instance := await self._instance(finding)) is not None:
                        self._under_way += 1
                        yield instance

    async def _until_settled(self) -> None:
        while self._under_way:
            self._none_under_way.clear()
            await self._none_under_way.wait()

    async def _instance(self, finding: Source | Flaw) -> StoredInstance | None:
        """Return the instance in a file; None, and counted, if there is none."""
        try:
            if isinstance(finding, Flaw):
                raise RejectedInstance(finding.reason)
            head = await asyncio.to_thread(read_first, finding)
            if is_part10(head) and not is_dicomdir(head):
                return await stored_instance(partial(_read, finding))
            self.summary.passed_over += 1
        except (RejectedInstance, NotFound) as error:
            self.summary.failures[str(error)] += 1
        except UnreadableFile:
            self.summary.failures[_UNREADABLE] += 1
        return None


async def _read(source: Source) -> AsyncGenerator[bytes, None]:
    try:
        file, first = await asyncio.to_thread(open_source, source)
        with file:
            async for chunk in read_on(first, file):
                yield chunk
    except UnreadableFile as error:
        raise NotFound(_UNREADABLE) from error
