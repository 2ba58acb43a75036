from __future__ import annotations

import pytest

from radstream.dicom.levels import (
    ATTRIBUTES,
    COMPUTED_ATTRIBUTES,
    DEFAULT_ATTRIBUTES,
    PATIENT_ATTRIBUTES,
    Level,
    level_of,
    tag_of,
)


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("PatientID", "00100020"),
        ("00100020", "00100020"),
        ("0008103e", "0008103E"),
        ("00091002", "00091002"),
        ("patientid", None),
        ("0010002", None),
        ("0010,0020", None),
        ("", None),
    ],
)
def test_an_attribute_is_named_by_keyword_or_tag(name: str, tag: str | None) -> None:
    assert tag_of(name) == tag


@pytest.mark.parametrize(
    ("keyword", "level"),
    [
        ("PatientName", Level.STUDY),
        ("PatientAge", Level.STUDY),
        ("StudyDate", Level.STUDY),
        ("Modality", Level.SERIES),
        ("Manufacturer", Level.SERIES),
        ("Rows", Level.INSTANCE),
        ("AcquisitionDate", Level.INSTANCE),
    ],
)
def test_attributes_have_the_level_of_their_module(keyword: str, level: Level) -> None:
    tag = tag_of(keyword)
    assert tag is not None
    assert level_of(tag) is level


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES])
def test_what_is_answered_by_default_is_kept_for_includefield_too(level: Level) -> None:
    assert DEFAULT_ATTRIBUTES[level] <= ATTRIBUTES[level]


def test_nothing_that_is_computed_is_stored() -> None:
    for stored in (*ATTRIBUTES.values(), *DEFAULT_ATTRIBUTES.values()):
        assert not stored & COMPUTED_ATTRIBUTES


def test_the_patient_is_answered_with_the_study() -> None:
    assert ATTRIBUTES[Level.STUDY] > PATIENT_ATTRIBUTES
