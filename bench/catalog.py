"""The catalog alone: what finding and writing take in a small archive and in a large one.

``python -m bench.catalog [--studies 20000 100000]`` fills a fresh catalog of one machine and prints medians.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from radstream.catalog.filters import EVERYTHING, And, Equals, In, Predicate, Range, Wildcard
from radstream.catalog.port import Catalog, PutEarliest, Set
from radstream.catalog.sqlite import SqliteCatalog

SURNAMES = ("Bauer", "Chen", "Dubois", "Evans", "Fischer", "Garcia", "Haddad", "Ivanova", "Jansen", "Kowalski")
MODALITIES = ("CT", "MR", "CR", "US")
DAYS = 7300
NEWEST_FIRST = ("-StudyDate", "-StudyTime")
FIELDS = ("qido", "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
PAGE = 101
BATCH = 500


def day(number: int) -> str:
    return f"{date(2006, 1, 1) + timedelta(days=number % DAYS):%Y%m%d}"


def study(number: int) -> PutEarliest:
    """One study of a patient of its own, about as large as a real one."""
    name = f"{SURNAMES[number % len(SURNAMES)]}^{number * 7919 % 1_000_003:07}".lower()
    document: dict[str, Any] = {
        "StudyInstanceUID": f"2.25.{number}",
        "patient_key": f"site\\main\\P{number:07}",
        "PatientID": f"P{number:07}",
        "PatientName": name,
        "PatientName_folded": [name],
        "PatientBirthDate": day(number * 31),
        "StudyDate": day(number),
        "StudyTime": f"{number % 86400:06}",
        "AccessionNumber": f"A{number:07}",
        "StudyDescription_folded": f"thorax {number % 500}",
        "ModalitiesInStudy": [MODALITIES[number % 4]],
        "NumberOfStudyRelatedSeries": 3,
        "NumberOfStudyRelatedInstances": 250,
        "is_complete": 1,
        "order": f"2026-01-01T00:00:00.{number:09}",
        "qido": b"q" * 1200,
        "attributes": b"a" * 3000,
    }
    return PutEarliest("studies", f"2.25.{number}", document)


def queries(count: int) -> dict[str, tuple[Predicate, int]]:
    """The predicate of each query, and how many of its documents are skipped."""
    middle = count // 2
    month = Range("StudyDate", day(middle), day(middle + 30))
    return {
        "PatientID": (Equals("PatientID", f"P{middle:07}"), 0),
        "AccessionNumber": (Equals("AccessionNumber", f"A{middle:07}"), 0),
        "StudyInstanceUID": (Equals("_id", f"2.25.{middle}"), 0),
        "50 StudyInstanceUIDs": (In("_id", [f"2.25.{number}" for number in range(middle, middle + 50)]), 0),
        "date range": (month, 0),
        "date range + modality": (And([month, Equals("ModalitiesInStudy", "MR")]), 0),
        "date range + name infix": (And([month, Wildcard("PatientName_folded", "*99*")]), 0),
        "name prefix, few": (Wildcard("PatientName_folded", "garcia^0001*"), 0),
        "name prefix, a tenth": (Wildcard("PatientName_folded", "garcia*"), 0),
        "name prefix + modality": (And([Wildcard("PatientName_folded", "g*"), Equals("ModalitiesInStudy", "US")]), 0),
        "modality": (Equals("ModalitiesInStudy", "CT"), 0),
        "name infix, many": (Wildcard("PatientName_folded", "*99*"), 0),
        "name infix, none": (Wildcard("PatientName_folded", "*zzq*"), 0),
        "first page": (EVERYTHING, 0),
        "page at offset 5,000": (EVERYTHING, 5000),
    }


async def median_ms(call: Callable[[int], Awaitable[Any]], rounds: int) -> float:
    times = []
    for turn in range(rounds):
        started = time.perf_counter()
        await call(turn)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


async def measure(catalog: Catalog, count: int) -> dict[str, float]:
    """Return the median milliseconds of everything in a catalog of `count` studies."""
    medians = {}
    for name, (where, skip) in queries(count).items():

        async def find(_turn: int, where: Predicate = where, skip: int = skip) -> None:
            await catalog.find("studies", where, fields=FIELDS, sort=NEWEST_FIRST, skip=skip, limit=PAGE)

        medians[f"find: {name}"] = await median_ms(find, 51)

    async def count_a_tenth(_turn: int) -> None:
        await catalog.count("studies", Wildcard("PatientName_folded", "garcia*"))

    async def store(turn: int) -> None:
        await catalog.apply([study(count + turn)])

    async def count_again(turn: int) -> None:
        await catalog.apply([Set("studies", f"2.25.{turn}", {"NumberOfStudyRelatedInstances": turn})])

    medians["count: name prefix, a tenth"] = await median_ms(count_a_tenth, 15)
    medians["apply: one new study"] = await median_ms(store, 200)
    medians["apply: one new number"] = await median_ms(count_again, 200)
    return medians


async def fill(catalog: Catalog, first: int, last: int) -> None:
    for start in range(first, last, BATCH):
        operations = [study(number) for number in range(start, min(start + BATCH, last))]
        await catalog.apply(operations)


async def run(sizes: Sequence[int]) -> Table:
    medians: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="radstream-catalog-") as name:
        catalog = SqliteCatalog(Path(name))
        await catalog.create_collections()
        filled = 0
        for size in sorted(sizes):
            await fill(catalog, filled, size)
            medians[size] = await measure(catalog, size)
            filled = size
        await catalog.close()
    table = Table("median ms", *(f"{size:,} studies" for size in medians))
    for what in medians[min(medians)]:
        table.add_row(what, *(f"{each[what]:.2f}" for each in medians.values()))
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, nargs="+", default=[20_000, 100_000])
    Console().print(asyncio.run(run(parser.parse_args().studies)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
