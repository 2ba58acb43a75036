"""What a value of a matching attribute means, as a predicate of the catalog (PS3.4 C.2.2.2). Pure.

- An empty value, and ``*`` alone, match everything (universal matching).
- ``*`` and ``?`` are wildcards in text. Other text is matched exactly, with regard to case; person names and
  descriptions without regard to case and accents, see `text_matching`.
- Dates and times may be ranges, see `temporal_matching`.
- Several values (separated by backslashes; codes, numbers and UIDs also by commas) match any of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from radstream.catalog.filters import And, Equals, Exists, In, Not, Or, Predicate, Range, Wildcard
from radstream.contract.errors import MalformedRequest
from radstream.dicom.levels import Level, tag_of
from radstream.dicom.searchable import Kind, Searchable
from services.api.temporal_matching import date_predicate, time_predicate
from services.api.text_matching import folded_predicate, name_predicate, sound_predicate, text_predicate

LONGEST_VALUE: Final = 1024
MOST_VALUES: Final = 1000

_BEHIND_ALL: Final = "~"
"""Behind every date and time."""

_UID = re.compile(r"[0-9.]{1,64}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True)
class Matching:
    """How one attribute is matched.

    Parameters
    ----------
    kind : Kind
    fields : dict of Level to str
        The field of the catalog that it is compared with, for each level at which there is one.
    prefix : str
        Of its values in a field that it shares with other attributes.
    """

    kind: Kind
    fields: dict[Level, str]
    prefix: str = ""

    def field_at(self, level: Level) -> tuple[Level, str] | None:
        """Return the nearest level not below `level` that has a field, and the field."""
        found = [each for each in self.fields if each <= level]
        return (max(found), self.fields[max(found)]) if found else None


def _at(level: Level, kind: Kind, *names: str, suffix: str = "") -> dict[str, Matching]:
    """Return the matchings of attributes whose fields are called like them."""
    return {tag: Matching(kind, {level: name + suffix}) for name in names if (tag := tag_of(name)) is not None}


_STUDY, _SERIES, _INSTANCE = Level.STUDY, Level.SERIES, Level.INSTANCE

MATCHINGS: Final[dict[str, Matching]] = {
    "0020000D": Matching("uid", dict.fromkeys((_SERIES, _INSTANCE), "StudyInstanceUID") | {_STUDY: "_id"}),
    "0020000E": Matching("uid", dict.fromkeys((_SERIES, _INSTANCE), "SeriesInstanceUID")),
    "00080018": Matching("uid", {_INSTANCE: "_id"}),
    "00080060": Matching("code", {_STUDY: "ModalitiesInStudy", _SERIES: "Modality"}),
    "00400275.00400009": Matching("text", {_SERIES: "ScheduledProcedureStepID"}),
    "00400275.00401001": Matching("text", {_SERIES: "RequestedProcedureID"}),
    "00083002": Matching("uid", {_INSTANCE: "TransferSyntaxUID"}),  # Available Transfer Syntax UID
    **_at(_STUDY, "text", "PatientID", "IssuerOfPatientID", "AccessionNumber", "StudyID"),
    **_at(_STUDY, "name", "PatientName", "ReferringPhysicianName", suffix="_folded"),
    **_at(_STUDY, "folded", "StudyDescription", suffix="_folded"),
    **_at(_STUDY, "date", "PatientBirthDate", "StudyDate"),
    **_at(_STUDY, "time", "StudyTime"),
    **_at(_STUDY, "code", "PatientSex", "ModalitiesInStudy"),
    **_at(_STUDY, "uid", "SOPClassesInStudy"),
    **_at(_STUDY, "integer", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
    **_at(_SERIES, "code", "BodyPartExamined"),
    **_at(_SERIES, "folded", "SeriesDescription", suffix="_folded"),
    **_at(_SERIES, "integer", "SeriesNumber", "NumberOfSeriesRelatedInstances"),
    **_at(_SERIES, "date", "PerformedProcedureStepStartDate"),
    **_at(_SERIES, "time", "PerformedProcedureStepStartTime"),
    **_at(_INSTANCE, "uid", "SOPClassUID"),
    **_at(_INSTANCE, "integer", "InstanceNumber", "Rows", "Columns", "NumberOfFrames"),
}
"""By tag, or by the tags of sequence and item attribute with a point between them: those of PS3.18 tables 10.6.1-3 to
-5, and what else the catalog has a field for. `Modality` of a study means any of its modalities."""


def matchings(searchable: Iterable[Searchable]) -> dict[str, Matching]:
    """Return `MATCHINGS` and those of what the operator made `searchable`."""
    own = {one.path: Matching(one.kind, {one.level: "searchable"}, one.prefix) for one in searchable}
    return own | MATCHINGS


def predicate_of(name: str, kind: Kind, field: str, values: Sequence[str]) -> Predicate | None:
    """Return the predicate that `field` matches one of `values`; None if everything does.

    Parameters
    ----------
    name : str
        What the client called the attribute, for the text of errors.

    Raises
    ------
    MalformedRequest
        If a value is none of its kind, or too long.
    """
    parts: list[Predicate] = []
    for value in values:
        for single in singles(name, kind, value):
            part = _PREDICATES[kind](name, field, single)
            if part is None:
                return None
            parts.append(part)
    if len(parts) > MOST_VALUES:
        raise MalformedRequest(f"more than {MOST_VALUES} values of {name}")
    return _any_of(field, parts)


def is_empty(field: str, prefix: str = "") -> Predicate:
    """Return the predicate that `field` has no value behind `prefix` (PS3.18 8.3.4.4, *empty value matching*)."""
    return Not(Wildcard(field, f"{prefix}*")) if prefix else Exists(field, present=False)


def prefixed(predicate: Predicate, prefix: str) -> Predicate:
    """Return what `predicate` says of values, said of texts that are values behind `prefix`."""
    match predicate:
        case Equals(field, value):
            return Equals(field, f"{prefix}{value}")
        case In(field, values):
            return In(field, [f"{prefix}{value}" for value in values])
        case Wildcard(field, pattern):
            return Wildcard(field, prefix + pattern)
        case Range(field, low, high):
            return Range(field, f"{prefix}{low or ''}", f"{prefix}{_BEHIND_ALL if high is None else high}")
        case And(parts):
            return And([prefixed(part, prefix) for part in parts])
        case Or(parts):
            return Or([prefixed(part, prefix) for part in parts])
        case _:
            raise AssertionError("nothing else is made of a value")


def _any_of(field: str, parts: Sequence[Predicate]) -> Predicate | None:
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    equal = [part.value for part in parts if isinstance(part, Equals)]
    return In(field, equal) if len(equal) == len(parts) else Or(parts)


def singles(name: str, kind: Kind, value: str) -> list[str]:
    """Return the single values in `value`, without padding; one empty one if it is empty."""
    if len(value) > LONGEST_VALUE and kind != "uid":
        raise MalformedRequest(f"the value of {name} is longer than {LONGEST_VALUE} characters")
    separators = r"[\\,]" if kind in {"uid", "code", "integer"} else r"\\"
    singles = [single.strip(" \0") for single in re.split(separators, value)]
    return [single for single in singles if single] or [""]


def _uid(name: str, field: str, value: str) -> Predicate | None:
    if value in {"", "*"}:
        return None
    if not _UID.fullmatch(value):
        raise MalformedRequest(f"the value of {name} is no UID or list of UIDs")
    return Equals(field, value)


def _integer(name: str, field: str, value: str) -> Predicate | None:
    if value in {"", "*"}:
        return None
    if not _INTEGER.fullmatch(value):
        raise MalformedRequest(f"the value of {name} is no whole number")
    return Equals(field, int(value))


def _sound(_name: str, field: str, value: str) -> Predicate | None:
    return sound_predicate(field, field.replace("_folded", "_sounds"), value)


_PREDICATES: Final[dict[Kind, Callable[[str, str, str], Predicate | None]]] = {
    "uid": _uid,
    "code": lambda _, field, value: text_predicate(field, value),
    "text": lambda _, field, value: text_predicate(field, value),
    "folded": lambda _, field, value: folded_predicate(field, value),
    "name": lambda _, field, value: name_predicate(field, value),
    "sound": _sound,
    "date": date_predicate,
    "time": time_predicate,
    "integer": _integer,
}
