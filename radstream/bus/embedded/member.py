"""What a member of a consumer group does with files: leases, reading, committing. Synchronous, in one thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from radstream.bus.embedded.lease import Lease
from radstream.bus.embedded.log import Log
from radstream.bus.embedded.offsets import Offsets
from radstream.bus.port import Attempt, Partition, Record


class Member:
    """A member of a group; active for those topics whose lease it holds.

    Parameters
    ----------
    folder : Path
        Of the log.
    """

    def __init__(self, folder: Path, log: Log, offsets: Offsets, group: str, topics: Sequence[str]) -> None:
        self._log = log
        self._offsets = offsets
        self._group = group
        self._leases = {topic: Lease(folder, group, topic) for topic in topics}

    def read(self, positions: Mapping[str, int], max_records: int) -> tuple[list[Record], dict[str, int]]:
        """Return up to `max_records` records that follow, and the positions after them.

        Parameters
        ----------
        positions : mapping of str to int
            Where to go on in each topic; the committed offset where there is none.
        """
        after = dict(positions)
        records: list[Record] = []
        for topic in self._active_topics(after):
            found = self._log.read(topic, after[topic], max_records - len(records))
            records += found
            if found:
                after[topic] = found[-1].offset + 1
        return records, _least_recent_first(after, records)

    def commit(self, next_offsets: Mapping[str, int]) -> None:
        """Make durable what the group is done with."""
        self._offsets.commit(self._log.log_id(), self._group, next_offsets)

    def note_attempts(self, offsets: Mapping[str, int], number: int) -> None:
        """Make durable that the record at an offset of each topic is begun with."""
        self._offsets.note_attempts(self._log.log_id(), self._group, offsets, number)

    def unfinished_attempts(self) -> dict[Partition, Attempt]:
        """Return what members have begun with and not ended."""
        found = self._offsets.unfinished_attempts(self._log.log_id(), self._group)
        return {(topic, 0): attempt for topic, attempt in found.items()}

    def release(self) -> None:
        """Give up all leases."""
        for lease in self._leases.values():
            lease.release()

    def _active_topics(self, positions: dict[str, int]) -> list[str]:
        """Take what leases there are, put the beginnings that are not known into `positions`; return our topics."""
        active = [topic for topic, lease in self._leases.items() if lease.take()]
        unknown = [topic for topic in active if topic not in positions]
        if unknown:
            committed = self._offsets.committed(self._log.log_id(), self._group)
            positions.update({topic: committed.get(topic, 0) for topic in unknown})
        return [topic for topic in positions if topic in active]


def _least_recent_first(positions: dict[str, int], records: Sequence[Record]) -> dict[str, int]:
    """Return `positions` with the topics just read at the end: so a busy topic cannot starve the others."""
    read = {record.topic for record in records}
    return dict(sorted(positions.items(), key=lambda item: item[0] in read))
