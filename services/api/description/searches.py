"""The search resources (PS3.18 10.6), with every attribute that can be matched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydicom.datadict import keyword_for_tag

from radstream.dicom.levels import Level
from radstream.dicom.searchable import Kind
from services.api.description.operation import DICOM_JSON, RELATED, ROOT, Operation, Parameter
from services.api.matching import LONGEST_VALUE, Matching
from services.api.qido import RESOURCES

_WORDS: Final = {Level.STUDY: "Studies", Level.SERIES: "Series", Level.INSTANCE: "Instances"}

_DATES: Final = r"^(|\*|[0-9]{8}|[0-9]{8}-([0-9]{8})?|-[0-9]{8})$"
_TIMES: Final = r"^(|\*|([01][0-9]|2[0-3])([0-5][0-9]([0-5][0-9])?)?)$"
_NUMBERS: Final = r"^(|\*|[0-9]{1,9}([,\\][0-9]{1,9}){0,9})$"
_UIDS: Final = r"^(|\*|[0-9.]{1,64}([,\\][0-9.]{1,64}){0,9})$"
_TEXT: Final = {"type": "string", "maxLength": LONGEST_VALUE}

_VALUES: Final[dict[Kind, Mapping[str, Any]]] = {
    "uid": {"type": "string", "pattern": _UIDS},
    "date": {"type": "string", "pattern": _DATES},
    "time": {"type": "string", "pattern": _TIMES},
    "integer": {"type": "string", "pattern": _NUMBERS},
    "code": _TEXT,
    "text": _TEXT,
    "folded": _TEXT,
    "name": _TEXT,
    "sound": _TEXT,
}
_MEANINGS: Final[dict[Kind, str]] = {
    "uid": "a UID, or several by comma",
    "date": "a date or a range of dates",
    "time": "a time or a range of times",
    "integer": "a whole number, or several by comma",
    "code": "one or several by comma; * and ? are wildcards",
    "text": "* and ? are wildcards",
    "folded": "without regard to case and accents; * and ? are wildcards",
    "name": "a person name without regard to case and accents; * and ? are wildcards",
    "sound": "a person name by its sound",
}

_NUMBER: Final = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
_FLAG: Final = {"type": "boolean"}

OPTIONS: Final = (
    Parameter("limit", "at most so many results", _NUMBER),
    Parameter("offset", "results that are passed over", _NUMBER),
    Parameter("includefield", "keywords or tags to return too, by comma, or all"),
    Parameter("fuzzymatching", "match person names by their sound", _FLAG),
    Parameter("emptyvaluematching", "two quotation marks as value match what has none", _FLAG),
    Parameter("multiplevaluematching", "accepted; lists are always understood", _FLAG),
)


def searches(matchings: Mapping[str, Matching]) -> Iterator[Operation]:
    """Yield the operations, for what can be matched in this installation."""
    for path, level in RESOURCES.items():
        yield Operation(
            name=_name(path, level),
            method="GET",
            path=ROOT + path,
            summary=f"Search for {level.name.lower() if level is Level.SERIES else _WORDS[level].lower()}",
            section="10.6",
            answers={200: (DICOM_JSON, RELATED), 204: ()},
            problems=(400, 406, 503),
            parameters=(*OPTIONS, *_attributes(level, matchings)),
        )


def _name(path: str, level: Level) -> str:
    """Return the name of the transaction: SearchForStudySeriesInstances is within a series of a study."""
    within = "".join(word for part, word in (("{study}", "Study"), ("{series}", "Series")) if part in path)
    return f"SearchFor{within}{_WORDS[level]}"


def _attributes(level: Level, matchings: Mapping[str, Matching]) -> Iterator[Parameter]:
    for path, matching in sorted(matchings.items()):
        if matching.field_at(level) is not None:
            yield Parameter(keyword_of(path), _MEANINGS[matching.kind], _VALUES[matching.kind])


def keyword_of(path: str) -> str:
    """Return tags with points between as keywords."""
    return ".".join(keyword_for_tag(int(tag, 16)) for tag in path.split("."))
