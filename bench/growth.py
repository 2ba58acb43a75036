"""Cost does not grow with the archive: queries by HTTP among 8,000, 100,000 and 1,000,000 studies. Prints Markdown.

``python -m bench.growth [--studies 8000 100000 1000000] [--mongodb]``: one study and one series of 250 slices are
stored as anybody would; what the catalog then has of the study is written to it again and again with other UIDs, names,
ids and dates. Each query answers with as many rows at every size.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.dicomweb import BROWSER, SERIES, STUDY, Case, Client, fill, measure
from bench.peers import Peer
from bench.scale import DAYS, MODALITIES, day_of, name_of, uid
from deploy.engines.mongod import Mongod
from radstream.backends import open_backends
from radstream.catalog.filters import EVERYTHING, Equals
from radstream.catalog.port import Catalog, Put
from radstream.contract.documents import COLLECTIONS, Collection
from tests.engines import PROGRAMS, free_ports
from tests.system import System

TOGETHER = 500
LARGE = 250
COPIED = ("patients", "studies", "series", "instances")
ALLOWED = 1.3

Document = Mapping[str, Any]


def queries(count: int) -> Iterator[Case]:
    """Yield what is asked among `count` studies; a query finds as many rows in 8,000 as in a million."""
    middle = count // 2
    day = date(2006, 1, 1) + timedelta(days=middle % DAYS)
    season = f"{day:%Y%m%d}-{day + timedelta(days=150):%Y%m%d}"
    asked = {
        "Patient ID": f"studies?PatientID=P{middle:07}",
        "Accession Number": f"studies?AccessionNumber=AP{middle:07}",
        "name prefix, 25 of a tenth": "studies?PatientName=Garcia*&limit=25",
        "name infix, one": f"studies?PatientName=*^{middle:07}*&limit=10",
        "name infix, 10 of ever more": "studies?PatientName=*0123*&limit=10",
        "date range + modality, 25": f"studies?StudyDate={season}&ModalitiesInStudy=MR&limit=25",
        "page of 25 at offset 5,000": "studies?limit=25&offset=5000",
        f"page of 25 at offset {middle:,}, the middle": f"studies?limit=25&offset={middle}",
        "series of a study": f"studies/{uid(1, middle).decode()}/series",
        f"{LARGE} instances of a series": f"studies/{STUDY}/series/{SERIES}/instances",
    }
    for what, path in asked.items():
        yield Case(f"QIDO {what}", path, headers=BROWSER, is_query=True)
    yield Case(f"metadata of {LARGE} instances", f"studies/{STUDY}/series/{SERIES}/metadata", headers=BROWSER)


class Copies:
    """Writes studies like the first one into a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._templates: list[tuple[Collection, Document, list[str]]] = []

    async def learn(self) -> None:
        """Read what the catalog has of study number 1."""
        study = uid(1, 1).decode()
        for collection in COLLECTIONS:
            if collection.name in COPIED:
                fields = [field.name for field in collection.fields]
                where = Equals("PatientID", "P0000001")
                if collection.name != "patients":
                    where = Equals("StudyInstanceUID", study)
                (template,) = await self._catalog.find(collection.name, where, fields=fields)
                varying = [name for name, value in template.items() if _changed(value, _changes(0)) != value]
                self._templates.append((collection, template, varying))

    async def write(self, first: int, last: int) -> None:
        for start in range(first, last, TOGETHER):
            numbers = range(start, min(start + TOGETHER, last))
            await self._catalog.apply([copy for number in numbers for copy in self._copies(number)])

    def _copies(self, number: int) -> Iterator[Put]:
        changes = _changes(number)
        for collection, template, varying in self._templates:
            copy = {**template, **{name: _changed(template[name], changes) for name in varying}}
            yield Put(collection.name, copy.pop("_id"), copy)


def _changes(number: int) -> list[tuple[str, str]]:
    """Return the texts that tell study number 1 from others, and those of study `number`."""
    return [
        *((uid(level, 1).decode(), uid(level, number).decode()) for level in (1, 2, 3)),
        (name_of(1), name_of(number)),
        (name_of(1).lower(), name_of(number).lower()),
        ("P0000001", f"P{number:07}"),
        (day_of(1), day_of(number)),
        (MODALITIES[1].decode(), MODALITIES[number % 4].decode()),
    ]


