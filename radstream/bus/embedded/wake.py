"""News between the processes of one log: a datagram names the topics that have new records, or need a new member.

A datagram is a hint, never a promise: who listens also looks for itself now and then, so a lost one costs a moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

LARGEST_DATAGRAM_BYTES: Final = 4096
_DESCRIPTORS: Final = Path("/proc/self/fd")


class WakeUps:
    """Sends news to every process that listens in `folder`, and hands on what it hears itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "wake"
        self._receiver: socket.socket | None = None
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._listeners: list[tuple[frozenset[str], asyncio.Event]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_listening(self) -> bool:
        """Whether news reaches this process; if not, it has to look for itself more often."""
        return self._receiver is not None

    def notify(self, topics: Collection[str]) -> None:
        """Tell every listening process that `topics` have news. Any thread; never raises, never waits."""
        news = "\n".join(topics).encode()[:LARGEST_DATAGRAM_BYTES]
        with (
            contextlib.suppress(OSError),
            _reachable(self._folder) as base,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)
            for path in self._folder.iterdir():
                _send(sender, news, base / path.name)

    def bind(self) -> None:
        """Begin to listen; without effect where there are no such sockets. Blocking, for a thread; may be repeated."""
        if self._receiver is not None:
            return
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.setblocking(False)
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with _reachable(self._folder) as base:
                receiver.bind(str(base / self._name))
        except OSError:
            receiver.close()
        else:
            self._receiver = receiver

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand what is heard to the listeners of `loop`."""
        if self._receiver is not None and self._loop is not loop:
            self._loop = loop
            loop.add_reader(self._receiver, self._hear)

    def listen(self, topics: Collection[str]) -> asyncio.Event:
        """Return an event that is set whenever one of `topics` has news."""
        event = asyncio.Event()
        self._listeners.append((frozenset(topics), event))
        return event

    def forget(self, event: asyncio.Event) -> None:
        """Set `event` no more."""
        self._listeners = [(topics, other) for topics, other in self._listeners if other is not event]

    def close(self) -> None:
        """Stop listening."""
        if self._receiver is not None:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.remove_reader(self._receiver)
            self._receiver.close()
            self._receiver = None
            with contextlib.suppress(OSError):
                (self._folder / self._name).unlink()

    def _hear(self) -> None:
        """Set the events of everybody who waits for what the waiting datagrams name."""
        news: set[str] = set()
        with contextlib.suppress(BlockingIOError):
            while self._receiver is not None:
                news.update(self._receiver.recv(LARGEST_DATAGRAM_BYTES).decode(errors="replace").split("\n"))
        for topics, event in self._listeners:
            if topics & news:
                event.set()


@contextlib.contextmanager
def _reachable(folder: Path) -> Iterator[Path]:
    """Give a path to `folder` that is short: the address of a UNIX socket has at most 107 bytes."""
    if not _DESCRIPTORS.exists():
        yield folder
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _DESCRIPTORS / str(descriptor)
    finally:
        os.close(descriptor)


def _send(sender: socket.socket, news: bytes, address: Path) -> None:
    try:
        sender.sendto(news, str(address))
    except ConnectionRefusedError:  # its process died without saying so
        address.unlink(missing_ok=True)
    except OSError:  # its queue is full, so it will look anyway; or it has just gone
        return
