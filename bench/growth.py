"""Cost does not grow with the archive: queries by HTTP among 8,000, 100,000 and 1,000,000 studies. Prints Markdown.

``python -m bench.growth [--studies 8000 100000 1000000] [--mongodb]``: one study and one series of 250 slices are
stored as anybody would; what the catalog then has of the study is written to it again and again with other UIDs, names,
ids and dates (`bench.copies`). Each query answers with as many rows at every size.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from bench.copies import learn, write_mongodb, write_sqlite
from bench.dicomweb import BROWSER, SERIES, STUDY, Case, Client, fill, measure
from bench.peers import Peer
from bench.scale import DAYS, uid
from deploy.engines.mongod import Mongod
from radstream.backends import insist
from radstream.catalog.filters import EVERYTHING
from tests.engines import PROGRAMS, free_ports
from tests.system import System

LARGE = 250
ALLOWED = 1.3


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


def fill_up(system: System, size: int) -> None:
    """Store what is asked for, unless it is there already; the system runs afterwards."""
    system.start()
    peer = Peer("Radstream", "RADSTREAM", system.dimse_port, system.dicom_web, system.wait_until_quiet)
    fill(peer, 1, LARGE)
    there = system.ask(lambda backends: backends.catalog.count("studies", EVERYTHING)) - 1  # without the large one
    if there < size:
        copies = system.ask(lambda backends: learn(backends.catalog))
        system.stop()
        url = system.settings.engine_url("catalog")
        if url.startswith("mongodb://"):
            write_mongodb(url, copies, there + 1, size + 1)
        else:
            write_sqlite(Path(url) / "catalog.db", copies, there + 1, size + 1)
        system.ask(lambda backends: insist(backends.catalog.create_collections))
        system.start()


def compare(systems: Mapping[int, System], duration_s: float) -> list[list[float]]:
    """Return the milliseconds of each query in each of `systems`, by their sizes; they are asked in turn."""
    clients = [
        Client(Peer(f"{size}", "RADSTREAM", 0, system.dicom_web, lambda: None)) for size, system in systems.items()
    ]
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


def run(folder: Path, sizes: Sequence[int], mongod: Mongod | None, duration_s: float, *, is_filling: bool) -> None:
    systems: dict[int, System] = {}
    try:
        for size in sizes:
            catalog = {"RADSTREAM_CATALOG_URL": mongod.database_url(f"growth-{size}")} if mongod else {}
            systems[size] = System(folder / str(size), catalog)
            started_at = time.perf_counter()
            fill_up(systems[size], size)
            print(f"{size:,} studies after {time.perf_counter() - started_at:,.0f} s", file=sys.stderr, flush=True)
        if is_filling:
            return
        print_table("MongoDB" if mongod else "SQLite", sizes, compare(systems, duration_s))
    finally:
        for system in systems.values():
            system.stop()


def run_on_mongodb(folder: Path, sizes: Sequence[int], duration_s: float, *, is_filling: bool) -> None:
    """Run on a MongoDB that ends with the measurement; a replica set keeps its port."""
    folder.mkdir(parents=True, exist_ok=True)
    port = folder / "port"
    if not port.exists():
        port.write_text(str(free_ports(1)))
    mongod = Mongod(PROGRAMS, folder / "mongod", int(port.read_text()))
    mongod.install()
    mongod.start()
    try:
        run(folder, sizes, mongod, duration_s, is_filling=is_filling)
    finally:
        mongod.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, nargs="+", default=[8_000, 100_000, 1_000_000])
    parser.add_argument("--mongodb", action="store_true", help="the catalog is in MongoDB, not in SQLite")
    parser.add_argument("--folder", type=Path, help="where the archives are kept for the next run")
    parser.add_argument("--fill", action="store_true", help="make the archives in the folder, and measure nothing")
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it runs, not how fast")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="radstream-growth-") as name:
        folder, sizes = arguments.folder or Path(name), sorted(arguments.studies)
        duration_s = 0.1 if arguments.quick else 3.0
        if arguments.mongodb:
            run_on_mongodb(folder, sizes, duration_s, is_filling=arguments.fill)
        else:
            run(folder, sizes, None, duration_s, is_filling=arguments.fill)
    return 0


if __name__ == "__main__":
    sys.exit(main())
