"""Simulated instances are what their IODs promise, readable by pydicom, and the same for the same seed."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date
from functools import cache
from hashlib import sha256

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from radstream.contract.errors import UnsupportedInstance
from radstream.dimse.sop_classes import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from services.command.simulator.instances import SOP_CLASS_UIDS, Instance, make_instances, to_implicit
from services.command.simulator.people import NAMES, Person, invent_person
from services.command.simulator.plan import MODALITIES, Modality, StudyPlan, make_uid, plan_study

DAY = date(2026, 1, 15)

# Type 1 and 2 attributes of the modules that all of these IODs share (PS3.3 C.7.1.1, C.7.2.1, C.7.3.1, C.7.5.1, C.12.1)
COMMON = """
    PatientName PatientID PatientBirthDate PatientSex StudyInstanceUID StudyDate StudyTime ReferringPhysicianName
    StudyID AccessionNumber Modality SeriesInstanceUID SeriesNumber Manufacturer SOPClassUID SOPInstanceUID
    InstanceNumber ImageType Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel
    PhotometricInterpretation PixelData BodyPartExamined
"""
PLANE = """
    PixelSpacing ImageOrientationPatient ImagePositionPatient SliceThickness FrameOfReferenceUID
    PositionReferenceIndicator PatientPosition WindowCenter WindowWidth
