"""What every engine on this machine can do, whatever it is."""

from __future__ import annotations

from typing import Protocol


class EngineMissing(Exception):
    """An engine cannot be had or run here; the text says why."""


class Engine(Protocol):
    """A server that Radstream stands on, as processes on loopback with their data in a folder."""

    name: str

    def install(self) -> None:
        """Install what it needs, unless it is there; `EngineMissing` if that cannot be had."""

    def start(self) -> None:
        """Return when it is ready; `EngineMissing` if it cannot run here."""

    def stop(self) -> None:
        """Stop it in peace."""

    def kill(self) -> None:
        """Kill it (``kill -9``)."""

    @property
    def url(self) -> str:
        """The URL to give to Radstream."""
