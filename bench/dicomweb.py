"""DICOMweb beside Orthanc, in turn in one run: `make bench-dicomweb` (ARGS="--quick" for a short one). Prints Markdown.

Both have the same data: one CT series of 250 slices (132 MB) and 8,000 small studies. Medians of requests that are made
one after another, Radstream's and Orthanc's in turn, by the client of `bench.connection`, which both are given alike.
What a query answers is compared too: as many rows of each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

import httpx2
import zstandard

from bench.__main__ import HEAD, STOW_HEADERS, TAIL
from bench.connection import Answer, Connection
from bench.data import ct_slice
from bench.peers import Orthanc, Peer, Radstream
from bench.scale import DAYS, studies

STUDY, SERIES = "2.25.71", "2.25.72"
"""UIDs of the large series."""

BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}
PLAIN = {"Accept-Encoding": "identity"}
PART_10 = PLAIN | {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
OCTETS = PLAIN | {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}
STORED_TOGETHER = 50
TURN, FEWEST, MOST = 5, 5, 300
"""Requests in a row to one peer; how many are measured in all."""


@dataclass(frozen=True)
class Case:
    """One kind of request.

    Parameters
    ----------
    goal : float
        How many times faster than Orthanc it is to be; 0 if nothing is promised.
    is_query : bool
        Both must answer with as many rows.
    is_fresh : bool
        On a connection of its own.
    is_bulk : bool
        So long that MB/s are what counts.
    """

    what: str
    path: str
    goal: float = 0
    headers: dict[str, str] | None = None
    is_query: bool = False
    is_fresh: bool = False
    is_bulk: bool = False


def cases(count: int, slices: int) -> Iterator[Case]:
    """Yield what is measured among `count` studies and a series of `slices`."""
    wanted = count // 2
    day = date(2006, 1, 1) + timedelta(days=wanted % DAYS)
    month = f"{day:%Y%m%d}-{day + timedelta(days=30):%Y%m%d}"
    offset = 5000 if count > 5100 else wanted
    queries = {
        "Patient ID": f"studies?PatientID=P{wanted:07}",
        "name prefix": "studies?PatientName=Garcia*&limit=100",
        "name infix": "studies?PatientName=*0123*&limit=100",
        "date range + modality": f"studies?StudyDate={month}&ModalitiesInStudy=MR&limit=100",
        "Accession Number": f"studies?AccessionNumber=AP{wanted:07}",
        f"page at offset {offset:,}": f"studies?limit=100&offset={offset}",
        f"{slices} instances of a series": f"studies/{STUDY}/series/{SERIES}/instances",
    }
    for what, path in queries.items():
        yield Case(f"QIDO {what}", path, 20, BROWSER, is_query=True)
    yield Case("QIDO Patient ID, fresh connection", queries["Patient ID"], 0, BROWSER, is_query=True, is_fresh=True)
    series = f"studies/{STUDY}/series/{SERIES}"
    instance = f"{series}/instances/{instance_uid(slices // 2)}"
    yield Case(f"metadata of {slices} instances", f"{series}/metadata", 25, BROWSER)
    yield Case(f"metadata of {slices} instances, not compressed", f"{series}/metadata", 0, PLAIN)
    yield Case("one frame", f"{instance}/frames/1", 4, OCTETS)
    yield Case("one frame, fresh connection", f"{instance}/frames/1", 0, OCTETS, is_fresh=True)
    yield Case("one instance", instance, 1.5, PART_10)
    yield Case("one instance, fresh connection", instance, 0, PART_10, is_fresh=True)
    yield Case("whole study", f"studies/{STUDY}", 2, PART_10, is_bulk=True)


def instance_uid(number: int) -> str:
    return f"{SERIES}.{number}"


def fill(peer: Peer, count: int, slices: int) -> None:
    """Store what is measured, unless it is there already."""
    large = (ct_slice(STUDY, SERIES, number, sop_instance_uid=instance_uid(number)) for number in range(1, slices + 1))
    with httpx2.Client(timeout=300) as client:
        if client.get(f"{peer.dicom_web}/studies?limit=1").json():
            return
        for files in (large, studies(1, count)):
            while together := list(islice(files, STORED_TOGETHER)):
                body = b"\r\n".join(HEAD + file for file in together) + TAIL
                client.post(f"{peer.dicom_web}/studies", content=body, headers=STOW_HEADERS).raise_for_status()
    peer.settle()


class Client:
    """Asks one peer."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._kept = Connection(peer.dicom_web)

    def ask(self, case: Case, *, keep: bool = True) -> tuple[float, Answer]:
        """Return how many seconds the answer took, the connection included if it is a fresh one."""
        self._kept.renew()
        started_at = time.perf_counter()
        if case.is_fresh:
            with Connection(self.peer.dicom_web) as connection:
                answer = connection.get(case.path, case.headers or {}, keep=keep)
        else:
            answer = self._kept.get(case.path, case.headers or {}, keep=keep)
        took_s = time.perf_counter() - started_at
        if answer.status != 200:
            raise RuntimeError(f"{self.peer.name} answers {answer.status} to {case.path}")
        return took_s, answer

    def close(self) -> None:
        self._kept.close()


