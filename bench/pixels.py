"""Pictures beside Orthanc, in turn in one run: `make bench-pixels` (ARGS="--quick" for a short one). Prints Markdown.

Both have the same CT series of 512 x 512 slices. *As stored* is the picture that whoever wishes nothing gets: each one
is asked for once, so neither was asked before; Radstream has made it when the slice arrived, Orthanc makes it now. *A
window of its own* is a picture that nobody can have made: each request names another one. The clients are those of
`bench.connection`, which both are given alike; four are four threads. Last, slices come by C-STORE at a steady rate,
and what waits for its preview is counted.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx2

from bench.__main__ import HEAD, STOW_HEADERS, TAIL
from bench.connection import Connection
from bench.data import ct_slice
from bench.peers import Orthanc, Peer, Radstream
from bench.previews import RATE, keep_up

STUDY, SERIES = "2.25.81", "2.25.82"
JPEG = {"Accept": "image/jpeg"}
CLIENTS = 4
_NUMBERS = count()
TURN = 10
"""Requests in a row to one peer."""


def instance(number: int) -> str:
    return f"studies/{STUDY}/series/{SERIES}/instances/{SERIES}.{number}"


def fill(peer: Peer, slices: int) -> float:
    """Store the series; return how many pictures a second were made of it, from its first byte on."""
    files = [ct_slice(STUDY, SERIES, number, sop_instance_uid=f"{SERIES}.{number}") for number in range(slices)]
    started_at = time.perf_counter()
    with httpx2.Client(timeout=300) as client:
        for start in range(0, slices, TURN):
            body = b"\r\n".join(HEAD + file for file in files[start : start + TURN]) + TAIL
            client.post(f"{peer.dicom_web}/studies", content=body, headers=STOW_HEADERS).raise_for_status()
    peer.settle()
    return slices / (time.perf_counter() - started_at)


def fresh() -> str:
    """Return a rendered resource that was never asked for."""
    return f"rendered?window=40,{400 + next(_NUMBERS)},linear"


def as_stored() -> str:
    return "rendered"


def thumbnail() -> str:
    return "thumbnail"


def ask(connection: Connection, path: str) -> float:
    """Return how many seconds an answer took."""
    connection.renew()
    started_at = time.perf_counter()
    answer = connection.get(path, JPEG)
    took_s = time.perf_counter() - started_at
    if answer.status != 200 or not answer.body.startswith(b"\xff\xd8"):
        raise RuntimeError(f"{answer.status} to {path}")
    return took_s


def median_ms(peers: Sequence[Peer], resource: Callable[[], str], slices: int, rounds: int) -> dict[str, float]:
    """Return the median of each peer, one client, the peers in turn."""
    took: dict[str, list[float]] = {peer.name: [] for peer in peers}
    connections = {peer.name: Connection(peer.dicom_web) for peer in peers}
    for turn in range(rounds):
        for peer in peers:
            for number in range(turn * TURN, (turn + 1) * TURN):
                seconds = ask(connections[peer.name], f"{instance(number % slices)}/{resource()}")
                took[peer.name].append(seconds * 1000)
    for connection in connections.values():
        connection.close()
    return {name: statistics.median(values[TURN:]) for name, values in took.items()}


def rate(peer: Peer, resource: Callable[[], str], slices: Sequence[int], each: int) -> float:
    """Return the answers a second of `CLIENTS` clients at once, who ask for `each` of `slices` one after the other."""

    def work(first: int) -> None:
        with Connection(peer.dicom_web) as connection:
            for number in range(first, first + each):
                ask(connection, f"{instance(slices[number % len(slices)])}/{resource()}")

    with ThreadPoolExecutor(CLIENTS) as pool:
        started_at = time.perf_counter()
        list(pool.map(work, range(0, CLIENTS * each, each)))
        return CLIENTS * each / (time.perf_counter() - started_at)


def rates(
    peers: Sequence[Peer], resource: Callable[[], str], portions: Sequence[Sequence[int]], each: int
) -> dict[str, float]:
    """Return the median rate of each peer, the peers in turn; of each of `portions` of the slices one round."""
    found: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for slices in portions:
        for peer in peers:
            found[peer.name].append(rate(peer, resource, slices, each))
    return {name: statistics.median(values) for name, values in found.items()}


def row(what: str, unit: str, goal: str, figures: dict[str, float], *, is_time: bool) -> str:
    """Return a line of the table; how many times better the first peer is stands behind its figures."""
    ours, *others = figures.values()
    ratio = f"{others[0] / ours if is_time else ours / others[0]:.1f}" if others else "-"
    theirs = f"{others[0]:,.1f}" if others else "-"
    return f"| {what} | {ours:,.1f} | {theirs} | {unit} | {ratio} | {goal} |"


@dataclass(frozen=True)
class Extent:
    """How much is measured: turns of one client, rounds of several, requests of each of them, seconds of receiving."""

    turns: int
    rounds: int
    each: int
    receiving_s: float

    @property
    def slices(self) -> int:
        return self.turns * TURN + self.rounds * CLIENTS * self.each

    def portions(self) -> list[range]:
        """Return the slices of each round, which no other round and no turn of one client asks for."""
        step = CLIENTS * self.each
        return [range(first, first + step) for first in range(self.turns * TURN, self.slices, step)]


WHOLE, QUICK = Extent(20, 3, 75, 30), Extent(4, 1, 10, 5)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it runs, not how fast")
    extent = QUICK if parser.parse_args().quick else WHOLE
    with tempfile.TemporaryDirectory(prefix="radstream-bench-") as name:
        folder = Path(name)
        ours = Radstream(folder)
        systems: list[Radstream | Orthanc] = [ours, *([Orthanc(folder)] if Orthanc.is_installed() else [])]
        try:
            measure([system.start() for system in systems], extent)
            print(f"\nC-STORE at {RATE}/s for {extent.receiving_s} s: {keep_up(ours.system, extent.receiving_s)}.")
        finally:
            for system in systems:
                system.stop()
    return 0


def measure(peers: Sequence[Peer], extent: Extent) -> None:
    slices, portions = extent.slices, extent.portions()
    made = [fill(peer, slices) for peer in peers]
    print("| what | Radstream | Orthanc | unit | times better | goal |\n|---|---|---|---|---|---|", flush=True)
    for what, resource in (("as stored, first time", as_stored), ("a window of its own", fresh)):
        figures = median_ms(peers, resource, slices, extent.turns)
        print(row(f"JPEG {what}, median, 1 client", "ms", "3", figures, is_time=True), flush=True)
        figures = rates(peers, resource, portions, extent.each)
        print(row(f"JPEG {what}, {CLIENTS} clients", "/s", "4", figures, is_time=False), flush=True)
    figures = median_ms(peers, as_stored, TURN, extent.turns)
    print(row("the same ten slices again and again, 1 client", "ms", "-", figures, is_time=True))
    figures = rates(peers, as_stored, [range(TURN)] * extent.rounds, extent.each)
    print(row(f"the same, {CLIENTS} clients", "/s", "-", figures, is_time=False))
    figures = median_ms(peers[:1], thumbnail, slices, extent.turns)
    print(row("thumbnail from the cache, median", "ms", "below 2 ms", figures, is_time=True))
    figures = {peer.name: rate for peer, rate in zip(peers, made, strict=True)}
    print(row("stored by STOW, ours with pictures", "/s", "-", figures, is_time=False))


if __name__ == "__main__":
    sys.exit(main())
