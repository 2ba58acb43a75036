"""Which instance a data set is, and whether it is the one that was announced. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from radstream.contract.errors import RejectedInstance
from radstream.contract.events import Priority
from radstream.contract.uids import Uid, parse_uid

Door = Literal["dimse", "stow", "import"]

SOP_CLASS_UID: Final = 0x00080016
SOP_INSTANCE_UID: Final = 0x00080018
STUDY_INSTANCE_UID: Final = 0x0020000D
SERIES_INSTANCE_UID: Final = 0x0020000E

MISMATCH: Final = 0xA900
"""*Data Set does not match SOP Class* (PS3.4 B.2.3), also for an instance that is not the announced one."""


@dataclass(frozen=True)
class Origin:
    """How an instance comes in, and what its sender says about it.

    Parameters
    ----------
    door : {"dimse", "stow", "import"}
    transfer_syntax_uid : str
        Of the presentation context; empty where the file's meta group tells.
    sop_class_uid, sop_instance_uid : str or None
        Of the C-STORE command; the data set must have the same ones. None if nothing is announced.
    study_instance_uid : str or None
        Of the STOW-RS URL; the data set must have the same one. None if nothing is announced.
    """

    door: Door
    transfer_syntax_uid: str = ""
    calling_ae_title: str = ""
    priority: Priority = "routine"
    sop_class_uid: str | None = None
    sop_instance_uid: str | None = None
    study_instance_uid: str | None = None


@dataclass(frozen=True)
class Reference:
    """An instance as a SOP Instance Reference names it (PS3.3 table 10-11)."""

    sop_class_uid: Uid
    sop_instance_uid: Uid


@dataclass(frozen=True)
class Identity(Reference):
    """An instance with its place in the hierarchy."""

    study_instance_uid: Uid
    series_instance_uid: Uid


def reference_in(values: Mapping[int, bytes]) -> Reference:
    """Return the SOP Class and SOP Instance UID among the `values` of a header.

    Raises
    ------
    RejectedInstance
        With status 0xA900, if one of them is missing or no UID.
    """
    return Reference(_uid(values, SOP_CLASS_UID), _uid(values, SOP_INSTANCE_UID))


def identity_in(values: Mapping[int, bytes]) -> Identity:
    """Return the four UIDs among the `values` of a header; errors as `reference_in`."""
    reference = reference_in(values)
    return Identity(
        reference.sop_class_uid,
        reference.sop_instance_uid,
        _uid(values, STUDY_INSTANCE_UID),
        _uid(values, SERIES_INSTANCE_UID),
    )


def refuse_mismatch(origin: Origin, identity: Identity) -> None:
    """Raise `RejectedInstance` with status 0xA900 if `identity` is not what `origin` announced."""
    for keyword in ("sop_class_uid", "sop_instance_uid", "study_instance_uid"):
        announced = getattr(origin, keyword)
        if announced is not None and parse_uid(announced) != getattr(identity, keyword):
            raise RejectedInstance(f"the {keyword} of the data set is not the announced one", MISMATCH)


def _uid(values: Mapping[int, bytes], tag: int) -> Uid:
    return parse_uid(values.get(tag, b"").decode("ascii", "replace"))