"""
OWN = {
    "CT": PLANE + "RescaleIntercept RescaleSlope KVP AcquisitionNumber",
    "MR": PLANE
    + "ScanningSequence SequenceVariant ScanOptions MRAcquisitionType EchoTime EchoTrainLength RepetitionTime",
    "CR": "ViewPosition PatientOrientation KVP WindowCenter WindowWidth",
    "US": "NumberOfFrames FrameIncrementPointer FrameTime PlanarConfiguration SequenceOfUltrasoundRegions",
}
MAY_BE_EMPTY = {"PositionReferenceIndicator", "ScanOptions", "PatientOrientation"}


def plan(modality: Modality, *, number: int = 0, seed: int = 7, slices: int = 3, scale: float = 0.25) -> StudyPlan:
    return plan_study(seed, number, (modality,), day=DAY, slices=slices, scale=scale)


@cache
def instances(modality: Modality) -> tuple[Instance, ...]:
    return tuple(make_instances(plan(modality)))


def read(data_set: bytes, transfer_syntax_uid: str = EXPLICIT_VR_LITTLE_ENDIAN) -> Dataset:
    ds = pydicom.dcmread(io.BytesIO(data_set), force=True)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    ds.decode()
    return ds


def read_all(made: Iterable[Instance]) -> list[Dataset]:
    return [read(instance.data_set) for instance in made]


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_mandatory_attribute_is_there(modality: Modality) -> None:
    for ds in read_all(instances(modality)):
        assert ds.Modality == modality
        assert SOP_CLASS_UIDS[modality] == ds.SOPClassUID
        for keyword in (COMMON + OWN[modality]).split():
            assert keyword in ds, keyword
            assert keyword in MAY_BE_EMPTY or ds[keyword].value not in ("", None, []), keyword


@pytest.mark.parametrize("modality", MODALITIES)
def test_uids_are_valid_and_of_one_study(modality: Modality) -> None:
    found = read_all(instances(modality))
    assert len({ds.StudyInstanceUID for ds in found}) == 1
    assert len({ds.SOPInstanceUID for ds in found}) == len(found)
    for ds in found:
        for uid in (ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID):
            assert UID(uid).is_valid
    by_number = {ds.SeriesNumber: ds.SeriesInstanceUID for ds in found}
    assert len(set(by_number.values())) == len(by_number)


@pytest.mark.parametrize("modality", MODALITIES)
def test_pixels_are_a_picture(modality: Modality) -> None:
    for ds in read_all(instances(modality)):
        pixels = ds.pixel_array
        assert pixels.shape[-3 if modality == "US" else -2 :][:2] == (ds.Rows, ds.Columns)
        assert len(np.unique(pixels)) > 100
        assert pixels.max() < 2**ds.BitsStored


def test_a_ct_is_in_hounsfield_units_with_air_outside_and_tissue_inside() -> None:
    for ds in read_all(instances("CT")):
        hounsfield = ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
        assert (ds.BitsAllocated, ds.PixelRepresentation) == (16, 1)
        assert hounsfield[:6, :6].mean() == pytest.approx(-1000, abs=20)
        middle = hounsfield[ds.Rows // 4 : -ds.Rows // 4, ds.Columns // 4 : -ds.Columns // 4]
        assert middle.max() > 300  # bone
        assert (abs(middle - 50) < 60).mean() > 0.05  # soft tissue


@pytest.mark.parametrize(("modality", "series", "slices"), [("CT", 1, 3), ("MR", 3, 3)])
def test_slices_are_stacked_at_their_spacing(modality: Modality, series: int, slices: int) -> None:
    found = read_all(instances(modality))
    assert len({ds.FrameOfReferenceUID for ds in found}) == 1
    for number in {ds.SeriesNumber for ds in found}:
        heights = [float(ds.ImagePositionPatient[2]) for ds in found if ds.SeriesNumber == number]
        assert len(heights) == slices
        assert abs(np.diff(heights)) == pytest.approx(float(found[0].SpacingBetweenSlices), abs=0.001)
    assert len(found) == series * slices


def test_an_ultrasound_loop_moves_in_time() -> None:
    for ds in read_all(instances("US")):
        assert ds.FrameIncrementPointer == 0x00181063
        assert ds.PhotometricInterpretation == "RGB"
        assert ds.pixel_array.shape == (3, ds.Rows, ds.Columns, 3)
        assert float(ds.FrameTime) * int(ds.CineRate) == 1000
        assert (ds.pixel_array[0] != ds.pixel_array[2]).mean() > 0.1


def test_radiographs_come_in_both_polarities() -> None:
    made = [read_all(make_instances(plan("CR", number=number)))[0] for number in (0, 4)]
    assert [ds.PhotometricInterpretation for ds in made] == ["MONOCHROME2", "MONOCHROME1"]
    assert [ds.PresentationLUTShape for ds in made] == ["IDENTITY", "INVERSE"]
    for ds in made:
        assert (ds.BitsStored, ds.HighBit) == (12, 11)
        low, high = ds.WindowCenter - ds.WindowWidth / 2, ds.WindowCenter + ds.WindowWidth / 2
        assert ((ds.pixel_array >= low - 1) & (ds.pixel_array <= high)).mean() > 0.9


@pytest.mark.parametrize("modality", MODALITIES)
def test_equal_seeds_give_equal_bytes(modality: Modality) -> None:
    assert [one.data_set for one in make_instances(plan(modality))] == [one.data_set for one in instances(modality)]


def test_other_seeds_and_numbers_give_other_studies() -> None:
    uids = {plan("CT", seed=seed, number=number).study_instance_uid for seed in range(3) for number in range(3)}
    assert len(uids) == 9
    assert next(make_instances(plan("CT", seed=8))).data_set != instances("CT")[0].data_set


async def test_implicit_vr_says_the_same_as_explicit() -> None:
    instance = instances("US")[0]
    converted = await to_implicit(instance, {IMPLICIT_VR_LITTLE_ENDIAN})
    implicit = converted.data_set
    assert implicit != instance.data_set
    assert converted.transfer_syntax_uid == IMPLICIT_VR_LITTLE_ENDIAN
    assert [converted.sha256, instance.sha256] == [sha256(implicit).hexdigest(), sha256(instance.data_set).hexdigest()]
    values = [
        {
            element.tag: element.value for element in ds
        }  # the VR of the pixels may differ: OW is the only one (PS3.5 A.1)
        for ds in (read(implicit, IMPLICIT_VR_LITTLE_ENDIAN), read(instance.data_set))
    ]
    assert values[0] == values[1]


async def test_what_the_peer_does_not_take_in_implicit_vr_either_is_unsupported() -> None:
    with pytest.raises(UnsupportedInstance):
        await to_implicit(instances("CT")[0], {"1.2.840.10008.1.2.4.50"})


@pytest.mark.parametrize(("name", "sex", "character_sets"), NAMES)
def test_every_name_survives_its_character_set(name: str, sex: str, character_sets: tuple[str, ...]) -> None:
    person = Person("1", name, character_sets, sex, date(1970, 2, 3), 1.7, 70)
    study = StudyPlan(1, 0, "MR", person, plan("MR").started_at, "A1", slices=1, scale=0.2)
    ds = read(next(make_instances(study)).data_set)
    assert str(ds.PatientName) == name
    assert ds.PatientSex == sex


def test_an_age_counts_birthdays() -> None:
    person = Person("1", "A^B", (), "F", date(1980, 3, 2), 1.7, 60)
    assert [person.age(day) for day in (date(2026, 3, 1), date(2026, 3, 2))] == ["045Y", "046Y"]


def test_people_are_many_and_some_come_again() -> None:
    people = [plan_study(3, number, day=DAY).person for number in range(40)]
    assert 20 < len({person.patient_id for person in people}) < 40
    assert len({person.name for person in people}) > 8
    assert invent_person(np.random.default_rng(1)) == invent_person(np.random.default_rng(1))


def test_made_uids_have_the_form_of_a_uuid() -> None:
    value = int(make_uid("a").removeprefix("2.25."))
    assert value >> 76 & 0xF == 8
    assert value >> 62 & 0x3 == 2
    assert len(make_uid("a", 1)) <= 44
