"""Whether previews keep up: instances come at a steady rate, and what waits for its preview is counted meanwhile."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass, field

from bench.receivers import process_cpu_s
from bench.sending import DimseSender, Order
from tests.system import System

RATE = 100
"""Instances a second, C-STORE of CT slices of 512 x 512."""

SENDERS = 2
PERIOD_S = 1.0


@dataclass
class Backlog:
    """What came of it.

    Parameters
    ----------
    rate : float
        Instances a second that were acknowledged.
    lags : list of int
        Instances that were stored and had no preview, once in `PERIOD_S` seconds while they came.
    caught_up_s : float
        From the last acknowledgement until every preview was there.
    cpu_ms : float
        Processor time of the process that makes previews, for each instance.
    """

    rate: float = 0.0
    lags: list[int] = field(default_factory=list)
    caught_up_s: float = 0.0
    cpu_ms: float = 0.0

    def __str__(self) -> str:
        return (
            f"received {self.rate:.0f}/s; without preview: median {statistics.median(self.lags):.0f}, "
            f"most {max(self.lags)}, last {self.lags[-1]}; all there after {self.caught_up_s:.1f} s; "
            f"{self.cpu_ms:.1f} ms of processor time each"
        )


def waiting(system: System) -> int:
    """Return how many instances have no preview yet."""
    return system.lag() + system.lag("render", ["instance-indexed"])


def keep_up(system: System, duration_s: float) -> Backlog:
    """Send at `RATE` for some seconds and look how many previews are behind."""
    backlog, stop = Backlog(), threading.Event()
    watch = threading.Thread(target=_watch, args=(system, backlog, stop))
    senders = [DimseSender(Order("dimse", system.dimse_port, "RADSTREAM", 512, 1, 1)) for _ in range(SENDERS)]
    count = round(duration_s * RATE / SENDERS)
    threads = [threading.Thread(target=_send, args=(sender, count)) for sender in senders]
    watch.start()
    maker = system.children()["previews"]
    started_at, cpu_s = time.monotonic(), process_cpu_s(maker)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended_at = time.monotonic()
    stop.set()
    watch.join()
    system.wait_until_quiet()
    for sender in senders:
        sender.close()
    backlog.rate = count * SENDERS / (ended_at - started_at)
    backlog.caught_up_s = time.monotonic() - ended_at
    backlog.cpu_ms = (process_cpu_s(maker) - cpu_s) / (count * SENDERS) * 1000
    return backlog


def _send(sender: DimseSender, count: int) -> None:
    """Send `count` instances, each when its time has come; late ones at once."""
    started_at = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, started_at + number * SENDERS / RATE - time.monotonic()))
        sender.send()


def _watch(system: System, backlog: Backlog, stop: threading.Event) -> None:
    while not stop.is_set():
        backlog.lags.append(waiting(system))
        stop.wait(PERIOD_S)