def _changed(value: Any, changes: Sequence[tuple[str, str]]) -> Any:
    """Return `value` with the texts that tell the study from others replaced."""
    if isinstance(value, list):
        return [_changed(element, changes) for element in value]
    if isinstance(value, str):
        for old, new in changes:
            value = value.replace(old, new)
    elif isinstance(value, bytes):
        for old, new in changes:
            value = value.replace(old.encode(), new.encode())
    return value


async def fill_up(system: System, size: int) -> None:
    """Store what is asked for, unless it is there already."""
    peer = Peer("Radstream", "RADSTREAM", system.dimse_port, system.dicom_web, system.wait_until_quiet)
    await asyncio.to_thread(fill, peer, 1, LARGE)
    async with open_backends(system.settings) as backends:
        there = await backends.catalog.count("studies", EVERYTHING) - 1  # without the one of the large series
        if there < size:
            copies = Copies(backends.catalog)
            await copies.learn()
            await copies.write(there + 1, size + 1)


def compare(systems: Mapping[int, System], duration_s: float) -> list[list[float]]:
    """Return the milliseconds of each query in each of `systems`, by their sizes; they are asked in turn."""
    clients = []
    for size, system in systems.items():
        started_at = time.perf_counter()
        asyncio.run(fill_up(system, size))
        print(f"{size:,} studies after {time.perf_counter() - started_at:,.0f} s", file=sys.stderr, flush=True)
        clients.append(Client(Peer(f"{size}", "RADSTREAM", 0, system.dicom_web, lambda: None)))
    try:
        rows = zip(*map(queries, systems), strict=True)
        return [measure(list(zip(clients, row, strict=True)), duration_s) for row in rows]
    finally:
        for client in clients:
            client.close()


def print_table(engine: str, sizes: Sequence[int], figures: Sequence[Sequence[float]]) -> None:
    print(f"\n### {engine}: milliseconds, and times of what the first takes\n")
    print("| request |" + "".join(f" {size:,} studies |" for size in sizes) + f" within {ALLOWED} |")
    print("|---|" + "---:|" * len(sizes) + "---|")
    for case, row in zip(queries(sizes[0]), figures, strict=True):
        cells = [f"{row[0]:.2f}", *(f"{figure:.2f} ({figure / row[0]:.2f})" for figure in row[1:])]
        met = "yes" if max(row) <= ALLOWED * row[0] else "**no**"
        print(f"| {case.what.replace(f'{sizes[0] // 2:,}, ', '')} | {' | '.join(cells)} | {met} |")


def run(folder: Path, sizes: Sequence[int], mongod: Mongod | None, duration_s: float) -> None:
    systems: dict[int, System] = {}
    try:
        for size in sizes:
            catalog = {"RADSTREAM_CATALOG_URL": mongod.database_url(f"growth-{size}")} if mongod else {}
            systems[size] = System(folder / str(size), catalog).start()
        print_table("MongoDB" if mongod else "SQLite", sizes, compare(systems, duration_s))
    finally:
        for system in systems.values():
            system.stop()


def run_on_mongodb(folder: Path, sizes: Sequence[int], duration_s: float) -> None:
    """Run on a MongoDB that ends with the measurement; a replica set keeps its port."""
    folder.mkdir(parents=True, exist_ok=True)
    port = folder / "port"
    if not port.exists():
        port.write_text(str(free_ports(1)))
    mongod = Mongod(PROGRAMS, folder / "mongod", int(port.read_text()))
    mongod.install()
    mongod.start()
    try:
        run(folder, sizes, mongod, duration_s)
    finally:
        mongod.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, nargs="+", default=[8_000, 100_000, 1_000_000])
    parser.add_argument("--mongodb", action="store_true", help="the catalog is in MongoDB, not in SQLite")
    parser.add_argument("--folder", type=Path, help="where the archives are kept for the next run")
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it runs, not how fast")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="radstream-growth-") as name:
        folder, sizes = arguments.folder or Path(name), sorted(arguments.studies)
        duration_s = 0.1 if arguments.quick else 3.0
        if arguments.mongodb:
            run_on_mongodb(folder, sizes, duration_s)
        else:
            run(folder, sizes, None, duration_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
