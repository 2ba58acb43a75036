"""A DICOMDIR for files that are listed, made from their DICOM JSON without looking into them.

Patients, studies, series, and for each file a record of the kind that its SOP class asks for. Texts are in UTF-8.

References
----------
PS3.3 F Basic Directory Information Object; PS3.10 8.6 DICOMDIR File.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydicom.fileset import _FOUR_LEVEL_SOP_CLASSES

from radstream.dicom.dictionary import standard_vr
from radstream.dicom.part10 import encode_meta
from radstream.dicom.rewrite import encode_element, encode_head
from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from radstream.dicom.walk import Attributes

MEDIA_STORAGE_DIRECTORY: Final = "1.2.840.10008.1.3.10"

_CHARACTER_SET: Final = 0x00080005
_PATIENT: Final = (0x00100010, 0x00100020, 0x00100030, 0x00100040)
_STUDY: Final = (0x00080020, 0x00080030, 0x00080050, 0x00081030, 0x0020000D, 0x00200010)
_SERIES: Final = (0x00080060, 0x0008103E, 0x0020000E, 0x00200011)
_CONTENT: Final = (0x00080023, 0x00080033, 0x0040A491, 0x0040A493, 0x00420010)
_LEAF: Final = (*_CONTENT, 0x00200013, 0x00280008, 0x00280010, 0x00280011)
_LEVELS: Final = (
    ("PATIENT", _PATIENT, 0x00100020),
    ("STUDY", _STUDY, 0x0020000D),
    ("SERIES", _SERIES, 0x0020000E),
)
_LISTED: Final = tuple(f"{tag:08X}" for tag in (*_PATIENT, *_STUDY, *_SERIES, *_LEAF))
_NEEDED: Final = {0x00100020: "", 0x0020000D: "", 0x0020000E: "", 0x00200013: "0", 0x00200011: "0"}
"""What a record has even if the instance says nothing of it."""

_TEXT_OF_PERSONS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_PADDED_WITH_NUL: Final = "UI"


@dataclass(frozen=True)
class File:
    """A file to be listed.

    Parameters
    ----------
    path : tuple of str
        Its components: capitals, digits and underscores, up to 8 each (PS3.10 8.2).
    attributes : dict
        DICOM JSON of the instance, see `listed`.
    """

    path: tuple[str, ...]
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    attributes: Attributes


@dataclass
class _Record:
    """A directory record: its elements, those below it, and where it comes to lie."""

    kind: str
    elements: bytes
    lower: list[_Record] = field(default_factory=list)
    offset: int = 0

    @property
    def size_bytes(self) -> int:
        return len(self.encode(0))

    def encode(self, following: int) -> bytes:
        """Return the item; `following` is the offset of the next record beside this one, 0 if it is the last."""
        below = self.lower[0].offset if self.lower else 0
        links = (
            encode_element(0x00041400, "UL", struct.pack("<I", following))
            + encode_element(0x00041410, "US", b"\xff\xff")
            + encode_element(0x00041420, "UL", struct.pack("<I", below))
            + encode_element(0x00041430, "CS", _padded(self.kind, "CS"))
        )
        content = links + self.elements
        return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def listed(attributes: Attributes) -> Attributes:
    """Return of an instance's DICOM JSON what a DICOMDIR has of it."""
    return {key: attributes[key] for key in _LISTED if key in attributes}


def dicomdir(files: Iterable[File]) -> bytes:
    """Return the DICOMDIR file that lists `files`; those of one patient, study and series need not stand together."""
    roots = _tree(files)
    meta = encode_meta(MEDIA_STORAGE_DIRECTORY, _uid_of(roots), EXPLICIT_VR_LITTLE_ENDIAN)
    start = len(meta) + len(_head(0, 0, 0))
    end = _place(roots, start)
    head = _head(roots[0].offset if roots else 0, roots[-1].offset if roots else 0, end - start)
    return meta + head + b"".join(_encoded(roots))


