"""News between the processes of one log: a datagram names the topics that have new records, or need a new member.

A datagram is a hint, never a promise: who listens also looks for itself now and then, so a lost one costs a moment.
Each process has one socket, with a name in the folder of each topic that it listens to: who does not care is not woken.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
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
        self._names: list[Path] = []  # of the socket, where those who have news look for it
        self._hears_all = True
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_listening(self) -> bool:
        """Whether news reaches this process; if not, it has to look for itself more often."""
        return self._receiver is not None and self._hears_all

    def notify(self, topics: Collection[str]) -> None:
        """Tell every process that listens to them that `topics` have news. Any thread; never raises, never waits."""
        for topic in topics:
            with contextlib.suppress(OSError):  # nobody has ever listened to it
                self._notify(topic)

    def _notify(self, topic: str) -> None:
        folder = self._folder / topic
        names = [path.name for path in folder.iterdir()]
        if names:
            with _reachable(folder) as base, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                for name in names:
                    _send(sender, topic.encode(), base / name)

    def bind(self, topics: Collection[str]) -> None:
        """Begin to listen to `topics` too, where the system can. Blocking, for a thread; may be repeated."""
        try:
            for topic in topics:
                self._enter(self._folder / topic)
        except OSError:
            self._hears_all = False

    def _enter(self, folder: Path) -> None:
        """Give the socket, which is made with its first name, a name in `folder`."""
        path = folder / self._name
        if path in self._names:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._receiver is None:
            self._receiver = _bound(folder, self._name)
        else:
            os.link(self._names[0], path)
        self._names.append(path)

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
            for path in self._names:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _hear(self) -> None:
        """Set the events of everybody who waits for what the waiting datagrams name."""
        news: set[str] = set()
        with contextlib.suppress(BlockingIOError):
            while self._receiver is not None:
                news.update(self._receiver.recv(LARGEST_DATAGRAM_BYTES).decode(errors="replace").split("\n"))
        for topics, event in self._listeners:
            if topics & news:
                event.set()


def _bound(folder: Path, name: str) -> socket.socket:
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.setblocking(False)
    try:
        with _reachable(folder) as base:
            receiver.bind(str(base / name))
    except OSError:
        receiver.close()
        raise
    return receiver


@contextlib.contextmanager
def _reachable(folder: Path) -> Iterator[Path]:
    """Give a path to `folder` that is short: the address of a UNIX socket has at most 107 bytes."""
    if not _has_descriptors():
        yield folder
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _DESCRIPTORS / str(descriptor)
    finally:
        os.close(descriptor)


@functools.cache
def _has_descriptors() -> bool:
    return _DESCRIPTORS.exists()


def _send(sender: socket.socket, news: bytes, address: Path) -> None:
    try:
        sender.sendto(news, str(address))
    except ConnectionRefusedError:  # its process died without saying so
        address.unlink(missing_ok=True)
    except OSError:  # its queue is full, so it will look anyway; or it has just gone
        return
