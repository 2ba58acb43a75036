from __future__ import annotations

import pytest

from radstream.catalog.filters import And, Equals, Exists, In, Or, Predicate, Range, Wildcard
from radstream.contract.errors import MalformedRequest
from radstream.dicom.levels import Level
from services.api.query import parse_query

STUDY, SERIES, INSTANCE = Level.STUDY, Level.SERIES, Level.INSTANCE


def conditions(level: Level, *parameters: tuple[str, str]) -> dict[Level, list[Predicate]]:
    query = parse_query(level, parameters)
    assert query.warnings == ()
    return {level: list(found) for level, found in query.conditions.items() if found}


@pytest.mark.parametrize(
    ("name", "value", "predicate"),
    [
        ("PatientID", "P1", Equals("PatientID", "P1")),
        ("00100020", "*P1*", Wildcard("PatientID", "*P1*")),
        ("PatientID", "P?1", Wildcard("PatientID", "P?1")),
        ("PatientID", " P1 ", Equals("PatientID", "P1")),
        ("PatientID", "A\\B", In("PatientID", ["A", "B"])),
        ("PatientID", "A,B", Equals("PatientID", "A,B")),
        ("PatientID", "A*\\B", Or([Wildcard("PatientID", "A*"), Equals("PatientID", "B")])),
        ("IssuerOfPatientID", "H", Equals("IssuerOfPatientID", "H")),
        ("AccessionNumber", "A[1]", Equals("AccessionNumber", "A[1]")),
        ("0020000d", "1.2.3", Equals("_id", "1.2.3")),
        ("StudyInstanceUID", "1.2,1.3", In("_id", ["1.2", "1.3"])),
        ("StudyInstanceUID", "1.2\\1.3", In("_id", ["1.2", "1.3"])),
        ("StudyDate", "20260102", Equals("StudyDate", "20260102")),
        ("StudyDate", "20260102-20260102", Equals("StudyDate", "20260102")),
        ("StudyDate", "20260101-20261231", Range("StudyDate", "20260101", "20261231")),
        ("StudyDate", "-20261231", Range("StudyDate", None, "20261231")),
        ("StudyDate", "20260101-", Range("StudyDate", "20260101", None)),
        ("StudyDate", "2026.01.02", Equals("StudyDate", "20260102")),
        ("PatientBirthDate", "19700101", Equals("PatientBirthDate", "19700101")),
        ("StudyTime", "101112", Range("StudyTime", "101112.000000", "101112.999999")),
        ("StudyTime", "10", Range("StudyTime", "100000.000000", "105959.999999")),
        ("StudyTime", "1000-1230", Range("StudyTime", "100000.000000", "123059.999999")),
        ("StudyTime", "101112.5-", Range("StudyTime", "101112.500000", None)),
        ("StudyTime", "-12", Range("StudyTime", None, "125959.999999")),
        ("ModalitiesInStudy", "CT", Equals("ModalitiesInStudy", "CT")),
        ("ModalitiesInStudy", "CT,MR", In("ModalitiesInStudy", ["CT", "MR"])),
        ("Modality", "CT\\MR", In("ModalitiesInStudy", ["CT", "MR"])),
        ("StudyDescription", "*Head*", Wildcard("StudyDescription_folded", "*head*")),
        ("StudyID", "7", Equals("StudyID", "7")),
        ("NumberOfStudyRelatedInstances", "3", Equals("NumberOfStudyRelatedInstances", 3)),
        ("PatientName", "smith", Equals("PatientName_folded", "smith")),
        ("PatientName", "Smith^^^^", Equals("PatientName_folded", "smith")),
        ("PatientName", "MÜLLER^Anna", Equals("PatientName_folded", "muller^anna")),
        ("PatientName", "Smi*", Wildcard("PatientName_folded", "smi*")),
        (
            "PatientName",
            "Smith^*",
            Or([Wildcard("PatientName_folded", "smith^*"), Equals("PatientName_folded", "smith")]),
        ),
        (
            "PatientName",
            "Yamada^Tarou=山田^太郎",
            And([Equals("PatientName_folded", "yamada^tarou"), Equals("PatientName_folded", "山田^太郎")]),
        ),
        ("ReferringPhysicianName", "dr*", Wildcard("ReferringPhysicianName_folded", "dr*")),
    ],
)
def test_attributes_of_a_study(name: str, value: str, predicate: Predicate) -> None:
    assert conditions(STUDY, (name, value)) == {STUDY: [predicate]}


