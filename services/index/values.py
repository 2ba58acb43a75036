"""Single values out of a DICOM JSON object, in the form in which the catalog compares them. Pure.

A value that cannot be compared is left out and flagged, never a reason to lose the instance. Flags hold the tag and the
kind of fault, no value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from radstream.contract.documents import request_key
from radstream.dicom.folding import fold, fold_person_name
from radstream.dicom.searchable import Kind, Searchable
from radstream.dicom.sounds import sounds_in
from radstream.dicom.temporal import comparable_date, comparable_times

T = TypeVar("T")

Attributes = Mapping[str, Mapping[str, Any]]
"""A DICOM JSON object (PS3.18 F.2): tags as eight capital hexadecimal digits to ``vr`` and ``Value``."""

MOST_SEARCHABLE: Final = 256
"""Values of attributes that the operator made searchable, of one document."""

LONGEST_TEXT: Final = 1024
"""Characters of the longest text that is indexed: 64 are allowed for most, and an index entry has to be small."""


class Values:
    """The comparable values of one DICOM JSON object.

    Attributes
    ----------
    flags : set of str
        What was left out until now, as "tag kind".
    """

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes
        self.flags: set[str] = set()

    def text(self, tag: str) -> str | None:
        """Return the exact text; several values are joined by backslashes, as they are in the data set."""
        return self._kept(tag, "\\".join(str(value) for value in self._values(tag)))

    def folded(self, tag: str) -> str | None:
        """Return the text folded for matching."""
        return self._kept(tag, fold("\\".join(str(value) for value in self._values(tag))))

    def name(self, tag: str) -> str | None:
        """Return the first person name with its component groups joined by ``=``."""
        return self._kept(tag, next(self._names(tag), ""))

    def folded_names(self, tag: str) -> list[str]:
        """Return every component group of every person name folded for matching."""
        groups = [group for name in self._names(tag) for group in fold_person_name(name)]
        return [group for group in dict.fromkeys(groups) if self._kept(tag, group)]

    def sounds(self, tag: str) -> list[str]:
        """Return what the words of every person name sound like."""
        return list(dict.fromkeys(sound for name in self.folded_names(tag) for sound in sounds_in(name)))

    def date(self, tag: str) -> str | None:
        """Return the date as ``YYYYMMDD``."""
        text = self.text(tag)
        return None if text is None else self._understood(tag, "date", comparable_date(text))

    def time(self, tag: str) -> str | None:
        """Return the time as ``HHMMSS.FFFFFF``."""
        text = self.text(tag)
        moments = None if text is None else self._understood(tag, "time", comparable_times(text))
        return None if moments is None else moments[0]

    def integer(self, tag: str) -> int | None:
        """Return the first value as a whole number that fits into 64 bits."""
        first = next(iter(self._values(tag)), None)
        if first is None:
            return None
        fits = isinstance(first, int) and abs(first) < 1 << 63
        return self._understood(tag, "number", first if fits else None)

    def in_items(self, sequence: str, tag: str) -> list[str]:
        """Return the texts of `tag` in every item of `sequence`."""
        texts = [text for (text,) in self._items(sequence, tag) if text is not None]
        return list(dict.fromkeys(texts))

    def requests(self) -> list[str]:
        """Return the items of the Request Attributes Sequence, see `request_key`."""
        items = self._items("00400275", "00401001", "00400009")
        keys = [request_key(procedure or "", step or "") for procedure, step in items]
        return [key for key in dict.fromkeys(keys) if len(key) <= LONGEST_TEXT]

    def searchable(self, attributes: Sequence[Searchable]) -> list[str]:
        """Return the values of `attributes`, each behind the prefix of its attribute."""
        found = (f"{one.prefix}{text}" for one in attributes for text in self._comparable(one.path, one.kind))
        return list(islice(dict.fromkeys(found), MOST_SEARCHABLE))

    def _comparable(self, path: str, kind: Kind) -> Iterator[str]:
        """Yield every value at `path` in the form in which its kind is compared."""
        tag, _, rest = path.partition(".")
        if rest:
            for item in self._values(tag):
                if isinstance(item, Mapping):
                    yield from Values(item)._comparable(rest, kind)
        elif kind == "name":
            yield from self.folded_names(tag)
        else:
            for value in self._values(tag):
                text = _COMPARABLE.get(kind, str)(str(value))
                if text is not None and self._kept(tag, text):
                    yield text

    def _items(self, sequence: str, *tags: str) -> list[list[str | None]]:
        """Return the texts of `tags` in each item of `sequence`."""
        items = [Values(item) for item in self._values(sequence) if isinstance(item, Mapping)]
        texts = [[item.text(tag) for tag in tags] for item in items]
        for item in items:
            self.flags |= item.flags
        return texts

    def _values(self, tag: str) -> Iterable[Any]:
        values = self._attributes.get(tag, {}).get("Value", ())
        return [value for value in values if value is not None]

    def _names(self, tag: str) -> Iterator[str]:
        for value in self._values(tag):
            if isinstance(value, Mapping):
                groups = (str(value.get(group, "")) for group in ("Alphabetic", "Ideographic", "Phonetic"))
                yield "=".join(groups).rstrip("=")

    def _kept(self, tag: str, text: str) -> str | None:
        """Return `text` if there is one, and if it can be indexed."""
        if len(text) > LONGEST_TEXT:
            return self._understood(tag, "length", None)
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            return self._understood(tag, "text", None)
        return text or None

    def _understood(self, tag: str, kind: str, value: T | None) -> T | None:
        """Return `value`; flag that there is none."""
        if value is None:
            self.flags.add(f"{tag} {kind}")
        return value


def _first_moment(text: str) -> str | None:
    moments = comparable_times(text)
    return None if moments is None else moments[0]


_COMPARABLE: Final[dict[Kind, Callable[[str], str | None]]] = {
    "folded": fold,
    "date": comparable_date,
    "time": _first_moment,
}
