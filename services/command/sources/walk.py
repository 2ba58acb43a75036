"""The search through what the operator named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from services.command.sources.archive import count_members, find_in_archive, is_archive
from services.command.sources.dicomdir import is_dicomdir, references
from services.command.sources.findings import Finding, Flaw, read_head, source_of


def find(path: Path) -> Iterator[Finding]:
    """Yield everything in a folder and below, or in one file.

    A DICOMDIR that is named itself stands for the files it refers to. In a folder all files are found without it, so
    there it only tells which ones are missing.
    """
    if not path.is_dir():
        yield from _find_in_named_file(path)
        return
    for item in _regular_files(path):
        if isinstance(item, Flaw):
            yield item
        else:
            yield from _find_in_file(item, read_head(item))


def count(path: Path) -> int:
    """Return about how much `find` yields, cheaply: only what is called ``.zip`` is opened."""
    items = _regular_files(path) if path.is_dir() else iter([path])
    return sum(count_members(item) if _is_called_zip(item) else 1 for item in items)


def _find_in_named_file(path: Path) -> Iterator[Finding]:
    head = read_head(path)
    if head is None or not is_dicomdir(head):
        yield from _find_in_file(path, head)
        return
    for reference in references(path):
        if isinstance(reference, Flaw):
            yield reference
        else:
            yield source_of(reference)


def _find_in_file(path: Path, head: bytes | None) -> Iterator[Finding]:
    if head is None:
        yield Flaw("a file cannot be read")
    elif is_archive(head):
        yield from find_in_archive(path)
    else:
        yield source_of(path)
        if is_dicomdir(head):
            yield from (reference for reference in references(path) if isinstance(reference, Flaw))


def _regular_files(root: Path) -> Iterator[Path | Flaw]:
    """Yield the regular files below `root` in the order of names; links that lead out of it are passed over."""
    flaws: list[Flaw] = []
    real_root = root.resolve()
    for folder, folders, files in os.walk(root, onerror=lambda _: flaws.append(Flaw("a folder cannot be read"))):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            if _is_regular(path) and (not path.is_symlink() or path.resolve().is_relative_to(real_root)):
                yield path
    yield from flaws


def _is_called_zip(item: Path | Flaw) -> TypeGuard[Path]:
    return isinstance(item, Path) and item.suffix.casefold() == ".zip"


def _is_regular(path: Path) -> bool:
    """Tell whether `path` may be opened: a pipe would be waited for, a device read, for ever."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
