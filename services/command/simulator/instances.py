"""From a plan to the bytes that a modality sends. Pure but for the time it takes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from radstream.contract.errors import UnsupportedInstance
from radstream.dimse.sop_classes import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from services.command.simulator.cr import SOP_CLASS_UID as CR
from services.command.simulator.cr import cr_instances
from services.command.simulator.ct import SOP_CLASS_UID as CT
from services.command.simulator.ct import ct_instances
from services.command.simulator.mr import SOP_CLASS_UID as MR
from services.command.simulator.mr import mr_instances
from services.command.simulator.plan import Modality, StudyPlan
from services.command.simulator.us import SOP_CLASS_UID as US
from services.command.simulator.us import us_instances

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
    transfer_syntax_uid : str
        Of the data set.
    """

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    data_set: bytes
    transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN
    priority: int = 0
    move_originator: None = None

    @property
    def sha256(self) -> str:
        """The SHA-256 of the data set's bytes."""
        return hashlib.sha256(self.data_set).hexdigest()

    async def open(self) -> AsyncIterator[bytes]:
        """Yield the data set."""
        yield self.data_set


async def to_implicit(instance: Instance, accepted: Collection[str]) -> Instance:
    """Return `instance` in Implicit VR Little Endian; `UnsupportedInstance` if that is not `accepted` either."""
    if IMPLICIT_VR_LITTLE_ENDIAN not in accepted:
        raise UnsupportedInstance("the peer takes neither Explicit nor Implicit VR Little Endian")
    data_set = encode(_decode(instance.data_set), is_implicit=True)
    return replace(instance, data_set=data_set, transfer_syntax_uid=IMPLICIT_VR_LITTLE_ENDIAN)


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
