"""When a study is complete: nothing came for it during its quiet time, which the catalog keeps over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from radstream.backends import Backends
from radstream.bus.port import Message
from radstream.catalog.filters import And, Equals, Range
from radstream.catalog.port import Document, Set
from radstream.contract.errors import RadstreamError
from radstream.contract.events import StudyCompleted, headers_of, new_event_id, to_json, to_timestamp
from radstream.contract.topics import STUDY_COMPLETED
from radstream.contract.uids import Uid
from radstream.telemetry import get_logger
from services.index.handle import Indexing, utc_now
from services.index.settle import Clock, Touched

log = get_logger(__name__)

AT_ONCE: Final = 100
LONGEST_PERIOD_S: Final = 5.0


class Lifecycle:
    """Announces studies that came to rest.

    Parameters
    ----------
    indexing : Indexing
        What changes the catalog in this process; the two take turns.
    quiet_s : float
        How long nothing must have been indexed for a study.
    """

    def __init__(self, backends: Backends, indexing: Indexing, quiet_s: float, now: Clock = utc_now) -> None:
        self._backends = backends
        self._indexing = indexing
        self._settler = indexing.settler
        self._quiet = timedelta(seconds=quiet_s)
        self._now = now

    async def run(self, stop: asyncio.Event) -> None:
        """Look for studies at rest, a few times within the quiet time, until `stop` is set."""
        period_s = min(self._quiet.total_seconds() / 4, LONGEST_PERIOD_S)
        while not stop.is_set():
            try:
                await self.round()
            except RadstreamError as error:  # also a topic that is not made yet: nothing here may end the consumers
                log.warning("studies_not_completed", error_type=type(error).__name__, reason=str(error))
            try:
                await asyncio.wait_for(stop.wait(), period_s)
            except TimeoutError:
                continue

    async def round(self) -> int:
        """Announce and mark every study that is at rest now, and return how many.

        Raises
        ------
        Unavailable
            If the catalog or the log does not answer; what is not marked is announced again.
        """
        completed = 0
        while studies := await self._at_rest():
            for study in studies:
                async with self._indexing.turn:
                    await self._complete(study["_id"], study["last_indexed_at"])
            completed += len(studies)
        return completed

    async def _at_rest(self) -> list[Document]:
        latest = to_timestamp(self._now() - self._quiet)
        where = And([Equals("is_complete", 0), Range("last_indexed_at", high=latest)])
        fields = ("last_indexed_at",)
        return await self._backends.catalog.find("studies", where, fields=fields, sort=fields, limit=AT_ONCE)

    async def _complete(self, uid: str, last_indexed_at: str) -> None:
        """Count once more, tell, and only then mark: other processes may have counted at the same moment."""
        await self._recount(uid)
        study = await self._study(uid)
        if study is None or study["last_indexed_at"] != last_indexed_at:
            return
        event = self._event(uid, study)
        await self._backends.bus.publish([Message(STUDY_COMPLETED.name, uid, to_json(event), headers_of(event))])
        await self._mark(uid, last_indexed_at)

    async def _recount(self, uid: str) -> None:
        instances, series = await asyncio.gather(
            self._backends.catalog.find("instances", Equals("StudyInstanceUID", uid), fields=("series_key",)),
            self._backends.catalog.find("series", Equals("StudyInstanceUID", uid), fields=()),
        )
        keys = frozenset({row["series_key"] for row in instances} | {row["_id"] for row in series})
        await self._settler.carry_out(await self._settler.plan(Touched(series_keys=keys, exact=keys)))

    async def _mark(self, uid: str, last_indexed_at: str) -> None:
        """Mark the study as complete, unless something was indexed for it since it was counted."""
        await self._backends.catalog.apply([Set("studies", uid, {"is_complete": 1})])
        study = await self._study(uid)
        if study is not None and study["last_indexed_at"] != last_indexed_at:
            await self._backends.catalog.apply([Set("studies", uid, {"is_complete": 0})])

    async def _study(self, uid: str) -> Document | None:
        fields = ("site", "last_indexed_at", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
        rows: Sequence[Document] = await self._backends.catalog.find("studies", Equals("_id", uid), fields=fields)
        return rows[0] if rows else None

    def _event(self, uid: str, study: Document) -> StudyCompleted:
        return StudyCompleted(
            event_id=new_event_id(),
            occurred_at=to_timestamp(self._now()),
            site=study["site"],
            study_instance_uid=Uid(uid),
            number_of_series=study["NumberOfStudyRelatedSeries"],
            number_of_instances=study["NumberOfStudyRelatedInstances"],
        )
