"""Pydicom's own test files, and what they are by pydicom's reading: the oracle of the end-to-end tests."""

from __future__ import annotations

import importlib.util
import re
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

_FOLDERS = ("test_files", "charset_files")
_WITHOUT_END = {"rtplan_truncated.dcm"}  # ends inside an element of its header
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")


@dataclass(frozen=True)
class Sample:
    """A file, and what pydicom sees in it.

    Parameters
    ----------
    data_set : bytes
        What follows the meta group; empty if this is no Part 10 file.
    """

    path: Path
    data_set: bytes
    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_storable(self) -> bool:
        """All four UIDs are there, the file says what it is, and its header is whole."""
        uids = (self.sop_class_uid, self.sop_instance_uid, self.study_instance_uid, self.series_instance_uid)
        is_whole = bool(self.data_set) and self.name not in _WITHOUT_END
        return is_whole and all(len(uid) <= 64 and _UID.fullmatch(uid) for uid in uids)


def _paths() -> list[Path]:
    data = Path(pydicom.__file__).parent / "data"
    folders = [data / name for name in _FOLDERS]
    extra = importlib.util.find_spec("data_store")
    if extra is not None and extra.submodule_search_locations:
        folders += [Path(location) / "data" for location in extra.submodule_search_locations]
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())


def data_set_of(part10: bytes) -> bytes:
    """Return what follows the meta group of a Part 10 file, by pydicom's reading of the group's length."""
    if part10[128:132] != b"DICM":
        return b""
    length = int.from_bytes(part10[140:144], "little")
    return part10[144 + length :]


def _read(path: Path) -> Sample | None:
    content = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ds: FileDataset = pydicom.dcmread(path, stop_before_pixels=True)
            uids = [
                str(ds.get(keyword) or "")
                for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
            ]
            syntax = str(ds.file_meta.get("TransferSyntaxUID", ""))
        except (pydicom.errors.InvalidDicomError, AttributeError, OSError, ValueError, NotImplementedError):
            return None
    return Sample(path, data_set_of(content) if syntax else b"", syntax, *uids)


@cache
def samples() -> tuple[Sample, ...]:
    """Return every file of pydicom's test data that pydicom itself can read."""
    return tuple(sample for sample in map(_read, _paths()) if sample is not None)


def is_deflated(sample: Sample) -> bool:
    return sample.transfer_syntax_uid == DeflatedExplicitVRLittleEndian
