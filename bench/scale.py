"""Cost does not grow with the archive: stores and queries in an empty one and among many studies.

``python -m bench.scale [--studies 20000]`` fills a fresh Radstream by STOW-RS, as anybody would, and prints medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import httpx2
from rich.console import Console
from rich.table import Table

from bench.__main__ import HEAD, STOW_HEADERS, TAIL
from bench.data import ct_slice
from tests.system import System

SURNAMES = ("Bauer", "Chen", "Dubois", "Evans", "Fischer", "Garcia", "Haddad", "Ivanova", "Jansen", "Kowalski")
MODALITIES = (b"CT", b"MR", b"CR", b"US")
DAYS = 7300
UID_DIGITS = 30


def uid(level: int, number: int) -> bytes:
    return f"2.25.{level}{number:0{UID_DIGITS}}".encode()


def day_of(number: int) -> str:
    """Return the Study Date of a study."""
    return f"{date(2006, 1, 1) + timedelta(days=number % DAYS):%Y%m%d}"


def name_of(number: int) -> str:
    """Return the name of the patient of a study."""
    return f"{SURNAMES[number % len(SURNAMES)]}^{number:07}"


def studies(first: int, count: int) -> Iterator[bytes]:
    """Yield studies of one tiny instance each, of patients of their own, made by replacing values where they stand."""
    template = ct_slice(uid(1, 0).decode(), uid(2, 0).decode(), 1, patient="P0000000", size=16)
    own_uid = next(_uids(template))
    for number in range(first, first + count):
        yield (
            template.replace(uid(1, 0), uid(1, number))
            .replace(uid(2, 0), uid(2, number))
            .replace(own_uid, uid(3, number).ljust(len(own_uid), b"0")[: len(own_uid)])
            .replace(b"Bench^P0000000", name_of(number).ljust(14)[:14].encode())
            .replace(b"P0000000", f"P{number:07}".encode())
            .replace(b"20260101", day_of(number).encode())
            .replace(b"\x08\x00\x60\x00CS\x02\x00CT", b"\x08\x00\x60\x00CS\x02\x00" + MODALITIES[number % 4])
        )


def _uids(template: bytes) -> Iterator[bytes]:
    """Yield the value of (0008,0018) SOP Instance UID."""
    at = template.index(b"\x08\x00\x18\x00UI")
    length = int.from_bytes(template[at + 6 : at + 8], "little")
    yield template[at + 8 : at + 8 + length].rstrip(b"\0")


def store(client: httpx2.Client, system: System, file: bytes) -> None:
    body = HEAD + file + TAIL
    client.post(f"{system.dicom_web}/studies", content=body, headers=STOW_HEADERS).raise_for_status()


def store_ms(system: System, first: int, count: int) -> float:
    """Return the median time of one store with one sender."""
    times = []
    with httpx2.Client(timeout=60) as client:
        for file in studies(first, count):
            started = time.perf_counter()
            store(client, system, file)
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def fill(system: System, first: int, count: int, senders: int = 4) -> None:
    share = -(-count // senders)

    def send(start: int) -> None:
        with httpx2.Client(timeout=60) as client:
            for file in studies(start, min(share, first + count - start)):
                store(client, system, file)

    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(send, range(first, first + count, share)))


def queries(count: int) -> dict[str, str]:
    wanted = count // 2
    day = date(2006, 1, 1) + timedelta(days=wanted % DAYS)
    return {
        "PatientID": f"studies?PatientID=P{wanted:07}",
        "AccessionNumber": f"studies?AccessionNumber=AP{wanted:07}",
        "date range + modality": f"studies?StudyDate={day:%Y%m%d}-{day + timedelta(days=30):%Y%m%d}"
        "&ModalitiesInStudy=MR&limit=100",
        "name prefix": "studies?PatientName=Garcia*&limit=100",
        "name infix": "studies?PatientName=*0123*&limit=100",
        f"page at offset {min(5000, wanted)}": f"studies?limit=100&offset={min(5000, wanted)}",
        "series of a study": f"studies/{uid(1, wanted).decode()}/series",
    }


def query_ms(system: System, path: str, rounds: int = 101) -> tuple[float, int]:
    """Return the median time of a query, and how many rows it answers."""
    times = []
    with httpx2.Client(timeout=60) as client:
        for _ in range(rounds):
            started = time.perf_counter()
            answer = client.get(f"{system.dicom_web}/{path}")
            times.append(time.perf_counter() - started)
            answer.raise_for_status()
    return statistics.median(times) * 1000, len(answer.json())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=20_000)
    count = parser.parse_args().studies
    table = Table("what", "median ms", "rows", title=f"Radstream with {count:,} studies")
    with tempfile.TemporaryDirectory(prefix="radstream-scale-") as name:
        system = System(Path(name) / "home").start()
        try:
            table.add_row("store, empty archive", f"{store_ms(system, 1, 300):.2f}", "")
            fill(system, 301, count - 300)
            system.wait_until_indexed(600)
            table.add_row(f"store, {count:,} studies", f"{store_ms(system, count + 1, 300):.2f}", "")
            system.wait_until_indexed(60)
            for what, path in queries(count).items():
                milliseconds, rows = query_ms(system, path)
                table.add_row(f"QIDO {what}", f"{milliseconds:.2f}", str(rows))
        finally:
            system.stop()
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
