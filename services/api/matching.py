"""What a value of a matching attribute means, as a predicate of the catalog (PS3.4 C.2.2.2). Pure.

- An empty value, and ``*`` alone, match everything (universal matching).
- ``*`` and ``?`` are wildcards in text. Other text is matched exactly, with regard to case.
- Person names and descriptions are matched without regard to case and accents. A person name without wildcards has to
  be the whole name of one component group, apart from empty components at its end: ``smith^john`` finds
  ``Smith^John^^``, ``smith`` does not. ``smith^*`` also finds a name that has nothing behind the family name.
- Dates and times may be ranges, each end of which may be open. A time of reduced precision is all of its period.
- Several values (separated by backslashes; codes, numbers and UIDs also by commas) match any of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from radstream.catalog.filters import And, Equals, Exists, In, Or, Predicate, Range, Wildcard
from radstream.contract.errors import MalformedRequest
from radstream.dicom.folding import fold, fold_person_name
from radstream.dicom.levels import Level, tag_of
from radstream.dicom.temporal import comparable_date, comparable_times

Kind = Literal["uid", "code", "text", "folded", "name", "date", "time", "integer"]

LONGEST_VALUE: Final = 1024
MOST_VALUES: Final = 1000

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
    """

    kind: Kind
    fields: dict[Level, str]

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
        for single in _singles(name, kind, value):
            part = _PREDICATES[kind](name, field, single)
            if part is None:
                return None
            parts.append(part)
    if len(parts) > MOST_VALUES:
        raise MalformedRequest(f"more than {MOST_VALUES} values of {name}")
    return _any_of(field, parts)


def is_empty(field: str) -> Predicate:
    """Return the predicate that `field` has no value (PS3.18 8.3.4.4, *empty value matching*)."""
    return Exists(field, present=False)


def _any_of(field: str, parts: Sequence[Predicate]) -> Predicate | None:
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    equal = [part.value for part in parts if isinstance(part, Equals)]
    return In(field, equal) if len(equal) == len(parts) else Or(parts)


def _singles(name: str, kind: Kind, value: str) -> list[str]:
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


def _text(_name: str, field: str, value: str) -> Predicate | None:
    if not value.strip("*"):
        return None
    return Wildcard(field, value) if "*" in value or "?" in value else Equals(field, value)


def _folded(name: str, field: str, value: str) -> Predicate | None:
    return _text(name, field, fold(value))


def _name(name: str, field: str, value: str) -> Predicate | None:
    """Each component group that is given has to match one of the name."""
    groups = [_name_group(name, field, group) for group in fold_person_name(value)]
    parts = [group for group in groups if group is not None]
    return parts[0] if len(parts) == 1 else And(parts) if parts else None


def _name_group(name: str, field: str, group: str) -> Predicate | None:
    forms = [group]
    while forms[-1].endswith("^*"):  # names are kept without empty components at their end
        forms.append(forms[-1][:-2])
    parts = [_text(name, field, form) for form in forms if form]
    kept = [part for part in parts if part is not None]
    return None if len(kept) < len(parts) or not kept else kept[0] if len(kept) == 1 else Or(kept)


def _ends(name: str, value: str) -> tuple[str, str]:
    first, hyphen, last = (part.strip() for part in value.partition("-"))
    if hyphen and not first and not last:
        raise MalformedRequest(f"the range of {name} has no end")
    return first, last if hyphen else first


def _date(name: str, field: str, value: str) -> Predicate | None:
    if value in {"", "*"}:
        return None
    ends = [comparable_date(end) if end else "" for end in _ends(name, value)]
    if None in ends:
        raise MalformedRequest(f"the value of {name} is no date or range of dates")
    low, high = ends
    return Equals(field, low) if low and low == high else Range(field, low or None, high or None)


def _time(name: str, field: str, value: str) -> Predicate | None:
    if value in {"", "*"}:
        return None
    low, high = (comparable_times(end) if end else ("", "") for end in _ends(name, value))
    if low is None or high is None:
        raise MalformedRequest(f"the value of {name} is no time or range of times")
    return Range(field, low[0] or None, high[1] or None)


_PREDICATES: Final[dict[Kind, Callable[[str, str, str], Predicate | None]]] = {
    "uid": _uid,
    "code": _text,
    "text": _text,
    "folded": _folded,
    "name": _name,
    "date": _date,
    "time": _time,
    "integer": _integer,
}
