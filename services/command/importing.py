"""`radstream import`: files into the archive through the same `accept` as every other door, several at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from radstream.backends import Backends
from radstream.contract.errors import NotFound, Unavailable
from radstream.settings import Settings
from services.command.import_journal import Journal
from services.command.sources.dicomdir import is_dicomdir
from services.command.sources.findings import Finding, Flaw, Source, is_part10
from services.command.sources.reading import UnreadableFile, next_batch, open_source, read_on
from services.command.sources.walk import count, find
from services.ingest.accept import Accepting
from services.ingest.file import Outcome, accept_file
from services.ingest.identity import Origin

RETRY_DELAYS_S: Final = (0.5, 1.0, 2.0, 4.0)
"""How long a store that does not answer is waited for before the import stops."""

ORIGIN: Final = Origin("import")

OnProgress = Callable[[int, int | None], None]
"""Called with how many files are done, and how many there are (None until that is known)."""


@dataclass
class ImportSummary:
    """What became of the files.

    Parameters
    ----------
    stored : int
        New instances.
    known : int
        Instances that were stored before, byte for byte.
    not_dicom : int
        Files that are no Part 10 files (PS3.10 7.1).
    dicomdirs : int
        Tables of contents of media.
    marked : int
        How many of the stored and known ones are announced later, because the log did not answer.
    failures : Counter of str
        How many were refused or could not be read, by reason.
    """

    stored: int = 0
    known: int = 0
    not_dicom: int = 0
    dicomdirs: int = 0
    marked: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """How many files should have been instances and are not stored."""
        return self.failures.total()

    @property
    def done(self) -> int:
        """How many files were looked at."""
        return self.stored + self.known + self.not_dicom + self.dicomdirs + self.failed

    def add(self, outcome: Outcome) -> None:
        """Count the outcome of one instance."""
        if outcome.accepted is None:
            self.failures[str(outcome.error)] += 1
            return
        self.stored += outcome.accepted.is_new
        self.known += not outcome.accepted.is_new
        self.marked += outcome.accepted.is_marked

    def __str__(self) -> str:
        lines = [f"{self.stored} stored, {self.known} known already, {self.not_dicom} not DICOM, {self.failed} failed"]
        if self.marked:
            lines.append(f"{self.marked} will be catalogued when the log answers again and ingest runs")
        lines += [f"  {number} x {reason}" for reason, number in self.failures.most_common()]
        return "\n".join(lines)


async def import_paths(
    backends: Backends, settings: Settings, paths: Sequence[Path], *, on_progress: OnProgress, jobs: int
) -> ImportSummary:
    """Take in every instance in `paths`, and say what became of the files.

    Interrupted, it leaves nothing half-way; run again, it passes quickly over what is stored.

    Parameters
    ----------
    paths : sequence of Path
        Folders (with all below), files, ZIP archives, DICOMDIRs.
    jobs : int
        How many files are in flight.

    Raises
    ------
    NotFound
        If a path does not exist.
    Unavailable
        If the blob store does not answer for some seconds.
    """
    if not all(path.exists() for path in paths):
        raise NotFound("a path that is to be imported does not exist")
    run = _Import(backends, settings, on_progress)
    try:
        await run.all(paths, jobs)
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
    return run.summary


class _Import:
    """One run: a search that feeds a queue, and workers that empty it."""

    def __init__(self, backends: Backends, settings: Settings, on_progress: OnProgress) -> None:
        self.summary = ImportSummary()
        self._blobs = backends.blobs
        self._accepting = Accepting(backends, settings)
        self._journal = Journal(settings.home / "imports")
        self._on_progress = on_progress
        self._total: int | None = None

    async def all(self, paths: Sequence[Path], jobs: int) -> None:
        queue: asyncio.Queue[Source] = asyncio.Queue(2 * jobs)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._work(queue)) for _ in range(jobs)]
            tasks.append(group.create_task(self._count(paths)))
            for path in paths:
                await self._search(find(path), queue)
            await queue.join()
            for task in tasks:
                task.cancel()

    async def _count(self, paths: Sequence[Path]) -> None:
        self._total = await asyncio.to_thread(lambda: sum(map(count, paths)))

    async def _search(self, findings: Iterator[Finding], queue: asyncio.Queue[Source]) -> None:
        while batch := await asyncio.to_thread(next_batch, findings):
            for finding in batch:
                if isinstance(finding, Source):
                    await queue.put(finding)
                elif isinstance(finding, Flaw):
                    self._fail(finding.reason)
                else:
                    await queue.join()  # its members read from the archive, which is closed next

    async def _work(self, queue: asyncio.Queue[Source]) -> None:
        while True:
            source = await queue.get()
            await self._take(source)
            self._report()
            queue.task_done()

    async def _take(self, source: Source) -> None:
        blob_key = self._journal.blob_key(source)
        if blob_key is not None and await self._is_stored(blob_key):
            self.summary.known += 1
            return
        try:
            outcome = await self._accept_patiently(source)
        except UnreadableFile:
            self._fail("a file cannot be read")
            return
        if outcome is not None:
            self.summary.add(outcome)
            if outcome.accepted is not None:
                self._journal.add(source, outcome.accepted.event.blob_key)

    async def _is_stored(self, blob_key: str) -> bool:
        try:
            await self._blobs.stat(blob_key)
        except NotFound:
            return False
        return True

    async def _accept_patiently(self, source: Source) -> Outcome | None:
        for delay_s in RETRY_DELAYS_S:
            outcome = await self._accept(source)
            if outcome is None or not isinstance(outcome.error, Unavailable):
                return outcome
            await asyncio.sleep(delay_s)
        raise Unavailable("the blob store does not answer; run the import again, it goes on where it stopped")

    async def _accept(self, source: Source) -> Outcome | None:
        """Return what became of the instance in `source`; None, and counted, if there is none in it."""
        file, first = await asyncio.to_thread(open_source, source)
        with file:
            if not is_part10(first):
                self.summary.not_dicom += 1
            elif is_dicomdir(first):
                self.summary.dicomdirs += 1
            else:
                return await accept_file(self._accepting, ORIGIN, read_on(first, file))
        return None

    def _fail(self, reason: str) -> None:
        self.summary.failures[reason] += 1
        self._report()

    def _report(self) -> None:
        done = self.summary.done
        self._on_progress(done, None if self._total is None else max(done, self._total))