@pytest.mark.parametrize(
    ("name", "value", "predicate"),
    [
        ("Modality", "CT", Equals("Modality", "CT")),
        ("SeriesInstanceUID", "1.2", Equals("SeriesInstanceUID", "1.2")),
        ("StudyInstanceUID", "1.2", Equals("StudyInstanceUID", "1.2")),
        ("SeriesNumber", "3", Equals("SeriesNumber", 3)),
        ("SeriesNumber", "1\\2", In("SeriesNumber", [1, 2])),
        ("SeriesDescription", "*x*", Wildcard("SeriesDescription_folded", "*x*")),
        ("PerformedProcedureStepStartDate", "20260102-", Range("PerformedProcedureStepStartDate", "20260102")),
        (
            "PerformedProcedureStepStartTime",
            "10",
            Range("PerformedProcedureStepStartTime", "100000.000000", "105959.999999"),
        ),
        ("RequestAttributesSequence.ScheduledProcedureStepID", "S1", Equals("ScheduledProcedureStepID", "S1")),
        ("00400275.00401001", "R*", Wildcard("RequestedProcedureID", "R*")),
    ],
)
def test_attributes_of_a_series(name: str, value: str, predicate: Predicate) -> None:
    assert conditions(SERIES, (name, value)) == {SERIES: [predicate]}


@pytest.mark.parametrize(
    ("name", "value", "predicate"),
    [
        ("SOPInstanceUID", "1.2", Equals("_id", "1.2")),
        ("SOPClassUID", "1.2,1.3", In("SOPClassUID", ["1.2", "1.3"])),
        ("InstanceNumber", "1", Equals("InstanceNumber", 1)),
        ("SeriesInstanceUID", "1.2", Equals("SeriesInstanceUID", "1.2")),
        ("Rows", "512", Equals("Rows", 512)),
    ],
)
def test_attributes_of_an_instance(name: str, value: str, predicate: Predicate) -> None:
    assert conditions(INSTANCE, (name, value)) == {INSTANCE: [predicate]}


def test_attributes_of_the_levels_above_are_matched_there() -> None:
    found = conditions(INSTANCE, ("PatientID", "P1"), ("Modality", "CT"), ("InstanceNumber", "1"))
    assert found == {
        STUDY: [Equals("PatientID", "P1")],
        SERIES: [Equals("Modality", "CT")],
        INSTANCE: [Equals("InstanceNumber", 1)],
    }


@pytest.mark.parametrize("name", ["PatientID", "PatientName", "StudyDate", "StudyTime", "StudyInstanceUID", "Modality"])
@pytest.mark.parametrize("value", ["", "*"])
def test_an_empty_value_matches_everything(name: str, value: str) -> None:
    assert conditions(STUDY, (name, value)) == {}


def test_a_matched_attribute_is_returned() -> None:
    assert parse_query(STUDY, [("StudyDescription", "")]).attributes == {"00081030"}
    assert parse_query(SERIES, [("00400275.00401001", "R")]).attributes == {"00400275"}


@pytest.mark.parametrize(
    ("parameters", "tags"),
    [
        ([("includefield", "00081030,00080060,00080090,00100030")], {"00081030", "00080060", "00080090", "00100030"}),
        ([("includefield", "PatientAge"), ("includefield", "0008103e")], {"00101010", "0008103E"}),
        ([("includeField", "RequestAttributesSequence.RequestedProcedureID")], {"00400275"}),
        ([("includefield", "00091002,NoSuchKeyword,,")], {"00091002"}),
        ([("includefield", "all")], set()),
    ],
)
def test_fields_to_include(parameters: list[tuple[str, str]], tags: set[str]) -> None:
    query = parse_query(STUDY, parameters)
    assert query.attributes == tags
    assert query.all_attributes is (not tags)


def test_repeated_uids_are_one_list() -> None:
    parameters = ("StudyInstanceUID", "1.2"), ("StudyInstanceUID", "1.3,1.4")
    assert conditions(STUDY, *parameters) == {STUDY: [In("_id", ["1.2", "1.3", "1.4"])]}


