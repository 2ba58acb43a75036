"""The files that a DICOMDIR refers to (PS3.3 F, PS3.10 8), never outside of the folder it lies in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any, Final

from radstream.contract.errors import RejectedInstance
from radstream.dicom.json import read_header
from radstream.dicom.part10 import parse_meta
from services.command.sources.findings import HEAD_BYTES, Flaw, is_part10

MEDIA_STORAGE_DIRECTORY: Final = "1.2.840.10008.1.3.10"
"""The SOP class of a DICOMDIR (PS3.4 I.4): a table of contents, no instance."""

SIZE_LIMIT_BYTES: Final = 64 << 20

_OUTSIDE: Final = Flaw("a DICOMDIR refers to a file outside of its folder")
_MISSING: Final = Flaw("a file that a DICOMDIR refers to is missing")

_DIRECTORY_RECORD_SEQUENCE: Final = "00041220"
_REFERENCED_FILE_ID: Final = "00041500"


def is_dicomdir(head: bytes) -> bool:
    """Tell whether a file that starts with `head` is a DICOMDIR, whatever its name."""
    if not is_part10(head):
        return False
    try:
        meta = parse_meta(head[:HEAD_BYTES])
    except RejectedInstance:
        return False
    return meta is not None and meta.media_storage_sop_class_uid == MEDIA_STORAGE_DIRECTORY


def references(path: Path) -> Iterator[Path | Flaw]:
    """Yield the files that the DICOMDIR at `path` refers to, and a flaw for each that is not there."""
    try:
        file_ids = _file_ids(path)
    except (OSError, RejectedInstance):
        yield Flaw("a DICOMDIR cannot be read")
        return
    root = path.parent.resolve()
    for file_id in file_ids:
        yield _resolve(root, file_id)


def _file_ids(path: Path) -> list[list[str]]:
    """Return the Referenced File IDs (0004,1500) of all directory records, each as its components."""
    if path.stat().st_size > SIZE_LIMIT_BYTES:
        raise RejectedInstance("a DICOMDIR is too long")
    content = path.read_bytes()
    meta = parse_meta(content)
    if meta is None:
        raise RejectedInstance("a DICOMDIR ends in its meta group")
    header = read_header(content[meta.data_set_offset :], meta.transfer_syntax_uid)
    if "truncated" in header.flags:
        raise RejectedInstance("a DICOMDIR ends early")
    records: list[dict[str, Any]] = header.attributes.get(_DIRECTORY_RECORD_SEQUENCE, {}).get("Value", [])
    file_ids = (record.get(_REFERENCED_FILE_ID, {}).get("Value") for record in records if record)
    return [[str(component or "") for component in file_id] for file_id in file_ids if file_id]


def _resolve(root: Path, file_id: list[str]) -> Path | Flaw:
    """Return the file below `root`; the components of `file_id` come from the medium and may be anything."""
    if any(component in ("", ".", "..") or set(component) & set("/\\:\0") for component in file_id):
        return _OUTSIDE
    try:
        path = reduce(_child, file_id, root)
        if not path.resolve().is_relative_to(root):
            return _OUTSIDE
        return path if path.is_file() else _MISSING
    except (OSError, ValueError, RuntimeError):  # too long, not encodable, links in a circle
        return _MISSING


def _child(folder: Path, name: str) -> Path:
    """Return the entry `name` of `folder`, in the spelling that the medium was mounted with (small letters, ``;1``)."""
    exact = folder / name
    if exact.exists() or not folder.is_dir():
        return exact
    folded = name.casefold()
    return next((entry for entry in folder.iterdir() if entry.name.split(";")[0].casefold() == folded), exact)
