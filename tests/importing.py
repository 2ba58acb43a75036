"""Imports into an archive in memory, and discs to import."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from radstream.dicom.part10 import encode_meta
from radstream.settings import Settings
from services.command.importing import ImportSummary, import_paths
from tests.ingest_engines import Engines
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, Instance, make_instance


def part10(instance: Instance) -> bytes:
    return encode_meta(MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN) + instance.data_set


FILES = [part10(make_instance(1, number)) for number in range(1, 8)]


class Import:
    """Runs imports into one archive."""

    def __init__(self, home: Path) -> None:
        self.engines = Engines()
        self.home = home
        self.progress: list[tuple[int, int | None]] = []
        self.on_done: Callable[[int], None] = lambda _done: None

    async def __call__(self, *paths: Path, jobs: int = 3) -> ImportSummary:
        settings = Settings(home=self.home, publish_deadline_s=5)
        return await import_paths(
            self.engines.backends,
            settings,
            paths,
            on_progress=self.note,
            jobs=jobs,
        )

    def note(self, done: int, total: int | None) -> None:
        self.progress.append((done, total))
        self.on_done(done)

    @property
    def stored(self) -> list[bytes]:
        return sorted(self.engines.blobs.contents[key][0] for key in self.engines.blobs.keys("instances"))


def write(folder: Path, files: Sequence[bytes]) -> None:
    for number, content in enumerate(files):
        place = folder / f"S{number % 2}"
        place.mkdir(exist_ok=True)
        (place / f"IM{number}").write_bytes(content)


def make_zip(path: Path, files: Sequence[bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as zipped:
        for number, content in enumerate(files):
            zipped.writestr(f"../../etc/DOE^JOHN/IM{number}", content)
        zipped.mkdir("empty")
    return path


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "home" not in path.parts}
