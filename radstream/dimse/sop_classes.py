"""SOP classes and transfer syntaxes as UIDs (PS3.6 Annex A), from the tables of pynetdicom and pydicom."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pydicom.uid import UID_dictionary
from pynetdicom import ALL_TRANSFER_SYNTAXES as _PYNETDICOM_TRANSFER_SYNTAXES
from pynetdicom import AllStoragePresentationContexts

VERIFICATION: Final = "1.2.840.10008.1.1"

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"

UNCOMPRESSED_TRANSFER_SYNTAXES: Final = frozenset(
    {IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN}
)
"""What identifiers and other data sets without pixels are sent in."""

_STORAGE_BRANCH: Final = "1.2.840.10008.5.1.4.1.1."

STORAGE_SOP_CLASSES: Final = frozenset(str(context.abstract_syntax) for context in AllStoragePresentationContexts) | {
    # pynetdicom knows no retired ones, but old devices send them; below this branch everything is stored.
    uid
    for uid, (name, kind, *_) in UID_dictionary.items()
    if kind == "SOP Class" and "Storage" in name and uid.startswith(_STORAGE_BRANCH)
}
"""Every storage SOP class of the Standard, retired ones included (PS3.4 B.5)."""

ALL_TRANSFER_SYNTAXES: Final = frozenset(str(uid) for uid in _PYNETDICOM_TRANSFER_SYNTAXES) | {
    # Retired ones and the latest: what is stored as received need not be understood.
    uid
    for uid, (_, kind, *_) in UID_dictionary.items()
    if kind == "Transfer Syntax" and not uid.startswith("1.2.840.10008.1.2.6") and uid != "1.2.840.10008.1.20"
}
"""Every transfer syntax that a data set may be stored in; without those that are no data set (XML, MIME, Papyrus)."""


class StorageSopClasses:
    """The storage SOP classes of the Standard, and private ones.

    Parameters
    ----------
    private : collection of str
        Their UIDs; "*" stands for every UID outside the Standard's own root.
    """

    def __init__(self, private: Collection[str] = ()) -> None:
        self._known = STORAGE_SOP_CLASSES | frozenset(private)
        self._takes_any_private = "*" in self._known

    def __contains__(self, uid: object) -> bool:
        return uid in self._known or (
            self._takes_any_private and isinstance(uid, str) and not uid.startswith("1.2.840.10008.")
        )
