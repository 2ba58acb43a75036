"""From the Native DICOM Model in XML to DICOM JSON: the way back of `xml`.

Values stay text, which is what XML has; `from_json` takes numbers as text too. The parser is Expat as Python ships it;
a document type is refused, so that there are no entities to expand and nothing outside to fetch.

References
----------
PS3.19 A.1 Native DICOM Model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from xml.parsers import expat

from radstream.contract.errors import MalformedRequest, RejectedInstance
from radstream.dicom.dictionary import MAX_DEPTH, is_private
from radstream.dicom.walk import Attributes
from radstream.dicom.xml import COMPONENTS, GROUPS, NAMESPACE

MOST_LEFT_OUT: Final = 1 << 20
"""Values and items of one document that its numbers skip."""

_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_NUMBER: Final = re.compile(r"[0-9]{1,7}")
_DEEPEST: Final = 2 * MAX_DEPTH + 8
_INLINE_SPACE: Final = re.compile(r"\s+")


def from_xml(document: bytes) -> Attributes:
    """Return the DICOM JSON object of a document of the Native DICOM Model.

    Raises
    ------
    MalformedRequest
        If this is no XML, or not of that model. The text holds nothing of the document.
    RejectedInstance
        If the model is broken further in: a tag, a number or a private block that means nothing.
    """
    reading = _Reading()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise MalformedRequest("a part is no well-formed XML") from error
    return reading.root()


def _refuse_doctype(*_declaration: object) -> None:
    raise MalformedRequest("an XML document with a document type is not read")


class _Item:
    """A data set or item being read."""

    def __init__(self) -> None:
        self.attributes: Attributes = {}
        self.private: list[tuple[int, str, dict[str, Any]]] = []

    def add(self, tag: int, creator: str, entry: dict[str, Any]) -> None:
        """Take an attribute; one that names its private creator waits until all creators are known.

        It is never a creator itself, even if its tag without the block looks like the one of such.
        """
        if is_private(tag) and creator:
            self.private.append((tag, creator, entry))
        else:
            self._set(tag, entry)

    def finish(self) -> Attributes:
        """Return all attributes, those of private blocks in the block of their creator."""
        for tag, creator, entry in self.private:
            self._set(tag & 0xFFFF00FF | self._block(tag, creator) << 8, entry)
        return self.attributes

    def _set(self, tag: int, entry: dict[str, Any]) -> None:
        if self.attributes.setdefault(f"{tag:08X}", entry) is not entry:
            raise RejectedInstance(f"{tag:08X} comes twice")

    def _block(self, tag: int, creator: str) -> int:
        """Return the block that a creator has in the group of `tag`; the lowest free one is reserved if it has none.

        The tag may name the block, or leave it out, as XML need not have the creator's own element.
        """
        group, named = tag & 0xFFFF0000, tag >> 8 & 0xFF
        if named >= 0x10 and self._creator(group, named) in (None, creator):
            candidates = [named]
        else:
            candidates = [block for block in range(0x10, 0x100) if self._creator(group, block) == creator]
            candidates += [block for block in range(0x10, 0x100) if self._creator(group, block) is None]
        if not candidates:
            raise RejectedInstance(f"{tag:08X} has no free private block")
        self.attributes.setdefault(f"{group | candidates[0]:08X}", {"vr": "LO", "Value": [creator]})
        return candidates[0]

    def _creator(self, group: int, block: int) -> str | None:
        """Return whose the block is: None if it is free, "" if its creator is empty."""
        entry = self.attributes.get(f"{group | block:08X}")
        return None if entry is None else str((entry.get("Value") or [""])[0])


class _Attribute:
    """A DicomAttribute being read."""

    def __init__(self, tag: int, vr: str, creator: str) -> None:
        self.tag = tag
        self.creator = creator
        self.entry: dict[str, Any] = {"vr": vr} if vr else {}

    def put(self, number: int, value: Any, most_left_out: int) -> int:
        """Set the value with a number, and return how many were left out before it; they are null."""
        values = self.entry.setdefault("Value", [])
        missing = number - len(values)
        if missing - 1 > most_left_out:
            raise RejectedInstance(f"{self.tag:08X} has a value with an absurd number")
        values += [None] * missing
        if values[number - 1] is not None:
            raise RejectedInstance(f"{self.tag:08X} has two values with one number")
        values[number - 1] = value
        return max(0, missing - 1)

    def keep(self, form: str, value: str) -> None:
        """Set what is instead of values."""
        if self.entry.setdefault(form, value) is not value:
            raise RejectedInstance(f"{self.tag:08X} has more than one {form}")


class _Reading:
    """The state of one document: what is open, from the root inwards."""

    def __init__(self) -> None:
        self._open: list[tuple[str, int]] = []
        self._items = [_Item()]
        self._attributes: list[_Attribute] = []
        self._name: dict[str, dict[str, str]] = {}
        self._text: list[str] = []
        self._left = MOST_LEFT_OUT

    def root(self) -> Attributes:
        """Return what the document says."""
        return self._items[0].finish()

    def start(self, name: str, given: dict[str, str]) -> None:
        """Open an element."""
        kind = name.removeprefix(f"{NAMESPACE} ")
        outer = self._open[-1][0] if self._open else ""
        if kind not in _INSIDE.get(outer, ()):
            raise MalformedRequest("an XML part is not of the Native DICOM Model")
        if len(self._open) >= _DEEPEST:
            raise RejectedInstance(f"sequences are nested deeper than {MAX_DEPTH}")
        self._open.append((kind, _number(given) if kind in ("Item", "Value", "PersonName") else 0))
        self._text = []
        if kind == "DicomAttribute":
            self._attributes.append(_attribute(given))
        elif kind == "Item":
            self._items.append(_Item())
        elif kind == "PersonName":
            self._name = {}
        elif kind == "BulkData":
            self._attributes[-1].keep("BulkDataURI", given.get("uri", given.get("uuid", "")))

    def text(self, data: str) -> None:
        """Take text."""
        if self._open[-1][0] in _WITH_TEXT:
            self._text.append(data)

    def end(self, _name: str) -> None:
        """Close an element."""
        kind, number = self._open.pop()
        close = _CLOSE.get(kind)
        if close is not None:
            close(self, kind, number)

    def end_attribute(self, _kind: str, _number: int) -> None:
        """Give an attribute to its data set or item."""
        attribute = self._attributes.pop()
        self._items[-1].add(attribute.tag, attribute.creator, attribute.entry)

    def end_item(self, _kind: str, number: int) -> None:
        """Give an item to its sequence."""
        item = self._items.pop().finish()
        self._put(number, item)

    def end_value(self, _kind: str, number: int) -> None:
        """Give a value to its attribute."""
        self._put(number, "".join(self._text) or None)

    def end_name(self, _kind: str, number: int) -> None:
        """Give a person name to its attribute."""
        groups = {group: "^".join(_trimmed(parts)) for group, parts in self._name.items()}
        self._put(number, {group: text for group, text in groups.items() if text} or None)

    def _put(self, number: int, value: Any) -> None:
        self._left -= self._attributes[-1].put(number, value, self._left)

    def end_component(self, kind: str, _number: int) -> None:
        """Give a component to its group."""
        self._name.setdefault(self._open[-1][0], {})[kind] = "".join(self._text)

    def end_inline(self, _kind: str, _number: int) -> None:
        """Give bytes to their attribute; base64 may be broken into lines."""
        self._attributes[-1].keep("InlineBinary", _INLINE_SPACE.sub("", "".join(self._text)))


_INSIDE: Final = {
    "": ("NativeDicomModel",),
    "NativeDicomModel": ("DicomAttribute",),
    "Item": ("DicomAttribute",),
    "DicomAttribute": ("Item", "Value", "PersonName", "BulkData", "InlineBinary"),
    "PersonName": GROUPS,
    **dict.fromkeys(GROUPS, COMPONENTS),
}
_WITH_TEXT: Final = frozenset({"Value", "InlineBinary", *COMPONENTS})
_CLOSE: Final[dict[str, Callable[[_Reading, str, int], None]]] = {
    "DicomAttribute": _Reading.end_attribute,
    "Item": _Reading.end_item,
    "Value": _Reading.end_value,
    "PersonName": _Reading.end_name,
    "InlineBinary": _Reading.end_inline,
    **dict.fromkeys(COMPONENTS, _Reading.end_component),
}


def _attribute(given: dict[str, str]) -> _Attribute:
    tag = given.get("tag", "")
    if not _TAG.fullmatch(tag):
        raise RejectedInstance("an attribute has no tag of eight hexadecimal digits")
    return _Attribute(int(tag, 16), given.get("vr", ""), given.get("privateCreator", ""))


def _number(given: dict[str, str]) -> int:
    text = given.get("number", "")
    number = int(text) if _NUMBER.fullmatch(text) else 0
    if number < 1:
        raise RejectedInstance("a value has no number from 1 on")
    return number


def _trimmed(parts: dict[str, str]) -> list[str]:
    """Return the components of a name up to the last one that is there."""
    texts = [parts.get(component, "") for component in COMPONENTS]
    while texts and not texts[-1]:
        texts.pop()
    return texts
