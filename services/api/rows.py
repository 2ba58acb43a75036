"""One resource in the answer of a query: attributes as they are stored, joined with what is computed. Pure.

Values are never parsed: a stored JSON object is only cut into its attributes, whose bytes are put together anew, in the
order of their tags (PS3.18 F.2.2).
"""

from __future__ import annotations

from collections.abc import Sequence
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
    Level.INSTANCE: {},
}
"""VR and field of the attributes that the archive computes (PS3.18 tables 10.6.3-3 and -4)."""

_SOP_CLASSES_IN_STUDY: Final = "00080062"
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
    computed = tuple(name for _, name in COMPUTED_FIELDS[level].values())
    if level is Level.INSTANCE:
        return ("StudyInstanceUID", "SeriesInstanceUID", "series_key", "qido")
    parent = ("StudyInstanceUID", "SeriesInstanceUID") if level is Level.SERIES else ()
    return (*parent, "attributes" if _needs_all(query, level) else "qido", *computed)


def needs_metadata(query: Query) -> bool:
    """Tell whether the complete JSON of the instances has to be read."""
    return query.level is Level.INSTANCE and _needs_all(query, Level.INSTANCE)


def attributes_of(query: Query, level: Level, document: Document, *, is_default: bool) -> Attributes:
    """Return the attributes of `level` that the answer has.

    Parameters
    ----------
    document : Document
        With `fields_of` its level, or `metadata`.
    is_default : bool
        Whether the answer has the default ones too, not only those that were named.
    """
    if "metadata" in document:
        encoded = unpack(document["metadata"])
    else:
        encoded = document.get("attributes") or document.get("qido") or b"{}"
    stored = _DECODER.decode(encoded)
    if query.all_attributes:
        kept = {tag: value for tag, value in stored.items() if tag not in COMPUTED_ATTRIBUTES}
    else:
        wanted = _wanted(query.attributes, level, is_default=is_default)
        is_all = stored.keys() <= wanted
        kept = stored if is_all else {tag: value for tag, value in stored.items() if tag in wanted}
    kept.update(_computed(query, level, document, is_default=is_default))
    return kept


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
        whole |= part
    whole["00080056"] = _attribute("CS", ("ONLINE",))
    whole["00081190"] = msgspec.Raw(_ENCODER.encode({"vr": "UR", "Value": (url,)}))
    encoded = _BY_TAG.encode(whole)
    if _BULK_DATA_URI not in encoded:
        return encoded
    return encoded.replace(_BULK_DATA_URI, _BULK_DATA_URI + f"{url}/bulkdata/".encode())


def _computed(query: Query, level: Level, document: Document, *, is_default: bool) -> Attributes:
    found = {}
    for tag, (vr, name) in COMPUTED_FIELDS[level].items():
        by_default = is_default and tag != _SOP_CLASSES_IN_STUDY
        if by_default or query.all_attributes or tag in query.attributes:
            value = document.get(name)
            if value != []:  # a study of which no instance says its modality: a viewer's whole list fails over that
                found[tag] = _attribute(vr, tuple(value) if isinstance(value, list) else (value or 0,))
    return found


@lru_cache(_MOST_KEPT)  # there are few modalities, and most numbers are small
def _attribute(vr: str, values: tuple[str | int, ...]) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode({"vr": vr, "Value": values}))


def _needs_all(query: Query, level: Level) -> bool:
    if query.all_attributes:
        return True
    return any(_level(tag) == level and tag not in _STORED_BY_DEFAULT[level] for tag in query.attributes)


_STORED_BY_DEFAULT: Final = {level: DEFAULT_ATTRIBUTES[level] | COMPUTED_ATTRIBUTES for level in Level}


def _level(tag: str) -> Level:
    """Return the level that `tag` is kept at, the computed ones included."""
    return next((level for level in COMPUTED_FIELDS if tag in COMPUTED_FIELDS[level]), level_of(tag))
