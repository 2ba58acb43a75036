"""Threads for blocking work that nobody waits for piece by piece: without the futures and locks of an executor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Workers:
    """Some threads and one queue of work for them, begun in the order of its coming.

    A thread is started when all others have work.

    Parameters
    ----------
    count : int
    name : str
        Of the threads, for who looks at a process.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._undone = 0
        self._is_closed = False

    def submit(self, work: Callable[[], None]) -> None:
        """Let a thread do `work`, which raises nothing; any thread may ask.

        Raises
        ------
        RuntimeError
            After `close`.
        """
        with self._lock:
            if self._is_closed:
                raise RuntimeError("no work is taken any more")
            self._undone += 1
            if len(self._threads) < min(self._undone, self._count):
                self._start()
        self._queue.put(work)

    def close(self) -> None:
        """Wait until all that was submitted is done; take nothing more."""
        with self._lock:
            self._is_closed = True
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        # A daemon: what is not durable when a process ends was promised to nobody.
        thread = threading.Thread(target=self._work_off, name=f"{self._name}-{len(self._threads)}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _work_off(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
            del work  # else what it holds would live until there is more to do
            with self._lock:
                self._undone -= 1
