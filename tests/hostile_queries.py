"""Values that nobody means well with, and what they find: a plain filter over stored documents, without an index."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from radstream.dicom.folding import fold
from tests.memory_catalog import matches

LONG = "x" * 64

VALUES = [
    "P1", "p1", "P10", "P%", "P_", "P?", "P*", "%", "_", "P.1", "P+1", "^P", "P$", "[P]", "(P|Q)", ".*", "{1}",
    "O'Brien", 'O"Brien', "P;DROP TABLE studies", "P--", "P/*", "' OR '1'='1", "$where", "$gt", '{"$gt": ""}',
    "{$ne: null}", "null", "NULL", "None", "0", "00", "1e5", "-1", "a b", "a  b", "a\tb", "a,b", "a:b", "a=b", "a&b",
    "a#b", "a~b", "caf\u00e9", "cafe\u0301", "CAF\u00c9", "stra\u00dfe", "STRASSE", "\ufb01n", "fin", "\u0130zmir",
    "izmir", "\u0391\u03b8\u03ae\u03bd\u03b1", "\u0645\u062d\u0645\u062f", "\u202eabc", "abc", "\u5c71\u7530",
    "\uff30\uff11", "\U0001f600", "a\u200bb", "\ufeffP1", LONG, LONG[:-1] + "y",
]  # fmt: skip
"""Identifiers and descriptions of stored studies."""

_PIECES = [
    *VALUES,
    "*",
    "?",
    "**",
    "*?*",
    "\\",
    "\\\\",
    "%00",
    "\x00",
    "\x01",
    "'",
    '"',
    ";",
    " ",
    "$",
    "^",
    "=",
    "'*'",
    "?%",
    "*_",
]


def hostile_values(number: int) -> Iterator[str]:
    """Yield values to ask for: every stored one, with wildcards around, and `number` made of pieces of them."""
    for value in VALUES:
        yield from (value, f"*{value}*", f"{value[:1]}*", f"?{value[1:]}", f"{value}\\P1", f"{value}\x00")
    choice = random.Random(7)
    for _ in range(number):
        yield "".join(choice.choices(_PIECES, k=choice.randint(1, 4)))


def is_text(value: str, stored: str | None) -> bool:
    """Tell whether a text is what is asked for: with regard to case, ``*`` and ``?`` as wildcards."""
    wanted = singles(value)
    return any(not one.strip("*") for one in wanted) or (
        stored is not None and any(matches(one, stored) for one in wanted)
    )


def is_folded(value: str, stored: str | None) -> bool:
    """Tell the same without regard to case and accents; `stored` is folded already."""
    wanted = [fold(one) for one in singles(value)]
    return any(not one.strip("*") for one in wanted) or (
        stored is not None and any(matches(one, stored) for one in wanted)
    )


def singles(value: str) -> list[str]:
    """Return the values of a list, without padding (PS3.5 6.2); one empty one if there is none."""
    return [one for part in value.split("\\") if (one := part.strip(" \0"))] or [""]


HOSTILE_PARAMETERS: list[tuple[str, Any]] = [
    ("$where", "1"), ("PatientID[$ne]", "x"), ("PatientID[]", "P1"), ("PatientID.$gt", ""), ("00100020;--", "P1"),
    ("PatientID'", "P1"), ("__proto__", "x"), ("_id", "x"), ("patient_key", "x"), ("qido", "x"), ("order", "x"),
    ("PatientID\x00", "P1"), ("", "x"), ("00100020.00100020.", "x"), (".", "x"), ("x" * 4000, "x"), ("studies", "x"),
    ("limit", "-1"), ("limit", "1e9"), ("limit", "0x10"), ("limit", "99999999999"), ("limit", "\u0661"), ("limit", ""),
    ("limit", "1;"), ("limit", "1 OR 1"), ("limit", ["1", "2"]), ("offset", "-1"), ("offset", "NaN"),
    ("offset", ["0", "0"]), ("fuzzymatching", "maybe"), ("fuzzymatching", "1"), ("emptyvaluematching", "'"),
    ("StudyInstanceUID", "1.2'"), ("StudyInstanceUID", "1.*"), ("StudyInstanceUID", "1?"), ("StudyInstanceUID", "$ne"),
    ("StudyInstanceUID", "1" * 65), ("StudyInstanceUID", ",".join(["1.2"] * 1001)), ("PatientID", "x" * 1025),
    ("PatientID", ["x"] * 1001), ("StudyDate", "20260101'"), ("StudyDate", "$gt"), ("StudyDate", "-"),
    ("StudyDate", "2026*"), ("StudyDate", "20260101-20260102-20260103"), ("StudyTime", "99"), ("StudyTime", "'"),
    ("NumberOfStudyRelatedInstances", "1 OR 1"), ("NumberOfStudyRelatedInstances", "1e3"),
    ("NumberOfStudyRelatedInstances", "9" * 19), ("NumberOfStudyRelatedInstances", "{$gt:0}"), ("accept", "{"),
]  # fmt: skip
"""What means nothing: 400."""
