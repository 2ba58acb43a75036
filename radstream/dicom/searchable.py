"""Attributes that an operator makes searchable beside those of the Standard: how each is named, kept and compared.

A document keeps their values as texts in one list field, ``searchable``, each with the attribute's path in front, so
that an attribute more needs no new field and no new index. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from radstream.dicom.dictionary import standard_vr
from radstream.dicom.levels import Level, level_of, tag_of

Kind = Literal["uid", "code", "text", "folded", "name", "sound", "date", "time", "integer"]
"""How an attribute is matched."""

KINDS: Final[dict[str, Kind]] = {
    "AE": "text", "AS": "text", "CS": "code", "DA": "date", "IS": "integer", "LO": "folded", "LT": "folded",
    "PN": "name", "SH": "folded", "SL": "integer", "SS": "integer", "ST": "folded", "TM": "time", "UC": "folded",
    "UI": "uid", "UL": "integer", "UR": "text", "US": "integer", "UT": "folded",
}  # fmt: skip
"""By VR. Measured numbers, bytes and moments with time zones (DT) are not matched."""


@dataclass(frozen=True)
class Searchable:
    """One attribute.

    Parameters
    ----------
    path : str
        Its tag, or the tags of sequences and attribute with points between.
    kind : Kind
    level : Level
        Of the documents that keep it.
    """

    path: str
    kind: Kind
    level: Level

    @property
    def prefix(self) -> str:
        """What stands in front of each value; it holds no wildcard."""
        return f"{self.path}="


def searchable(name: str) -> Searchable:
    """Return the attribute that `name` means: keywords or tags, those of sequences in front, with points between.

    Raises
    ------
    ValueError
        If it is none of the Standard, or of a VR that cannot be matched.
    """
    *sequences, last = [tag_of(part) for part in name.split(".")]
    if last is None or None in sequences:
        raise ValueError(f"{name} is no attribute")
    kind = KINDS.get(standard_vr(int(last, 16)))
    if kind is None or any(standard_vr(int(tag, 16)) != "SQ" for tag in sequences if tag):
        raise ValueError(f"{name} is of a kind that cannot be searched")
    path = ".".join(tag for tag in (*sequences, last) if tag)
    return Searchable(path, kind, level_of(path[:8]))