def measure(asked: Sequence[tuple[Client, Case]], duration_s: float) -> list[float]:
    """Return the median of each client with its request: milliseconds, or MB/s.

    The clients take turns of `TURN` requests each, as a page or a viewer makes several in a row.

    Raises
    ------
    RuntimeError
        If an answer is no success, or queries do not find as many rows.
    """
    answers = [client.ask(case)[1] for client, case in asked]
    is_bulk = asked[0][1].is_bulk
    if asked[0][1].is_query:
        _compare(asked, answers)
    times: list[list[float]] = [[] for _ in asked]
    until = time.perf_counter() + duration_s
    while len(times[0]) < MOST and (len(times[0]) < FEWEST or time.perf_counter() < until):
        for (client, case), own in zip(asked, times, strict=True):
            own += [client.ask(case, keep=not is_bulk)[0] for _ in range(1 if is_bulk else TURN)]
    medians = [statistics.median(own) for own in times]
    if is_bulk:
        return [answer.size_bytes / median / 1e6 for answer, median in zip(answers, medians, strict=True)]
    return [median * 1000 for median in medians]


def _compare(asked: Sequence[tuple[Client, Case]], answers: Iterable[Answer]) -> None:
    rows = [len(json.loads(_decoded(answer))) for answer in answers]
    if len(set(rows)) != 1 or not all(rows):
        raise RuntimeError(f"not as many rows: {asked[0][1].what}: {rows}")


def _decoded(answer: Answer) -> bytes:
    encodings: dict[str, Callable[[bytes], bytes]] = {
        "": bytes,
        "gzip": lambda data: zlib.decompress(data, wbits=31),
        "deflate": zlib.decompress,
        "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    }
    return encodings[answer.headers.get("content-encoding", "")](answer.body)


def print_row(case: Case, figures: Sequence[float]) -> None:
    unit = "MB/s" if case.is_bulk else "ms"
    cells = [f"{figure:,.0f} {unit}" if case.is_bulk else f"{figure:,.2f} {unit}" for figure in figures]
    if len(figures) == 2:
        ratio = figures[0] / figures[1] if case.is_bulk else figures[1] / figures[0]
        goal = f"{case.goal:g}" if case.goal else ""
        met = ("yes" if ratio >= case.goal else "**no**") if case.goal else ""
        cells += [f"{ratio:.1f}", goal, met]
    print(f"| {case.what} | {' | '.join(cells)} |", flush=True)


def compare(peers: Sequence[Peer], count: int, slices: int, duration_s: float) -> None:
    """Measure all cases and print a table."""
    for peer in peers:
        fill(peer, count, slices)
    with ExitStack() as stack:
        clients = [Client(peer) for peer in peers]
        for client in clients:
            stack.callback(client.close)
        print(f"\n### {count:,} studies, and a CT series of {slices} slices\n")
        print(f"| request | {' | '.join(peer.name for peer in peers)} | times better | wanted | met |")
        print(f"|---|{'---:|' * (len(peers) + 2)}---|")
        for case in cases(count, slices):
            print_row(case, measure([(client, case) for client in clients], duration_s))


def run(folder: Path, count: int, slices: int, duration_s: float) -> None:
    systems: list[Radstream | Orthanc] = [Radstream(folder)]
    if Orthanc.is_installed():
        systems.append(Orthanc(folder))
    try:
        compare([system.start() for system in systems], count, slices, duration_s)
    finally:
        for system in systems:
            system.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it runs, not how fast")
    parser.add_argument("--folder", type=Path, help="where the archives are kept for the next run")
    arguments = parser.parse_args()
    size = (200, 20, 0.1) if arguments.quick else (8000, 250, 5.0)
    if not Orthanc.is_installed():
        print("*** Orthanc is not installed: its column is missing and there are no ratios.", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="radstream-bench-") as name:
        run(arguments.folder or Path(name), *size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
