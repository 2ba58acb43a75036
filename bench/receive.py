"""Receiving, everybody in turn in one run: `make bench-receive`. Prints Markdown.

ARGS="--quick" for a short one, ARGS="--only dimse" for one of its series.

Two senders: DCMTK's `storescu`, as a modality sends, and one of our own (`bench.sending`), so cheap that the receiver
is what is measured. Medians of rates, and of the processor time that the receiver spends on an instance. What a
receiver has written is flushed before the next one's turn.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import receivers
from bench.data import write_series
from bench.peers import Orthanc
from bench.receivers import ENVIRONMENT, OrthancReceiver, Receiver, Whole, cpu_s, memory_bytes
from bench.sending import Order, encode_order

GIANT_BYTES = 2 << 30
MEMORY_GOAL_BYTES = 64 << 20

DISCARDING, DURABLE, WHOLE = "Radstream, discarding", "Radstream, durable and logged", "Radstream, all services"
DCMTK_DISCARDING, DCMTK_WRITING, ORTHANC = "DCMTK, discarding", "DCMTK, writing, not synced", "Orthanc, synced"


SERIES = {
    "storescu": ("storescu", 512, "C-STORE from storescu, associations"),
    "dimse": ("dimse", 512, "C-STORE from prebuilt messages, associations"),
    "dimse-small": ("dimse", 8, "C-STORE from prebuilt messages, associations"),
    "stow": ("stow", 512, "STOW-RS, one instance a request, connections"),
    "stow-small": ("stow", 8, "STOW-RS, one instance a request, connections"),
}


class Sender:
    """What sends; one order after the other.

    Parameters
    ----------
    folder : Path
        Its own, for the files of `storescu`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        command = [sys.executable, "-m", "bench.sending"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, order: Order) -> float:
        """Carry out an order; return how many seconds it took."""
        return self._send_files(order) if order.protocol == "storescu" else self._send_prebuilt(order)

    def _send_files(self, order: Order) -> float:
        files = self._folder / f"{order.size}-{order.count}"
        if not files.exists():
            write_series(files, order.count, order.size)
        command = ["/usr/bin/storescu", "-pdu", "131072", "-aec", order.ae_title, "+sd", "+IS", "1", "+IR"]
        command += [str(order.count), "127.0.0.1", str(order.port), str(files)]
        started_at = time.perf_counter()
        senders = [subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL) for _ in range(order.senders)]
        if max(sender.wait() for sender in senders):
            raise RuntimeError(f"{order.ae_title} refused an instance")
        return time.perf_counter() - started_at

    def _send_prebuilt(self, order: Order) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(encode_order(order))
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"sending to {order.ae_title} failed")
        return float(answer)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass
class Figures:
    """What was measured of one receiver: per second, and milliseconds an instance; one number a round."""

    rates: list[float] = field(default_factory=list)
    found: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median(self.rates)

    @property
    def cpu(self) -> float:
        return median(self.cpu_ms)


