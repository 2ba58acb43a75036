"""Whether a consumer stands still although there are records. Pure.

After some faults aiokafka's consumer lives on and never fetches again, without an error; only its progress tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiokafka import TopicPartition

LOOK_EVERY_S: Final = 20.0


class Standstill:
    """Compares two looks: a partition that had more than was read, and is at the same offset at the next one."""

    def __init__(self) -> None:
        self._last_look_s: float | None = None
        self._behind: dict[TopicPartition, int] = {}

    def is_due(self, now_s: float) -> bool:
        """Tell whether it is time for a look; the first is due one interval after this is asked first."""
        if self._last_look_s is None:
            self._last_look_s = now_s
        is_due = now_s - self._last_look_s >= LOOK_EVERY_S
        if is_due:
            self._last_look_s = now_s
        return is_due

    def moved(self) -> None:
        """Forget the last look: something came."""
        self._behind = {}

    def is_seen(self, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> bool:
        """Take a look, and tell whether a partition has been waiting since the last one.

        Parameters
        ----------
        positions : mapping of partition to int
            The next offset to read.
        ends : mapping of partition to int
            The next offset to be written.
        """
        behind = {partition: offset for partition, offset in positions.items() if offset < ends.get(partition, 0)}
        is_seen = any(self._behind.get(partition) == offset for partition, offset in behind.items())
        self._behind = behind
        return is_seen
