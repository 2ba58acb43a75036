"""Connections that have no association: as many as there is room for, the oldest gone when another one comes.

So nobody is kept out by those who connect and say nothing, however many there are. Who connects most loses first: a
flood from one address presses on itself alone.
"""

from __future__ import annotations

from typing import Protocol

from radstream.telemetry import ASSOCIATIONS_REFUSED


class Stranger(Protocol):
    """A connection without an association."""

    @property
    def host(self) -> str:
        """Its peer's address."""

    def hang_up(self) -> None:
        """Close it at once, without a word."""


class Strangers:
    """The connections without an association on all doors of a process.

    Parameters
    ----------
    most : int
        How many there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._by_host: dict[str, dict[Stranger, bool]] = {}  # oldest first; whether the host is a known one

    def __len__(self) -> int:
        return self._count

    def enter(self, stranger: Stranger, *, is_known_host: bool = False) -> None:
        """Take in `stranger`, if it is not in yet, in the place of another one if there is no room.

        Parameters
        ----------
        is_known_host : bool
            Somebody whom we know calls from there: it goes last.
        """
        ours = self._by_host.setdefault(stranger.host, {})
        if stranger in ours:
            return
        ours[stranger] = is_known_host
        self._count += 1
        if self._count > self._most:
            self.turn_out_one()

    def leave(self, stranger: Stranger) -> None:
        """Forget `stranger`: it has an association, or is gone. No error if it was not in."""
        ours = self._by_host.get(stranger.host, {})
        if ours.pop(stranger, None) is not None:
            self._count -= 1
        if not ours:
            self._by_host.pop(stranger.host, None)

    def turn_out_one(self) -> None:
        """Hang up on the oldest one of the host that has most; of hosts that we know, last."""
        if self._by_host:
            host = max(self._by_host, key=self._pressure)
            oldest = next(iter(self._by_host[host]))
            self.leave(oldest)
            ASSOCIATIONS_REFUSED.labels("too many connections").inc()
            oldest.hang_up()

    def _pressure(self, host: str) -> tuple[bool, int]:
        ours = self._by_host[host]
        return not any(ours.values()), len(ours)
