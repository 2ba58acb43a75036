"""Presentation states for tests: about one image, saying as little as a valid one may."""

from __future__ import annotations

from typing import Any

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

GRAYSCALE = "1.2.840.10008.5.1.4.1.1.11.1"
COLOR = "1.2.840.10008.5.1.4.1.1.11.2"
PSEUDO_COLOR = "1.2.840.10008.5.1.4.1.1.11.3"


def items(*attributes: dict[str, Any]) -> Sequence:
    """Return a sequence of items with these attributes."""
    found = []
    for each in attributes:
        item = Dataset()
        for keyword, value in each.items():
            if keyword == "LUTData":
                item.add_new(keyword, "US", value)
            else:
                setattr(item, keyword, value)
        found.append(item)
    return Sequence(found)


def state_of(image: Dataset, sop_class_uid: str = GRAYSCALE, uid: str = "2.25.77", **attributes: Any) -> Dataset:
    """Return a presentation state about `image`, in its study, with `attributes` beside what it must have."""
    reference = {"ReferencedSOPClassUID": image.SOPClassUID, "ReferencedSOPInstanceUID": image.SOPInstanceUID}
    state = Dataset()
    plain: dict[str, Any] = {
        "SOPClassUID": sop_class_uid,
        "SOPInstanceUID": uid,
        "StudyInstanceUID": image.StudyInstanceUID,
        "SeriesInstanceUID": "2.25.78",
        "PatientName": "Doe^Jane",
        "PatientID": "1",
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyDate": "20260102",
        "StudyTime": "101112",
        "ReferringPhysicianName": "",
        "StudyID": "1",
        "AccessionNumber": "",
        "Manufacturer": "none",
        "Modality": "PR",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "ContentLabel": "TEST",
        "ContentDescription": "",
        "PresentationCreationDate": "20260102",
        "PresentationCreationTime": "101112",
        "ContentCreatorName": "",
        "PresentationLUTShape": "IDENTITY",
        "ReferencedSeriesSequence": items(
            {"SeriesInstanceUID": image.SeriesInstanceUID, "ReferencedImageSequence": items(reference)}
        ),
        "DisplayedAreaSelectionSequence": items(
            {
                "DisplayedAreaTopLeftHandCorner": [1, 1],
                "DisplayedAreaBottomRightHandCorner": [image.Columns, image.Rows],
                "PresentationSizeMode": "SCALE TO FIT",
                "PresentationPixelAspectRatio": [1, 1],
            }
        ),
    }
    for keyword, value in (plain | attributes).items():
        if value is not None:
            setattr(state, keyword, value)
    state.file_meta = FileMetaDataset()
    state.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return state