def _tree(files: Iterable[File]) -> list[_Record]:
    records: dict[tuple[str, ...], _Record] = {}
    roots: list[_Record] = []
    for file in files:
        siblings = roots
        key: tuple[str, ...] = ()
        for kind, tags, level in _LEVELS:
            key = (*key, _text(file.attributes, level))
            if key not in records:
                records[key] = _Record(kind, _elements(file.attributes, tags))
                siblings.append(records[key])
            siblings = records[key].lower
        siblings.append(_leaf(file))
    return roots


def _leaf(file: File) -> _Record:
    references = (
        encode_element(0x00041500, "CS", _padded("\\".join(file.path), "CS"))
        + encode_element(0x00041510, "UI", _padded(file.sop_class_uid, "UI"))
        + encode_element(0x00041511, "UI", _padded(file.sop_instance_uid, "UI"))
        + encode_element(0x00041512, "UI", _padded(file.transfer_syntax_uid, "UI"))
    )
    return _Record(_kind(file.sop_class_uid), references + _elements(file.attributes, _LEAF))


def _kind(sop_class_uid: str) -> str:
    """Return the type of the record of an instance (PS3.3 F.4)."""
    kinds = {str(uid): kind for uid, kind in _FOUR_LEVEL_SOP_CLASSES.items()}
    return kinds.get(sop_class_uid, "IMAGE")


def _elements(attributes: Attributes, tags: Sequence[int]) -> bytes:
    found = {_CHARACTER_SET: encode_element(_CHARACTER_SET, "CS", b"ISO_IR 192")}
    for tag in tags:
        if f"{tag:08X}" in attributes or tag in _NEEDED:
            vr = attributes.get(f"{tag:08X}", {}).get("vr") or standard_vr(tag)
            found[tag] = encode_element(tag, vr, _value(attributes, tag, vr))
    return b"".join(found[tag] for tag in sorted(found))


def _value(attributes: Attributes, tag: int, vr: str) -> bytes:
    if vr == "US":
        values = attributes.get(f"{tag:08X}", {}).get("Value") or []
        return b"".join(struct.pack("<H", value) for value in values if isinstance(value, int))
    return _padded(_text(attributes, tag) or _NEEDED.get(tag, ""), vr)


def _text(attributes: Attributes, tag: int) -> str:
    values = attributes.get(f"{tag:08X}", {}).get("Value") or []
    texts = (_of_person(value) if isinstance(value, dict) else str(value) for value in values if value is not None)
    return "\\".join(texts)


def _of_person(name: dict[str, Any]) -> str:
    return "=".join(str(name.get(group, "")) for group in _TEXT_OF_PERSONS).rstrip("=")


def _padded(text: str, vr: str) -> bytes:
    value = text.encode("utf-8", "replace")
    return value + (b"\0" if vr == _PADDED_WITH_NUL else b" ") * (len(value) % 2)


def _place(records: Sequence[_Record], offset: int) -> int:
    """Give each record its place, those below it behind it; returns where they end."""
    for record in records:
        record.offset = offset
        offset = _place(record.lower, offset + record.size_bytes)
    return offset


def _encoded(records: Sequence[_Record]) -> Iterator[bytes]:
    for number, record in enumerate(records, 1):
        yield record.encode(records[number].offset if number < len(records) else 0)
        yield from _encoded(record.lower)


def _head(first: int, last: int, length: int) -> bytes:
    """Return what stands in front of the records."""
    return (
        encode_element(0x00041130, "CS", b"")
        + encode_element(0x00041200, "UL", struct.pack("<I", first))
        + encode_element(0x00041202, "UL", struct.pack("<I", last))
        + encode_element(0x00041212, "US", bytes(2))
        + encode_head(0x00041220, "SQ", length)
    )


def _uid_of(roots: Sequence[_Record]) -> str:
    """Return a UID of the file set, always the same for the same records."""
    digest = hashlib.sha256(b"".join(_encoded(roots))).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"
