"""Which attribute belongs to which level of study, series, instance, and which ones a query answers by default.

Attributes are named by their tag as DICOM JSON writes it: eight capital hexadecimal digits. The sets follow the modules
of PS3.3: Patient (C.7.1.1), Clinical Trial Subject (C.7.1.3) and Patient Study (C.7.2.2) are answered with the study.
Whatever is in no set belongs to the instance.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

from pydicom.datadict import tag_for_keyword

_TAG = re.compile(r"[0-9A-Fa-f]{8}")


class Level(IntEnum):
    """A level of the hierarchy that can be asked for, the wider the smaller."""

    STUDY = 0
    SERIES = 1
    INSTANCE = 2


def tag_of(name: str) -> str | None:
    """Return the tag that `name` means, a keyword or eight hexadecimal digits (PS3.18 8.3.4); None if neither."""
    if _TAG.fullmatch(name):
        return name.upper()
    tag = tag_for_keyword(name) if name else None  # some retired attributes have an empty keyword
    return None if tag is None else f"{int(tag):08X}"


def _tags(keywords: str) -> frozenset[str]:
    return frozenset(tag for keyword in keywords.split() if (tag := tag_of(keyword)) is not None)


_EVERY_LEVEL = _tags("SpecificCharacterSet TimezoneOffsetFromUTC")

PATIENT_ATTRIBUTES: Final = _tags(
    """
    PatientName PatientID IssuerOfPatientID TypeOfPatientID IssuerOfPatientIDQualifiersSequence
    SourcePatientGroupIdentificationSequence GroupOfPatientsIdentificationSequence PatientBirthDate PatientBirthTime
    PatientBirthDateInAlternativeCalendar PatientDeathDateInAlternativeCalendar PatientAlternativeCalendar PatientSex
    QualityControlSubject StrainDescription StrainNomenclature StrainStockSequence StrainAdditionalInformation
    StrainCodeSequence GeneticModificationsSequence OtherPatientIDs OtherPatientNames OtherPatientIDsSequence
    PatientBirthName PatientMotherBirthName PatientAddress PatientTelephoneNumbers EthnicGroup EthnicGroupCodeSequence
    PatientComments PatientSpeciesDescription PatientSpeciesCodeSequence PatientBreedDescription
    PatientBreedCodeSequence BreedRegistrationSequence ResponsiblePerson ResponsiblePersonRole ResponsibleOrganization
    PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence ReferencedPatientPhotoSequence
    ReferencedPatientSequence ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName
    ClinicalTrialSiteID ClinicalTrialSiteName ClinicalTrialSubjectID ClinicalTrialSubjectReadingID
    ClinicalTrialProtocolEthicsCommitteeName ClinicalTrialProtocolEthicsCommitteeApprovalNumber
    """
)

_STUDY = _tags(
    """
    StudyInstanceUID StudyDate StudyTime AccessionNumber IssuerOfAccessionNumberSequence StudyID StudyDescription
    ReferringPhysicianName ReferringPhysicianIdentificationSequence ConsultingPhysicianName
    ConsultingPhysicianIdentificationSequence PhysiciansOfRecord PhysiciansOfRecordIdentificationSequence
    NameOfPhysiciansReadingStudy PhysiciansReadingStudyIdentificationSequence RequestingService
    RequestingServiceCodeSequence ReferencedStudySequence ProcedureCodeSequence
    ReasonForPerformedProcedureCodeSequence ReasonForVisit ReasonForVisitCodeSequence AdmittingDiagnosesDescription
    AdmittingDiagnosesCodeSequence PatientAge PatientSize PatientSizeCodeSequence PatientWeight PatientBodyMassIndex
    MeasuredAPDimension MeasuredLateralDimension MedicalAlerts Allergies SmokingStatus PregnancyStatus
    LastMenstrualDate PatientSexNeutered PatientState Occupation AdditionalPatientHistory AdmissionID
    IssuerOfAdmissionIDSequence ServiceEpisodeID ServiceEpisodeDescription IssuerOfServiceEpisodeIDSequence
    ClinicalTrialTimePointID ClinicalTrialTimePointDescription LongitudinalTemporalOffsetFromEvent
    LongitudinalTemporalEventType ConsentForClinicalTrialUseSequence
    """
)

_SERIES = _tags(
    """
    Modality SeriesInstanceUID SeriesNumber Laterality SeriesDate SeriesTime PerformingPhysicianName
    PerformingPhysicianIdentificationSequence ProtocolName SeriesDescription SeriesDescriptionCodeSequence
    OperatorsName OperatorIdentificationSequence ReferencedPerformedProcedureStepSequence RelatedSeriesSequence
    BodyPartExamined PatientPosition SmallestPixelValueInSeries LargestPixelValueInSeries RequestAttributesSequence
    PerformedProcedureStepID PerformedProcedureStepStartDate PerformedProcedureStepStartTime
    PerformedProcedureStepEndDate PerformedProcedureStepEndTime PerformedProcedureStepDescription
    PerformedProtocolCodeSequence CommentsOnThePerformedProcedureStep AnatomicalOrientationType TreatmentSessionUID
    Manufacturer InstitutionName InstitutionAddress StationName InstitutionalDepartmentName
    InstitutionalDepartmentTypeCodeSequence ManufacturerModelName ManufacturerDeviceClassUID DeviceSerialNumber
    SoftwareVersions GantryID DeviceUID UDISequence SpatialResolution DateOfLastCalibration TimeOfLastCalibration
    FrameOfReferenceUID PositionReferenceIndicator SynchronizationFrameOfReferenceUID
    ClinicalTrialCoordinatingCenterName ClinicalTrialSeriesID ClinicalTrialSeriesDescription
    """
)

ATTRIBUTES: Final = {
    Level.STUDY: PATIENT_ATTRIBUTES | _STUDY | _EVERY_LEVEL,
    Level.SERIES: _SERIES | _EVERY_LEVEL | _tags("StudyInstanceUID"),
}
"""What a study and a series document keep for `includefield`; an instance keeps all that it has."""

DEFAULT_ATTRIBUTES: Final = {
    Level.STUDY: _EVERY_LEVEL
    | _tags(
        """
        StudyDate StudyTime AccessionNumber ReferringPhysicianName PatientName PatientID IssuerOfPatientID
        PatientBirthDate PatientSex StudyInstanceUID StudyID StudyDescription
        """
    ),
    Level.SERIES: _EVERY_LEVEL
    | _tags(
        """
        Modality SeriesDescription SeriesDate SeriesTime StudyInstanceUID SeriesInstanceUID SeriesNumber
        PerformedProcedureStepStartDate PerformedProcedureStepStartTime RequestAttributesSequence
        """
    ),
    Level.INSTANCE: _EVERY_LEVEL
    | _tags(
        """
        SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID InstanceNumber Rows Columns BitsAllocated
        NumberOfFrames
        """
    ),
}
"""The stored ones of PS3.18 tables 10.6.3-3 to -5, and those that viewers ask for with every list: Study Description,
Issuer of Patient ID, Series Date and Time, and the UIDs of the levels above."""

COMPUTED_ATTRIBUTES: Final = _tags(
    """
    InstanceAvailability ModalitiesInStudy SOPClassesInStudy RetrieveURL NumberOfPatientRelatedStudies
    NumberOfPatientRelatedSeries NumberOfPatientRelatedInstances NumberOfStudyRelatedSeries
    NumberOfStudyRelatedInstances NumberOfSeriesRelatedInstances AvailableTransferSyntaxUID
    """
)
"""Known to the archive only: what an instance says of them is never repeated in an answer."""


def level_of(tag: str) -> Level:
    """Return the level that the attribute `tag` belongs to."""
    if tag in ATTRIBUTES[Level.STUDY]:
        return Level.STUDY
    return Level.SERIES if tag in ATTRIBUTES[Level.SERIES] else Level.INSTANCE
