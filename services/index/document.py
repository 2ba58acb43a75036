"""From an instance's event and header to the documents of its patient, study, series and of itself. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from radstream.contract.blob_keys import InstanceKey
from radstream.contract.documents import instance_order, patient_key, series_key
from radstream.contract.events import InstanceEvent
from radstream.dicom import packing
from radstream.dicom.levels import ATTRIBUTES, DEFAULT_ATTRIBUTES, PATIENT_ATTRIBUTES, Level
from radstream.dicom.searchable import Searchable
from services.index.values import Attributes, Values

Document = dict[str, Any]

LARGEST_VALUE_BYTES: Final = 1 << 16
"""As JSON. A larger attribute is left out of query answers (`metadata` has it): lists stay lists, not data sets."""

LARGEST_FLAGS: Final = 64


@dataclass(frozen=True)
class Parents:
    """The documents that an instance makes of its series, study and patient, without what is computed.

    Parameters
    ----------
    flags : frozenset of str
        What was malformed in them, see `services.index.values`.
    """

    series_key: str
    series: Document
    study_instance_uid: str
    study: Document
    patient_key: str
    patient: Document
    flags: frozenset[str]

    @property
    def order(self) -> str:
        """Of the instance that they are made from."""
        return str(self.series["order"])


@dataclass(frozen=True)
class Reading:
    """What was read of an instance's blob.

    Parameters
    ----------
    attributes : Attributes
        Its complete DICOM JSON object.
    flags : tuple of str
        What was malformed in the header.
    transfer_syntax_uid : str
        As the blob's own meta group names it.
    header_bytes : int
        Offset of the Pixel Data in the blob; 0 if it has none of its own (deflated).
    frames : bytes
        Encoded frame table; empty if there is no Pixel Data.
    """

    attributes: Attributes
    flags: tuple[str, ...]
    transfer_syntax_uid: str
    header_bytes: int
    frames: bytes


def identified(attributes: Attributes, key: InstanceKey, sop_class_uid: str) -> Attributes:
    """Return `attributes`, by tag, with the UIDs under which the instance is kept, even if its header is unreadable."""
    uids = {
        "00080016": sop_class_uid,
        "00080018": key.sop_instance_uid,
        "0020000D": key.study_instance_uid,
        "0020000E": key.series_instance_uid,
    }
    own = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items() if uid}
    return dict(sorted((dict(attributes) | own).items()))


def instance_document(
    event: InstanceEvent, reading: Reading, flags: frozenset[str] = frozenset(), searchable: Sequence[Searchable] = ()
) -> Document:
    """Return the document of the instance itself.

    Parameters
    ----------
    flags : frozenset of str
        Those of its `Parents`, kept with the instance.
    """
    values = Values(reading.attributes)
    document: Document = {
        "SOPInstanceUID": event.sop_instance_uid,
        "StudyInstanceUID": event.study_instance_uid,
        "SeriesInstanceUID": event.series_instance_uid,
        "series_key": series_key(event.study_instance_uid, event.series_instance_uid),
        "SOPClassUID": event.sop_class_uid,
        "InstanceNumber": values.integer("00200013"),
        "Rows": values.integer("00280010"),
        "Columns": values.integer("00280011"),
        "NumberOfFrames": values.integer("00280008"),
        "TransferSyntaxUID": reading.transfer_syntax_uid,
        "blob_key": event.blob_key,
        "sha256": event.sha256,
        "size_bytes": event.size_bytes,
        "header_bytes": reading.header_bytes,
        "stored_at": event.occurred_at,
        "order": instance_order(event.occurred_at, event.blob_key),
        "qido": _some(reading.attributes, DEFAULT_ATTRIBUTES[Level.INSTANCE]),
        "frames": reading.frames,
        "metadata": pack(reading.attributes),
        "searchable": values.searchable(_at(Level.INSTANCE, searchable)),
    }
    return document | {"flags": sorted(values.flags | flags | set(reading.flags))[:LARGEST_FLAGS]}


def parents_of(attributes: Attributes, key: InstanceKey, order: str, searchable: Sequence[Searchable] = ()) -> Parents:
    """Return the documents of the series, study and patient of the instance under `key`.

    Parameters
    ----------
    attributes : Attributes
        Complete, as `identified` returns them.
    order : str
        See `radstream.contract.documents.instance_order`.
    searchable : sequence of Searchable
        What the operator wants to search for beside what every document has.
    """
    values = Values(attributes)
    series, study = _series(attributes, values, key), _study(attributes, values, key)
    series["searchable"] = values.searchable(_at(Level.SERIES, searchable))
    study["searchable"] = values.searchable(_at(Level.STUDY, searchable))
    patient = patient_in(attributes, order)
    return Parents(
        series_key=series_key(key.study_instance_uid, key.series_instance_uid),
        series=series | {"order": order},
        study_instance_uid=key.study_instance_uid,
        study=study | {"order": order},
        patient_key=str(study["patient_key"]),
        patient=patient,
        flags=frozenset(values.flags),
    )


def _at(level: Level, searchable: Sequence[Searchable]) -> list[Searchable]:
    return [one for one in searchable if one.level is level]


def _series(attributes: Attributes, values: Values, key: InstanceKey) -> Document:
    return {
        "SeriesInstanceUID": key.series_instance_uid,
        "StudyInstanceUID": key.study_instance_uid,
        "Modality": values.text("00080060"),
        "SeriesNumber": values.integer("00200011"),
        "SeriesDescription_folded": values.folded("0008103E"),
        "BodyPartExamined": values.text("00180015"),
        "PerformedProcedureStepStartDate": values.date("00400244"),
        "PerformedProcedureStepStartTime": values.time("00400245"),
        "ScheduledProcedureStepID": values.in_items("00400275", "00400009"),
        "RequestedProcedureID": values.in_items("00400275", "00401001"),
        "RequestAttributesSequence": values.requests(),
        "qido": _some(attributes, DEFAULT_ATTRIBUTES[Level.SERIES]),
        "attributes": _some(attributes, ATTRIBUTES[Level.SERIES]),
    }


def _study(attributes: Attributes, values: Values, key: InstanceKey) -> Document:
    patient = _patient_fields(values)
    ids = patient["IssuerOfPatientID"] or "", patient["PatientID"] or ""
    return patient | {
        "StudyInstanceUID": key.study_instance_uid,
        "patient_key": patient_key(key.site, *ids, key.study_instance_uid),
        "StudyDate": values.date("00080020"),
        "StudyTime": values.time("00080030"),
        "AccessionNumber": values.text("00080050"),
        "StudyID": values.text("00200010"),
        "StudyDescription_folded": values.folded("00081030"),
        "ReferringPhysicianName_folded": values.folded_names("00080090"),
        "ReferringPhysicianName_sounds": values.sounds("00080090"),
        "PatientName_sounds": values.sounds("00100010"),
        "site": key.site,
        "qido": _some(attributes, DEFAULT_ATTRIBUTES[Level.STUDY]),
        "attributes": _some(attributes, ATTRIBUTES[Level.STUDY]),
    }


def patient_in(attributes: Attributes, order: str) -> Document:
    """Return the document of the patient, from all attributes of an instance or those of a study document."""
    own = _some(attributes, PATIENT_ATTRIBUTES)
    return _patient_fields(Values(attributes)) | {"order": order, "qido": own, "attributes": own}


def _patient_fields(values: Values) -> Document:
    return {
        "PatientID": values.text("00100020"),
        "IssuerOfPatientID": values.text("00100021"),
        "PatientName": values.name("00100010"),
        "PatientName_folded": values.folded_names("00100010"),
        "PatientBirthDate": values.date("00100030"),
        "PatientSex": values.text("00100040"),
    }


def _some(attributes: Attributes, tags: frozenset[str]) -> bytes:
    """Return the JSON object of those of `attributes` that are in `tags` and not far too large."""
    some = {tag: attributes[tag] for tag in attributes if tag in tags}
    encoded = encode(some)
    if len(encoded) <= LARGEST_VALUE_BYTES:
        return encoded
    return encode({tag: some[tag] for tag in some if len(encode(some[tag])) <= LARGEST_VALUE_BYTES})


def encode(value: Mapping[str, Any]) -> bytes:
    """Return `value` as JSON, whatever numbers and text a data set made of it."""
    try:
        return orjson.dumps(value)
    except TypeError:  # a number of more than 64 bits, or text that is no Unicode
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def decode(encoded: bytes) -> Attributes:
    """Return the DICOM JSON object that `encode` wrote; slower than orjson, but true to every number."""
    attributes: Attributes = json.loads(encoded)
    return attributes


def pack(attributes: Attributes) -> bytes:
    """Return the complete DICOM JSON object, ready to be sent once it is inflated with zstd.

    What the sender said of attributes that only an archive can know (PS3.18 10.6.3) is left in: it is its data set.
    """
    return packing.pack(encode(attributes))


def unpack(metadata: bytes) -> Attributes:
    """Return the DICOM JSON object in the `metadata` of an instance document."""
    return decode(packing.unpack(metadata))