def test_emptiness_is_matched_only_if_asked_for() -> None:
    assert conditions(STUDY, ("AccessionNumber", '""')) == {STUDY: [Equals("AccessionNumber", '""')]}
    parameters = ("AccessionNumber", '""'), ("emptyvaluematching", "true")
    assert conditions(STUDY, *parameters) == {STUDY: [Exists("AccessionNumber", present=False)]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Colour", "blue"),
        ("0010002", "1"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("offset", "1.5"),
        ("fuzzymatching", "maybe"),
        ("StudyDate", "yesterday"),
        ("StudyDate", "20260231"),
        ("StudyDate", "-"),
        ("StudyDate", "20260101-20260102-20260103"),
        ("StudyTime", "25"),
        ("StudyInstanceUID", "1.2*"),
        ("StudyInstanceUID", "1.2/../3"),
        ("NumberOfStudyRelatedSeries", "many"),
        ("PatientID", "x" * 2000),
        ("StudyInstanceUID", ",".join(["1.2"] * 2000)),
    ],
)
def test_what_means_nothing_is_refused(name: str, value: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        parse_query(STUDY, [(name, value)])
    assert name in str(caught.value)
    assert len(value) < 5 or value not in str(caught.value)


def test_a_parameter_that_cannot_be_printed_is_not_repeated() -> None:
    with pytest.raises(MalformedRequest) as caught:
        parse_query(STUDY, [("Sm\nith", "1")])
    assert "Sm" not in str(caught.value)


@pytest.mark.parametrize("name", ["SOPInstanceUID", "SeriesNumber", "00091002", "PatientAge", "PixelData"])
def test_what_cannot_be_matched_is_ignored_with_a_warning(name: str) -> None:
    query = parse_query(STUDY, [(name, "1")])
    assert query.conditions == {}
    assert [name in text for text in query.warnings] == [True]


FUZZY = ("fuzzymatching", "true")
NAME, SOUNDS = "PatientName_folded", "PatientName_sounds"


@pytest.mark.parametrize(
    ("value", "predicate"),
    [
        ("Meyer", In(SOUNDS, ["MR"])),
        ("Smith^John", And([In(SOUNDS, ["SM0", "XMT"]), In(SOUNDS, ["JN", "AN"])])),
        ("john smith", And([In(SOUNDS, ["JN", "AN"]), In(SOUNDS, ["SM0", "XMT"])])),
        ("Smi*", Or([Wildcard(NAME, f"{beginning}smi*") for beginning in ("", "*^", "* ", "*-")])),
        ("Meyer^*", In(SOUNDS, ["MR"])),
    ],
)
def test_fuzzy_matching_is_by_the_sound_of_each_word(value: str, predicate: Predicate) -> None:
    assert conditions(STUDY, ("PatientName", value), FUZZY) == {STUDY: [predicate]}


def test_fuzzy_matching_is_for_names_only() -> None:
    assert conditions(STUDY, ("StudyDescription", "Meyer"), FUZZY) == {
        STUDY: [Equals("StudyDescription_folded", "meyer")]
    }
    assert conditions(STUDY, ("PatientName", "*"), FUZZY) == {}


@pytest.mark.parametrize(
    ("date", "time", "predicate"),
    [
        (
            "20260101-20260103",
            "1800-0600",
            And(
                [
                    Range("StudyDate", "20260101", "20260103"),
                    Or([Range("StudyDate", "20260102", None), Range("StudyTime", "180000.000000", None)]),
                    Or([Range("StudyDate", None, "20260102"), Range("StudyTime", None, "060059.999999")]),
                ]
            ),
        ),
        (
            "20261231-",
            "18-",
            And(
                [
                    Range("StudyDate", "20261231", None),
                    Or([Range("StudyDate", "20261232", None), Range("StudyTime", "180000.000000", None)]),
                ]
            ),
        ),
    ],
)
def test_ranges_of_a_date_and_its_time_are_one_range(date: str, time: str, predicate: Predicate) -> None:
    assert conditions(STUDY, ("StudyDate", date), ("StudyTime", time)) == {STUDY: [predicate]}


@pytest.mark.parametrize(("date", "time"), [("20260101", "10-12"), ("20260101-", "10-12"), ("20260101-20260102", "10")])
def test_other_dates_and_times_are_matched_each_for_itself(date: str, time: str) -> None:
    alone = conditions(STUDY, ("StudyDate", date))[STUDY] + conditions(STUDY, ("StudyTime", time))[STUDY]
    assert conditions(STUDY, ("StudyDate", date), ("StudyTime", time)) == {STUDY: alone}


def test_the_ids_of_a_request_are_matched_in_one_item() -> None:
    ids = ("RequestAttributesSequence.ScheduledProcedureStepID", "S*"), ("00400275.00401001", "R1")
    assert conditions(SERIES, *ids) == {SERIES: [Or([Wildcard("RequestAttributesSequence", "R1\\S*")])]}


def test_an_attribute_by_keyword_and_by_tag_is_one() -> None:
    assert conditions(STUDY, ("PatientID", "A"), ("00100020", "B")) == {STUDY: [In("PatientID", ["A", "B"])]}


def test_limit_and_offset() -> None:
    query = parse_query(STUDY, [("limit", "101"), ("offset", "5000"), ("accept", "application/dicom+json")])
    assert (query.limit, query.offset) == (101, 5000)
    assert parse_query(STUDY, []).limit is None