def measure(sender: Sender, taking_part: Sequence[Receiver], order: Order, rounds: int) -> dict[str, Figures]:
    """Send `order.count` instances in all to each receiver in turn, twice as many to one that is still to find them.

    A first, short round is not counted.
    """
    figures = {receiver.name: Figures() for receiver in taking_part}
    for number in range(rounds + 1):
        for receiver in taking_part:
            port = receiver.ports["stow" if order.protocol == "stow" else "dimse"]
            wanted = order.count * (2 if receiver.name == WHOLE else 1) if number else order.count // 4
            count = max(10, wanted // order.senders)
            one = Order(order.protocol, port, receiver.ae_title, order.size, order.senders, count)
            _one_turn(sender, receiver, one, figures[receiver.name] if number else Figures())
    return figures


def _one_turn(sender: Sender, receiver: Receiver, order: Order, figures: Figures) -> None:
    before_s, count = cpu_s(receiver), order.count * order.senders
    duration_s = sender.send(order)
    started_at = time.perf_counter()
    receiver.settle()
    found_s = duration_s + time.perf_counter() - started_at
    receiver.rest()
    figures.rates.append(count / duration_s)
    figures.found.append(count / found_s)
    figures.cpu_ms.append((cpu_s(receiver) - before_s) / count * 1000)
    os.sync()


def _warm_up(sender: Sender, receiver: Receiver) -> None:
    """Let the files grow that every later commit writes anew, as they do in the first second of use."""
    sender.send(Order("dimse", receiver.ports["dimse"], receiver.ae_title, 8, 4, 100))
    receiver.rest()


def print_table(title: str, by_senders: dict[int, dict[str, Figures]]) -> None:
    print(f"\n### {title}\n")
    print("| receiver |" + "".join(f" {senders} at once, /s | CPU ms |" for senders in by_senders))
    print("|---|" + "---:|---:|" * len(by_senders))
    for name in next(iter(by_senders.values())):
        cells = [f" {figures[name].rate:,.0f} | {figures[name].cpu:.2f} |" for figures in by_senders.values()]
        print(f"| {name} |" + "".join(cells))


def print_goals(by_senders: dict[int, dict[str, Figures]]) -> None:
    print("\n| goal | senders | wanted | measured | met |\n|---|---:|---:|---:|---|")
    for senders, figures in by_senders.items():
        rate = {name: one.rate for name, one in figures.items()}
        _goal("discarding, of DCMTK's rate", senders, 1.0, rate[DISCARDING] / rate[DCMTK_DISCARDING])
        _goal("discarding, of DCMTK's CPU", senders, 0.6, _cpu_ratio(figures), at_most=True)
        _goal("durable, of DCMTK's rate unsynced", senders, 0.9, rate[DURABLE] / rate[DCMTK_WRITING])
        if ORTHANC in rate:
            _goal("durable, times Orthanc", senders, 3.0 if senders == 1 else 2.5, rate[DURABLE] / rate[ORTHANC])
        found = median(figures[WHOLE].found)
        _goal("found while received, of what is received", senders, 0.9, found / rate[WHOLE])


def _cpu_ratio(figures: dict[str, Figures]) -> float:
    return figures[DISCARDING].cpu / max(figures[DCMTK_DISCARDING].cpu, 0.01)


def _goal(what: str, senders: int, wanted: float, measured: float, *, at_most: bool = False) -> None:
    met = measured <= wanted if at_most else measured >= wanted
    sign = "≤" if at_most else "≥"
    print(f"| {what} | {senders} | {sign} {wanted:.1f} | {measured:.2f} | {'yes' if met else '**no**'} |")


def print_memory(sender: Sender, receiver: Receiver) -> None:
    """Measure by how much memory grows while one instance of 2 GB is received."""
    pid = receiver.pids()[0]
    idle = memory_bytes(pid)
    receivers.forget_peak(pid)
    order = Order("dimse", receiver.ports["dimse"], receiver.ae_title, 8, 1, 1, GIANT_BYTES)
    duration_s = sender.send(order)
    grown = memory_bytes(pid, "VmHWM") - idle
    met = "yes" if grown <= MEMORY_GOAL_BYTES else "**no**"
    print(f"\n### One instance of {GIANT_BYTES >> 30} GiB, durable\n")
    print("| seconds | MB/s | idle MB | grown by MB | within 64 MB |\n|---:|---:|---:|---:|---|")
    print(f"| {duration_s:.1f} | {GIANT_BYTES / duration_s / 1e6:,.0f} | {idle >> 20} | {grown >> 20} | {met} |")


def run(folder: Path, rounds: int, count: int, series: Sequence[str]) -> None:
    discarding = [receivers.radstream_discarding, receivers.dcmtk_discarding, receivers.pynetdicom]
    keeping = [receivers.radstream_durable, receivers.dcmtk_writing]
    durable: Receiver = receivers.radstream_durable(folder / "memory")
    taking_part: list[Receiver] = [make(folder / make.__name__) for make in (*discarding, *keeping)]
    archives: list[Receiver] = [Whole(WHOLE, folder / "whole")]
    if Orthanc.is_installed():
        archives.append(OrthancReceiver(folder))
    sender = Sender(folder / "files")
    started: list[Receiver] = []
    try:
        for receiver in (durable, *taking_part, *archives):
            receiver.start()
            started.append(receiver)
        print_memory(sender, durable)
        for receiver in (*taking_part, *archives):
            _warm_up(sender, receiver)
        for protocol, size, what in (SERIES[name] for name in series):
            everybody = archives if protocol == "stow" else taking_part + archives
            by_senders = {
                senders: measure(sender, everybody, Order(protocol, 0, "", size, senders, count), rounds)
                for senders in (1, 4, 16)
            }
            print_table(f"{what}, CT {size}x{size}x16", by_senders)
            if protocol != "stow":
                print_goals(by_senders)
    finally:
        sender.close()
        for receiver in started:
            receiver.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it runs, not how fast")
    parser.add_argument("--only", action="append", choices=SERIES, help="one series; may be given again")
    options = parser.parse_args()
    if not Orthanc.is_installed():
        print("*** Orthanc is not installed: its rows and ratios are missing.", file=sys.stderr)
    # In one folder until the end: file systems pass over the places of recently deleted files, which costs time.
    with tempfile.TemporaryDirectory(prefix="radstream-bench-") as name:
        run(Path(name), 1 if options.quick else 3, 64 if options.quick else 240, options.only or [*SERIES])
    return 0


if __name__ == "__main__":
    sys.exit(main())
