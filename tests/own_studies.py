"""Each of pydicom's files that can be stored, in a study of its own: by themselves several share their UIDs."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from functools import cache

import pydicom
from pydicom.dataset import FileDataset

from tests.part10_files import in_own_study, uids
from tests.samples import Sample, is_deflated, samples
from tests.system import System

_WITHOUT_FRAMES = {
    "MR_truncated.dcm",  # its pixels end early
    "chrJapMulti.dcm",  # these describe an image, but have none
    "chrJapMultiExplicitIR6.dcm",
    "chrKoreanMulti.dcm",
}


@dataclass(frozen=True)
class Alone:
    """A file, byte for byte but for its UIDs, which are its own."""

    sample: Sample
    content: bytes
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str

    @property
    def name(self) -> str:
        return self.sample.name

    @property
    def uids(self) -> tuple[str, str, str]:
        """Its Study, Series and SOP Instance UID."""
        return self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid

    @property
    def header(self) -> FileDataset:
        """What pydicom reads in front of Pixel Data."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pydicom.dcmread(io.BytesIO(self.content), stop_before_pixels=True)
            found.decode()
        return found

    @property
    def has_frames(self) -> bool:
        """It has a picture, or several."""
        return "Rows" in self.header and self.name not in _WITHOUT_FRAMES

    @property
    def url(self) -> str:
        """Its path below /dicom-web."""
        return "studies/{}/series/{}/instances/{}".format(*self.uids)


@cache
def own_studies() -> tuple[Alone, ...]:
    """Return every file that is storable."""
    return tuple(_alone(sample, number) for number, sample in enumerate(filter(_is_storable, samples()), 1000))


def _is_storable(sample: Sample) -> bool:
    return sample.is_storable


def _alone(sample: Sample, number: int) -> Alone:
    content = sample.path.read_bytes()
    old = (sample.study_instance_uid, sample.series_instance_uid, sample.sop_instance_uid)
    if is_deflated(sample):
        return Alone(sample, in_own_study(content, number), *uids(number).values())
    new = [f"{uid[:-4]}{number}" for uid in old]
    for before, after in zip(old, new, strict=True):
        content = re.sub(re.escape(before.encode()) + rb"(?![0-9.])", after.encode(), content)
    return Alone(sample, content, *new)


def store_own_studies(system: System, wanted: tuple[Alone, ...]) -> None:
    """Store them, and return when they can be found."""
    for start in range(0, len(wanted), 20):
        answer = system.stow(*(one.content for one in wanted[start : start + 20]))
        assert answer.status_code == 200, answer.text
    system.wait_until_indexed()
