"""Pictures beside Orthanc, in turn in one run: `make bench-pixels` (ARGS="--quick" for a short one). Prints Markdown.

Both have the same CT series of 512 x 512 slices. A request is for another window than those before, so that nobody
answers from what was made before, but for two rows that say so; the thumbnail, which is made when an instance arrives,
comes from the cache. The clients are those of `bench.connection`, which both are given alike; four are four threads.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx2

from bench.__main__ import HEAD, STOW_HEADERS, TAIL
from bench.connection import Connection
from bench.data import ct_slice
from bench.peers import Orthanc, Peer, Radstream

STUDY, SERIES = "2.25.81", "2.25.82"
JPEG = {"Accept": "image/jpeg"}
CLIENTS = 4
_NUMBERS = count()
TURN = 10
"""Requests in a row to one peer."""


def instance(number: int) -> str:
    return f"studies/{STUDY}/series/{SERIES}/instances/{SERIES}.{number}"


def fill(peer: Peer, slices: int) -> float:
    """Store the series; return how many previews a second were made of it, from its first byte on."""
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


def again() -> str:
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


def rate(peer: Peer, resource: Callable[[], str], slices: int, each: int) -> float:
    """Return the answers a second of `CLIENTS` clients at once."""

    def work(first: int) -> None:
        with Connection(peer.dicom_web) as connection:
            for number in range(first, first + each):
                ask(connection, f"{instance(number % slices)}/{resource()}")

    with ThreadPoolExecutor(CLIENTS) as pool:
        started_at = time.perf_counter()
        list(pool.map(work, range(0, CLIENTS * each, each)))
        return CLIENTS * each / (time.perf_counter() - started_at)


def rates(peers: Sequence[Peer], resource: Callable[[], str], slices: int, each: int, rounds: int) -> dict[str, float]:
    found: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            found[peer.name].append(rate(peer, resource, slices, each))
    return {name: statistics.median(values) for name, values in found.items()}


def again_ms(peers: Sequence[Peer], rounds: int) -> dict[str, float]:
    """Return the median of a picture that was asked for just before, the peers in turn."""
    return median_ms(peers, again, TURN, rounds)


def row(what: str, unit: str, goal: str, figures: dict[str, float], *, is_time: bool) -> str:
    """Return a line of the table; how many times better the first peer is stands behind its figures."""
    ours, *others = figures.values()
    ratio = f"{others[0] / ours if is_time else ours / others[0]:.1f}" if others else "-"
    theirs = f"{others[0]:,.1f}" if others else "-"
    return f"| {what} | {ours:,.1f} | {theirs} | {unit} | {ratio} | {goal} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it runs, not how fast")
    quick = parser.parse_args().quick
    slices, rounds = (40, 4) if quick else (400, 20)
    with tempfile.TemporaryDirectory(prefix="radstream-bench-") as name:
        folder = Path(name)
        systems: list[Radstream | Orthanc] = [Radstream(folder), *([Orthanc(folder)] if Orthanc.is_installed() else [])]
        try:
            peers = [system.start() for system in systems]
            made = [fill(peer, slices) for peer in peers]
            print("| what | Radstream | Orthanc | unit | times better | goal |\n|---|---|---|---|---|---|")
            figures = median_ms(peers, fresh, slices, rounds)
            print(row("rendered JPEG, median, 1 client", "ms", "3", figures, is_time=True))
            figures = rates(peers, fresh, slices, 10 if quick else 75, 1 if quick else 5)
            print(row(f"rendered JPEG, {CLIENTS} clients", "/s", "4", figures, is_time=False))
            figures = again_ms(peers, rounds)
            print(row("the same ten slices again and again, 1 client", "ms", "-", figures, is_time=True))
            figures = rates(peers, again, TURN, 10 if quick else 75, 1 if quick else 5)
            print(row(f"the same, {CLIENTS} clients", "/s", "-", figures, is_time=False))
            figures = median_ms(peers[:1], thumbnail, slices, rounds)
            print(row("thumbnail from the cache, median", "ms", "below 2 ms", figures, is_time=True))
            print(row("stored by STOW with preview", "/s", "100/s", {"Radstream": made[0]}, is_time=False))
        finally:
            for system in systems:
                system.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
