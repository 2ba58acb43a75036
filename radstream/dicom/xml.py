"""DICOM JSON as the Native DICOM Model in XML.

Private attributes keep their full tag and name their creator. What XML cannot hold, such as control characters, becomes
U+FFFD: an answer that no parser reads would be worse.

References
----------
PS3.19 A.1 Native DICOM Model; PS3.18 8.7.3.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from pydicom.datadict import DicomDictionary

from radstream.dicom.dictionary import is_private, is_private_creator
from radstream.dicom.walk import Attributes

NAMESPACE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

_HEAD: Final = f'<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">'
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

COMPONENTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
"""The components of a group of a person name, in their order (PS3.5 6.2)."""

GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
"""The component groups of a person name, in their order."""


def to_xml(attributes: Attributes) -> bytes:
    """Return a DICOM JSON object as XML document, UTF-8."""
    text = "".join((_HEAD, *_data_set(attributes), "</NativeDicomModel>\n"))
    return text.encode("utf-8")


def _data_set(attributes: Attributes) -> Iterator[str]:
    creators: dict[int, str] = {}
    for key in sorted(attributes):
        tag, entry = int(key, 16), attributes[key]
        if is_private_creator(tag):
            creators[tag >> 16 << 16 | (tag & 0xFF) << 8] = str((entry.get("Value") or [""])[0])
        yield f"<DicomAttribute tag={quoteattr(key)} vr={quoteattr(entry['vr'])}{_name(tag, creators)}>"
        yield from _content(entry)
        yield "</DicomAttribute>"


def _name(tag: int, creators: dict[int, str]) -> str:
    """Return the keyword of an attribute, or the creator of a private one, as XML attribute."""
    if is_private(tag):
        creator = creators.get(tag & 0xFFFFFF00, "")
        return f" privateCreator={quoteattr(_text(creator))}" if creator else ""
    keyword = DicomDictionary[tag][4] if tag in DicomDictionary else ""
    return f' keyword="{keyword}"' if keyword else ""


def _content(entry: dict[str, Any]) -> Iterator[str]:
    if "BulkDataURI" in entry:
        yield f"<BulkData uri={quoteattr(entry['BulkDataURI'])}/>"
    elif "InlineBinary" in entry:
        yield f"<InlineBinary>{entry['InlineBinary']}</InlineBinary>"
    values = entry.get("Value", ())
    for number, value in enumerate(values, 1):
        if entry["vr"] == "SQ":
            yield f'<Item number="{number}">'
            yield from _data_set(value)
            yield "</Item>"
        elif entry["vr"] == "PN" and isinstance(value, dict):
            yield from _person(number, value)
        elif value is not None:
            yield f'<Value number="{number}">{_escaped(str(value))}</Value>'
        elif number == len(values):  # those before it are missed by their numbers, the last one would not be
            yield f'<Value number="{number}"/>'


def _person(number: int, name: dict[str, str]) -> Iterator[str]:
    yield f'<PersonName number="{number}">'
    for group in GROUPS:
        if name.get(group):
            parts = zip(COMPONENTS, name[group].split("^"), strict=False)
            filled = (f"<{kind}>{_escaped(part)}</{kind}>" for kind, part in parts if part)
            yield f"<{group}>{''.join(filled)}</{group}>"
    yield "</PersonName>"


def _text(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _escaped(text: str) -> str:
    """Return text as it stands between tags; a parser would take a bare carriage return for a line feed."""
    return escape(_text(text), {"\r": "&#13;"})
