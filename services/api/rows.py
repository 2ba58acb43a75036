"""One resource in the answer of a query: attributes as they are stored, joined with what is computed. Pure.

Values are never parsed: a stored JSON object is only cut into its attributes, whose bytes are put together anew, in the
order of their tags (PS3.18 F.2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from radstream.catalog.port import Document
from radstream.dicom.levels import COMPUTED_ATTRIBUTES, DEFAULT_ATTRIBUTES, Level, level_of
from radstream.dicom.packing import unpack
from services.api.query import Query

Attributes = dict[str, msgspec.Raw]

COMPUTED_FIELDS: Final = {
    Level.STUDY: {
        "00080061": ("CS", "ModalitiesInStudy"),
        "00080062": ("UI", "SOPClassesInStudy"),
        "00201206": ("IS", "NumberOfStudyRelatedSeries"),
        "00201208": ("IS", "NumberOfStudyRelatedInstances"),
    },
    Level.SERIES: {"00201209": ("IS", "NumberOfSeriesRelatedInstances")},
    Level.INSTANCE: {"00083002": ("UI", "TransferSyntaxUID")},
}
"""VR and field of the attributes that the archive computes (PS3.18 tables 10.6.3-3 and -4)."""

_ON_REQUEST: Final = frozenset({"00080062", "00083002"})
"""SOP Classes in Study, Available Transfer Syntax UID."""

_BULK_DATA_URI: Final = b'"BulkDataURI":"'

_MOST_KEPT: Final = 1024

_DECODER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER: Final = msgspec.json.Encoder()
_BY_TAG: Final = msgspec.json.Encoder(order="deterministic")


def is_asked_for(query: Query, level: Level) -> bool:
    """Tell whether `query` names attributes of `level` beside those that are returned anyway."""
    return query.all_attributes or any(_level(tag) == level for tag in query.attributes)


def fields_of(query: Query, level: Level) -> tuple[str, ...]:
    """Return the fields of the catalog that hold what `query` asks for of `level`, but for the large `metadata`."""
    if level is Level.INSTANCE:
        named = [
            name for tag, (_, name) in COMPUTED_FIELDS[level].items() if query.all_attributes or tag in query.attributes
        ]
        return ("StudyInstanceUID", "SeriesInstanceUID", "series_key", "qido", *named)
    computed = tuple(name for _, name in COMPUTED_FIELDS[level].values())
    parent = ("StudyInstanceUID", "SeriesInstanceUID") if level is Level.SERIES else ()
    return (*parent, "attributes" if _needs_all(query, level) else "qido", *computed)


def needs_metadata(query: Query) -> bool:
    """Tell whether the complete JSON of the instances has to be read."""
    return query.level is Level.INSTANCE and _needs_all(query, Level.INSTANCE)


@dataclass(frozen=True)
class Cut:
    """What an answer has of the documents of one level; see `cut_of`.

    Parameters
    ----------
    wanted : frozenset of str, optional
        Tags of stored attributes; None for all of them.
    computed : sequence of (str, str, str)
        Tag, VR and field of what the archive computes.
    """

    wanted: frozenset[str] | None
    computed: Sequence[tuple[str, str, str]]

    def attributes(self, document: Document) -> Attributes:
        """Return the attributes that the answer has of `document`, which has `fields_of` its level, or `metadata`."""
        found = _DECODER.decode(_stored(document))
        wanted = found.keys() - COMPUTED_ATTRIBUTES if self.wanted is None else self.wanted
        if not found.keys() <= wanted:
            found = {tag: value for tag, value in found.items() if tag in wanted}
        for tag, vr, name in self.computed:
            value = document[name]
            if value != []:  # a study of which no instance says its modality: a viewer's whole list fails over that
                found[tag] = _attribute(vr, tuple(value) if isinstance(value, list) else (value or 0,))
        return found


def cut_of(query: Query, level: Level, *, is_default: bool) -> Cut:
    """Return which attributes of `level` the answer to `query` has.

    Parameters
    ----------
    is_default : bool
        Whether the answer has the default ones too, not only those that were named.
    """
    everything = query.all_attributes
    computed = [
        (tag, vr, name)
        for tag, (vr, name) in COMPUTED_FIELDS[level].items()
        if everything or tag in query.attributes or (is_default and tag not in _ON_REQUEST)
    ]
    return Cut(None if everything else _wanted(query.attributes, level, is_default=is_default), computed)


def _stored(document: Document) -> bytes:
    if "metadata" in document:
        return unpack(document["metadata"])
    encoded: bytes = document.get("attributes") or document.get("qido") or b"{}"
    return encoded


@lru_cache(_MOST_KEPT)
def _wanted(named: frozenset[str], level: Level, *, is_default: bool) -> frozenset[str]:
    """Return the tags of the stored attributes that are returned."""
    return (named | (DEFAULT_ATTRIBUTES[level] if is_default else frozenset())) - COMPUTED_ATTRIBUTES


def encode_row(parts: Sequence[Attributes], url: str) -> bytes:
    """Return the JSON object of a resource.

    Parameters
    ----------
    parts : sequence of Attributes
        Of the study, the series and the instance; of equal tags the last one counts.
    url : str
        Where it is retrieved; links of bulk data are relative to it.
    """
    whole: Attributes = {}
    for part in parts:
        whole.update(part)
    whole["00080056"] = _ONLINE
    whole["00081190"] = msgspec.Raw(b'{"vr":"UR","Value":[' + _ENCODER.encode(url) + b"]}")
    encoded = _BY_TAG.encode(whole)
    if _BULK_DATA_URI not in encoded:
        return encoded
    return encoded.replace(_BULK_DATA_URI, _BULK_DATA_URI + f"{url}/bulkdata/".encode())


@lru_cache(_MOST_KEPT)  # there are few modalities, and most numbers are small
def _attribute(vr: str, values: tuple[str | int, ...]) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode({"vr": vr, "Value": values}))


_ONLINE: Final = _attribute("CS", ("ONLINE",))


def _needs_all(query: Query, level: Level) -> bool:
    if query.all_attributes:
        return True
    return any(_level(tag) == level and tag not in _STORED_BY_DEFAULT[level] for tag in query.attributes)


_STORED_BY_DEFAULT: Final = {level: DEFAULT_ATTRIBUTES[level] | COMPUTED_ATTRIBUTES for level in Level}


def _level(tag: str) -> Level:
    """Return the level that `tag` is kept at, the computed ones included."""
    return next((level for level in COMPUTED_FIELDS if tag in COMPUTED_FIELDS[level]), level_of(tag))
