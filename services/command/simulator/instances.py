"""From a plan to the bytes that a modality sends. Pure but for the time it takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from services.command.simulator.cr import SOP_CLASS_UID as CR
from services.command.simulator.cr import cr_instances
from services.command.simulator.ct import SOP_CLASS_UID as CT
from services.command.simulator.ct import ct_instances
from services.command.simulator.mr import SOP_CLASS_UID as MR
from services.command.simulator.mr import mr_instances
from services.command.simulator.plan import Modality, StudyPlan
from services.command.simulator.us import SOP_CLASS_UID as US
from services.command.simulator.us import us_instances

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"

SOP_CLASS_UIDS: Final[dict[Modality, str]] = {"CT": CT, "MR": MR, "CR": CR, "US": US}

_MAKERS: Final[dict[Modality, Callable[[StudyPlan], Iterator[Dataset]]]] = {
    "CT": ct_instances,
    "MR": mr_instances,
    "CR": cr_instances,
    "US": us_instances,
}


@dataclass(frozen=True)
class Instance:
    """An instance ready to be sent.

    Parameters
    ----------
    data_set : bytes
        In Explicit VR Little Endian.
    """

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    data_set: bytes

    def encoded(self, transfer_syntax_uid: str) -> tuple[bytes, str]:
        """Return the data set in one of the two uncompressed little endian syntaxes, and the SHA-256 of its bytes."""
        is_implicit = transfer_syntax_uid == IMPLICIT_VR_LITTLE_ENDIAN
        data_set = encode(_decode(self.data_set), is_implicit=True) if is_implicit else self.data_set
        return data_set, hashlib.sha256(data_set).hexdigest()


def make_instances(plan: StudyPlan) -> Iterator[Instance]:
    """Yield the instances of a study; equal plans give equal bytes."""
    for ds in _MAKERS[plan.modality](plan):
        yield Instance(str(ds.SOPClassUID), str(ds.SOPInstanceUID), plan.study_instance_uid, encode(ds))


def encode(ds: Dataset, *, is_implicit: bool = False) -> bytes:
    """Return `ds` in Explicit or Implicit VR Little Endian (PS3.5 A.1, A.2)."""
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, is_implicit
    write_dataset(buffer, ds)
    return bytes(buffer.getvalue())


def _decode(data_set: bytes) -> Dataset:
    return read_dataset(DicomBytesIO(data_set), is_implicit_VR=False, is_little_endian=True)
