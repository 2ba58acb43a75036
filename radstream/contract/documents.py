"""Every collection of the catalog, its key and its fields. Both adapters make their tables and indexes from this page.

Names are the exact DICOM keywords where a field is an attribute. A field that ends in ``_folded`` is a copy for
matching (see `radstream.dicom.folding`): case-folded, accents stripped; one that ends in ``_sounds`` is for fuzzy
matching (see `radstream.dicom.sounds`). Fields in lower case are our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Field:
    """A field of a collection.

    Parameters
    ----------
    kind : {"text", "int", "list", "bytes"}
        ``list`` is a list of text, each element of which can be matched.
    large : bool
        The value is long and seldom read: an adapter may keep it apart.
    infix : bool
        People search for what stands in its middle: an adapter keeps an index for that.
    counted : bool
        People turn pages in its order: an adapter may keep how many documents have each value.
    """

    name: str
    kind: Literal["text", "int", "list", "bytes"] = "text"
    large: bool = False
    infix: bool = False
    counted: bool = False


@dataclass(frozen=True)
class Collection:
    """A collection.

    Parameters
    ----------
    indexes : tuple of tuple of str
        Each the fields of one index, "-name" for descending.
    """

    name: str
    fields: tuple[Field, ...]
    indexes: tuple[tuple[str, ...], ...]


# A document made from an instance carries `order` (when and with which bytes that instance was stored: the smallest
# wins), the DICOM JSON attributes of its level (`attributes`), and those of the default QIDO answer (`qido`), both as
# the bytes of a JSON object without the computed attributes.
_FROM_AN_INSTANCE: Final = (
    Field("order"),
    Field("qido", "bytes"),
    Field("attributes", "bytes", large=True),
)

PATIENTS: Final = Collection(
    name="patients",  # key: issuer and Patient ID, see `patient_key`
    fields=(
        Field("PatientID"),
        Field("IssuerOfPatientID"),
        Field("PatientName"),
        Field("PatientName_folded", "list"),
        Field("PatientBirthDate"),
        Field("PatientSex"),
        *_FROM_AN_INSTANCE,
    ),
    indexes=(("PatientID",), ("PatientName_folded",)),
)

STUDIES: Final = Collection(
    name="studies",  # key: Study Instance UID
    fields=(
        Field("StudyInstanceUID"),
        Field("patient_key"),
        Field("PatientID", infix=True),
        Field("IssuerOfPatientID"),
        Field("PatientName"),
        Field("PatientName_folded", "list", infix=True),
        Field("PatientName_sounds", "list"),
        Field("PatientBirthDate"),
        Field("PatientSex"),
        Field("StudyDate", counted=True),
        Field("StudyTime"),
        Field("AccessionNumber", infix=True),
        Field("StudyID"),
        Field("StudyDescription_folded", infix=True),
        Field("ReferringPhysicianName_folded", "list", infix=True),
        Field("ReferringPhysicianName_sounds", "list"),
        Field("ModalitiesInStudy", "list"),
        Field("SOPClassesInStudy", "list"),
        Field("NumberOfStudyRelatedSeries", "int"),
        Field("NumberOfStudyRelatedInstances", "int"),
        Field("site"),
        Field("last_stored_at"),  # of its newest instance, see `events.to_timestamp`
        Field("last_indexed_at"),
        Field("is_complete", "int"),  # 1 when announced as complete
        Field("is_urgent", "int"),  # 1 once an instance came as urgent; how they came no blob tells, nor a rebuild
        Field("searchable", "list"),  # what else the operator wants to search for, see `dicom.searchable`
        *_FROM_AN_INSTANCE,
    ),
    indexes=(
        ("-StudyDate", "-StudyTime"),
        ("PatientID", "-StudyDate"),
        ("AccessionNumber",),
        ("StudyID",),
        ("PatientName_folded",),
        ("PatientName_sounds",),
        ("PatientBirthDate",),
        ("StudyDescription_folded",),
        ("ReferringPhysicianName_folded",),
        ("ReferringPhysicianName_sounds",),
        ("ModalitiesInStudy",),
        ("patient_key",),
        ("is_complete", "last_indexed_at"),
        ("searchable",),
    ),
)

SERIES: Final = Collection(
    name="series",  # key: see `series_key`
    fields=(
        Field("SeriesInstanceUID"),
        Field("StudyInstanceUID"),
        Field("Modality"),
        Field("SeriesNumber", "int"),
        Field("SeriesDescription_folded"),
        Field("BodyPartExamined"),
        Field("PerformedProcedureStepStartDate"),
        Field("PerformedProcedureStepStartTime"),
        Field("ScheduledProcedureStepID", "list"),  # of the items of (0040,0275) Request Attributes Sequence
        Field("RequestedProcedureID", "list"),
        Field("RequestAttributesSequence", "list"),  # of each item, see `request_key`
        Field("SOPClassesInSeries", "list"),
        Field("searchable", "list"),
        Field("NumberOfSeriesRelatedInstances", "int"),
        Field("last_stored_at"),
        *_FROM_AN_INSTANCE,
    ),
    indexes=(
        ("StudyInstanceUID", "SeriesNumber"),
        ("SeriesInstanceUID",),
        ("Modality",),
        ("PerformedProcedureStepStartDate",),
        ("ScheduledProcedureStepID",),
        ("RequestedProcedureID",),
        ("RequestAttributesSequence",),
        ("searchable",),
    ),
)

INSTANCES: Final = Collection(
    name="instances",  # key: SOP Instance UID
    fields=(
        Field("SOPInstanceUID"),
        Field("StudyInstanceUID"),
        Field("SeriesInstanceUID"),
        Field("series_key"),
        Field("SOPClassUID"),
        Field("InstanceNumber", "int"),
        Field("Rows", "int"),
        Field("Columns", "int"),
        Field("NumberOfFrames", "int"),
        Field("TransferSyntaxUID"),
        Field("blob_key"),
        Field("sha256"),
        Field("size_bytes", "int"),
        Field("header_bytes", "int"),
        Field("stored_at"),
        Field("flags", "list"),  # what was malformed in the header, without values; see `dicom.json`
        Field("searchable", "list"),
        Field("order"),
        Field("others", "list"),
        Field("qido", "bytes"),
        Field("frames", "bytes", large=True),  # see `dicom.frames`; empty if there is no Pixel Data
        Field("metadata", "bytes", large=True),  # the complete DICOM JSON object, zstd
    ),
    indexes=(
        ("series_key", "InstanceNumber"),
        ("StudyInstanceUID",),
        ("SeriesInstanceUID",),
        ("SOPClassUID",),
        ("searchable",),
    ),
)

CONFLICTS: Final = Collection(
    name="conflicts",  # key: blob key of the hidden version
    fields=(
        Field("SOPInstanceUID"),
        Field("StudyInstanceUID"),
        Field("hidden_blob_key"),
        Field("visible_blob_key"),
        Field("stored_at"),  # of the hidden version
    ),
    indexes=(("SOPInstanceUID",), ("StudyInstanceUID",), ("stored_at",), ("visible_blob_key",)),
)

REMOVALS: Final = Collection(
    name="removals",  # key: Study Instance UID; tells who watches the catalog that a study has left it
    fields=(Field("removed_at"),),  # see `events.to_timestamp`
    indexes=(("removed_at",),),
)

COLLECTIONS: Final = (PATIENTS, STUDIES, SERIES, INSTANCES, CONFLICTS, REMOVALS)


def patient_key(site: str, issuer: str, patient_id: str, study_instance_uid: str) -> str:
    """Return the key of a patient: the id within its issuer, or within the site where none is named.

    Without a Patient ID nobody can say that two studies are of one person, so each study has a patient of its own.
    """
    if not patient_id:
        return f"study\\{study_instance_uid}"
    return f"issuer\\{issuer}\\{patient_id}" if issuer else f"site\\{site}\\{patient_id}"


def series_key(study_instance_uid: str, series_instance_uid: str) -> str:
    """Return the key of a series; of both UIDs, since devices reuse Series Instance UIDs in copied studies."""
    return f"{study_instance_uid}/{series_instance_uid}"


def request_key(requested_procedure_id: str, scheduled_procedure_step_id: str) -> str:
    """Return an item of the Request Attributes Sequence as one text; neither id has a backslash (PS3.5 6.2)."""
    return f"{requested_procedure_id}\\{scheduled_procedure_step_id}"


def instance_order(stored_at: str, blob_key: str) -> str:
    """Return what orders the versions of an instance: first stored first, its address at the end to break ties."""
    return f"{stored_at} {blob_key}"
