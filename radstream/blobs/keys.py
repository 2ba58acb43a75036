"""Where a key lies in a folder: its last "/" becomes "~", so that an instance needs no folder of its own.

So folders never hold a "~" in their names, blobs always do, and neither can take the other's place::

    main/instances/1.2/1.3/1.4/<sha256>.dcm  ->  main/instances/1.2/1.3/1.4~<sha256>.dcm
    marker                                   ->  ~marker
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

# Printable ASCII without "/", "\" and "~"; never hidden, which also excludes "." and "..". Two of them and the "~"
# make at most the 255 bytes that file systems allow.
_COMPONENT = re.compile(r"(?!\.)[!-.0-\[\]-}]{1,127}")
_LONGEST_KEY = 1024  # S3's limit too


class InvalidKey(ValueError):
    """A key that no blob can have; the text does not repeat it."""


def to_path(key: str) -> str:
    """Return the path of a blob, relative to the store's folder.

    Raises
    ------
    InvalidKey
        If `key` is longer than 1024 characters, has an empty or hidden component (so no ".."), one longer than 127
        characters, or anything but printable ASCII without space, backslash and "~".
    """
    parts = key.split("/")
    if len(key) > _LONGEST_KEY or not all(_COMPONENT.fullmatch(part) for part in parts):
        raise InvalidKey("not the key of a blob")
    *folders, holder, name = parts if len(parts) > 1 else ("", *parts)
    return "/".join((*folders, f"{holder}~{name}"))


def to_key(path: str) -> str:
    """Return the key whose relative path is `path`."""
    return path.replace("~", "/").lstrip("/")


def walk(root: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield key and status of every blob whose key starts with `prefix`, in any order.

    Only the folders on the way to the current one are open, so memory does not grow with the store. What is deleted
    meanwhile is passed over.

    Parameters
    ----------
    prefix : str
        Ends with "/", or is empty for all.

    Raises
    ------
    InvalidKey
        If `prefix` is not the start of a key.
    """
    if not prefix:
        yield from _walk_folder(root, "")
        return
    if not prefix.endswith("/"):
        raise InvalidKey("a prefix ends with '/'")
    to_path(prefix.removesuffix("/"))  # raises if it is none
    folder, _, holder = prefix.removesuffix("/").rpartition("/")
    yield from _walk_folder(root, prefix)
    yield from _files(root, folder and f"{folder}/", f"{holder}~")


def _walk_folder(root: Path, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what lies in `folder` ("" or ending with "/") and below; hidden folders are not part of the store."""
    for entry in _entries(root / folder):
        if "~" in entry.name:
            yield from _described(entry, folder)
        elif not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
            yield from _walk_folder(root, f"{folder}{entry.name}/")


def _files(root: Path, folder: str, start: str) -> Iterator[tuple[str, os.stat_result]]:
    for entry in _entries(root / folder):
        if entry.name.startswith(start):
            yield from _described(entry, folder)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return


def _described(entry: os.DirEntry[str], folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        yield to_key(f"{folder}{entry.name}"), entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
