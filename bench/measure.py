"""Timing two peers in turn, so that the machine's moods hit both alike; medians and their ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.peers import Peer


@dataclass
class Row:
    """One measurement: a figure of each peer, and how many times better the first one is."""

    what: str
    unit: str
    figures: dict[str, float]
    higher_is_better: bool

    @property
    def ratio(self) -> float | None:
        if len(self.figures) < 2:
            return None
        ours, theirs = list(self.figures.values())[:2]
        return ours / theirs if self.higher_is_better else theirs / ours


def latency_ms(what: str, peers: Sequence[Peer], act: Callable[[Peer], object], *, rounds: int) -> Row:
    """Measure how long `act` takes, the peers in turn; the first call of each is not counted."""
    times: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for number in range(rounds + 1):
        for peer in peers:
            started = time.perf_counter()
            act(peer)
            if number:
                times[peer.name].append((time.perf_counter() - started) * 1000)
    return Row(what, "ms", {name: statistics.median(values) for name, values in times.items()}, False)


def rate(what: str, unit: str, peers: Sequence[Peer], act: Callable[[Peer], int], *, rounds: int) -> Row:
    """Measure how many things a second `act` (which returns their number) gets done, the peers in turn."""
    rates: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            started = time.perf_counter()
            count = act(peer)
            rates[peer.name].append(count / (time.perf_counter() - started))
            peer.settle()
    return Row(what, unit, {name: statistics.median(values) for name, values in rates.items()}, True)


def print_rows(title: str, rows: Sequence[Row]) -> None:
    """Print a table; the last column says how many times better the first peer is."""
    names = list(rows[0].figures)
    table = Table("what", *names, "unit", "times better", title=title)
    for row in rows:
        ratio = f"{row.ratio:.1f}" if row.ratio is not None else "-"
        table.add_row(row.what, *(f"{figure:,.2f}" for figure in row.figures.values()), row.unit, ratio)
    Console().print(table)
