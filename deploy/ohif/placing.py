"""The release of OHIF, unpacked, rewritten, minified and compressed into a folder that `api` serves."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from deploy.ohif.rewrites import is_needed, rewritten

CONFIGURATION: Final = Path(__file__).parent / "app-config.js"
_TEXTS: Final = {".html", ".js", ".css", ".json"}
_COMPRESSED: Final = {*_TEXTS, ".wasm", ".svg", ".jsonc"}
_SMALLEST_COMPRESSED_BYTES: Final = 1024


def place(release: Path, folder: Path, minifier: Path | None) -> None:
    """Make `folder` anew from the tarball `release`.

    Parameters
    ----------
    minifier : Path or None
        The program esbuild; without it the scripts stay as long as they come.

    Raises
    ------
    NothingToRewrite
        If this release is not like the one that the rewrites were made for.
    OSError
    """
    being_made = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(being_made, ignore_errors=True)
    being_made.mkdir(parents=True)
    _unpack(release, being_made)
    shutil.copy(CONFIGURATION, being_made / "app-config.js")
    for path in _files(being_made, _TEXTS):
        name, text = path.relative_to(being_made).as_posix(), path.read_text(encoding="utf-8")
        path.write_text(rewritten(name, text), encoding="utf-8")
    if minifier is not None:
        _minify(being_made, minifier)
    for path in _files(being_made, _COMPRESSED):
        if path.stat().st_size >= _SMALLEST_COMPRESSED_BYTES:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    shutil.rmtree(folder, ignore_errors=True)
    being_made.rename(folder)


def _files(folder: Path, suffixes: set[str]) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in suffixes)


def _unpack(release: Path, folder: Path) -> None:
    """Write the files of ``package/dist`` that are needed, and the licence, into `folder`."""
    with tarfile.open(release) as archive:
        for member in archive:
            name = member.name.removeprefix("package/dist/")
            if member.isfile() and name != member.name and is_needed(name):
                archive.extract(member.replace(name=name), folder, filter="data")
            elif member.name == "package/LICENSE":
                archive.extract(member.replace(name="LICENSE"), folder, filter="data")


def _minify(folder: Path, minifier: Path) -> None:
    """Minify the scripts that are not yet, each for itself: their names are known to one another."""
    scripts = [path for path in folder.glob("*.js") if not path.name.endswith(".min.js") and path.stem != "app-config"]
    command = [str(minifier), *map(str, scripts), "--minify", "--allow-overwrite", f"--outdir={folder}"]
    subprocess.run([*command, "--log-level=error"], check=True, capture_output=True, timeout=600)


def extract_program(tarball: Path, folder: Path) -> Path:
    """Return the program of esbuild's `tarball`, unpacked into `folder`."""
    with tarfile.open(tarball) as archive:
        archive.extract(archive.getmember("package/bin/esbuild").replace(name="esbuild"), folder, filter="data")
    return folder / "esbuild"
