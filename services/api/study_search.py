"""What the study list asks for, as a predicate of the catalog, and a row of it. Pure.

QIDO-RS joins its conditions by *and*, sorts by date alone, and does not count (PS3.18 10.6). A list in which people
type "smith knee" wants each word found in any of several attributes, other orders, and the number of all that match.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from radstream.catalog.filters import And, Equals, In, Or, Predicate, Range, Wildcard
from radstream.catalog.port import Document
from radstream.contract.errors import MalformedRequest
from radstream.dicom.folding import fold

LARGEST_PAGE: Final = 500
MOST_WORDS: Final = 8
LONGEST_TEXT: Final = 200
MOST_SKIPPED: Final = 10_000_000

_FOLDED: Final = ("PatientName_folded", "StudyDescription_folded", "ReferringPhysicianName_folded")
_VERBATIM: Final = ("PatientID", "AccessionNumber")
SORTS: Final = {
    "date": ("StudyDate", "StudyTime"),
    "arrival": ("last_stored_at",),
    "name": ("PatientName",),
    "id": ("PatientID",),
    "accession": ("AccessionNumber",),
    "description": ("StudyDescription_folded",),
    "instances": ("NumberOfStudyRelatedInstances",),
}
_DATE: Final = re.compile(r"[0-9]{8}")
_ATTRIBUTES: Final = {
    "StudyDescription": "00081030",
    "PatientName": "00100010",
    "ReferringPhysicianName": "00080090",
}
FIELDS: Final = (
    *("StudyInstanceUID", "patient_key", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"),
    *("AccessionNumber", "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
    *("last_stored_at", "is_complete", "is_urgent", "attributes"),
)
_AS_THEY_ARE: Final = FIELDS[:-1]

_DECODER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Element(msgspec.Struct):
    """An attribute of the DICOM JSON model (PS3.18 F.2.2)."""

    Value: list[Any] = []


@dataclass(frozen=True)
class StudySearch:
    """A question of the study list.

    Parameters
    ----------
    sort : tuple of str
        See `Catalog.find`.
    """

    where: Predicate
    sort: tuple[str, ...]
    skip: int
    limit: int


def parse_search(given: Mapping[str, str]) -> StudySearch:
    """Return what the query of a URL asks for.

    Parameters
    ----------
    given : mapping of str to str
        ``text``: words, each of which has to be in one of name, id, accession number, description, referring physician;
        ``modality``: some, separated by commas; ``from`` and ``to``: Study Dates, YYYYMMDD; ``urgent``: 1; ``patient``:
        the key of one; ``uids``: Study Instance UIDs, separated by commas; ``sort``: one of `SORTS`, with ``-`` in
        front for descending; ``skip``, ``limit``.

    Raises
    ------
    MalformedRequest
        If one of them means nothing.
    """
    parts = [*_text(given.get("text", "")), *_dates(given), *_sets(given)]
    if given.get("urgent"):
        parts.append(Equals("is_urgent", 1))
    if given.get("patient"):
        parts.append(Equals("patient_key", given["patient"]))
    return StudySearch(
        And(parts),
        _sort(given.get("sort", "-date")),
        _number(given, "skip", 0, MOST_SKIPPED),
        _number(given, "limit", 100, LARGEST_PAGE),
    )


def study_row(document: Document) -> dict[str, Any]:
    """Return a study as a row of the list: names of the Standard, values as they are shown."""
    attributes = _DECODER.decode(document["attributes"] or b"{}")
    row = {name: document[name] for name in _AS_THEY_ARE}
    return row | {name: _first(attributes.get(tag)) for name, tag in _ATTRIBUTES.items()}


def _first(element: msgspec.Raw | None) -> Any:
    """Return the first value of an attribute; None if it has none, or holds something else than it should."""
    if element is None:
        return None
    try:
        return next(iter(msgspec.json.decode(element, type=_Element).Value), None)
    except msgspec.ValidationError:
        return None


def _text(text: str) -> list[Predicate]:
    if len(text) > LONGEST_TEXT:
        raise MalformedRequest(f"a search has {LONGEST_TEXT} characters at most")
    words = [word for word in re.split(r"[\s^,]+", text) if word.strip("*")]
    return [_word(word) for word in words[:MOST_WORDS]]


def _word(word: str) -> Predicate:
    """Return that a word is in one of the attributes; in ids as it is, or in capitals, as most of them are."""
    spellings = {word, word.upper()}
    folded = [Wildcard(field, f"*{fold(word)}*") for field in _FOLDED]
    return Or([*folded, *(Wildcard(field, f"*{each}*") for field in _VERBATIM for each in sorted(spellings))])


def _dates(given: Mapping[str, str]) -> list[Predicate]:
    low, high = given.get("from") or None, given.get("to") or None
    if any(date is not None and not _DATE.fullmatch(date) for date in (low, high)):
        raise MalformedRequest("a date is written YYYYMMDD")
    return [] if low is high is None else [Range("StudyDate", low, high)]


def _sets(given: Mapping[str, str]) -> list[Predicate]:
    wanted = {"modality": "ModalitiesInStudy", "uids": "_id"}
    return [In(field, given[name].split(",")[:LARGEST_PAGE]) for name, field in wanted.items() if given.get(name)]


def _sort(text: str) -> tuple[str, ...]:
    fields = SORTS.get(text.removeprefix("-"))
    if fields is None:
        raise MalformedRequest(f"the list is sorted by {', '.join(SORTS)}")
    return tuple(f"-{field}" for field in fields) if text.startswith("-") else fields


def _number(given: Mapping[str, str], name: str, default: int, largest: int) -> int:
    text = given.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,8}", text) or int(text) > largest:
        raise MalformedRequest(f"{name} is a number up to {largest}")
    return int(text)
