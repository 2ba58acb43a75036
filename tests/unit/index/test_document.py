from __future__ import annotations

from typing import Any

import orjson
import pytest

from radstream.contract.blob_keys import InstanceKey
from radstream.contract.documents import COLLECTIONS
from radstream.contract.uids import Uid
from services.index.document import (
    LARGEST_VALUE_BYTES,
    Reading,
    identified,
    instance_document,
    parents_of,
    patient_in,
    unpack,
)
from services.index.values import Values
from tests.index_engines import Archive

KEY = InstanceKey("main", Uid("1.2.1.1"), Uid("1.2.2.1"), Uid("1.2.3.1"), "a" * 64)
ORDER = f"2026-01-02T03:04:05.000000Z {KEY}"


def attribute(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def name(**groups: str) -> dict[str, Any]:
    return attribute("PN", {group.capitalize(): text for group, text in groups.items()})


def parents(**attributes: dict[str, Any]) -> Any:
    tags = {tag.removeprefix("t"): value for tag, value in attributes.items()}
    return parents_of(identified(tags, KEY, "1.2.840.10008.5.1.4.1.1.2"), KEY, ORDER)


@pytest.mark.parametrize(
    ("value", "kept", "flags"),
    [
        ("20260102", "20260102", set()),
        ("2026.01.02", "20260102", set()),
        ("20260230", None, {"00080020 date"}),
        ("tomorrow", None, {"00080020 date"}),
        ("", None, set()),
    ],
)
def test_a_date_is_kept_if_it_is_one(value: str, kept: str | None, flags: set[str]) -> None:
    found = parents(t00080020=attribute("DA", value))
    assert found.study["StudyDate"] == kept
    assert found.flags == flags
    assert orjson.loads(found.study["qido"])["00080020"]["Value"] == [value]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("101112", "101112.000000"),
        ("10", "100000.000000"),
        ("1011", "101100.000000"),
        ("101112.5", "101112.500000"),
        ("10:11:12", "101112.000000"),
        ("235960", "235960.000000"),
        ("24", None),
        ("1", None),
        ("10:1112", None),
    ],
)
def test_a_time_is_kept_in_a_form_that_compares(value: str, kept: str | None) -> None:
    found = parents(t00080030=attribute("TM", value))
    assert found.study["StudyTime"] == kept
    assert found.flags == (set() if kept else {"00080030 time"})


@pytest.mark.parametrize(
    ("value", "kept", "flags"),
    [(3, 3, set()), (-1, -1, set()), ("1A", None, {"00200011 number"}), (1 << 70, None, {"00200011 number"})],
)
def test_a_number_is_kept_if_it_is_one(value: Any, kept: int | None, flags: set[str]) -> None:
    found = parents(t00200011=attribute("IS", value))
    assert (found.series["SeriesNumber"], found.flags) == (kept, flags)


def test_every_group_of_a_name_can_be_matched() -> None:
    found = parents(t00100010=name(alphabetic="Yamada^Tarou", ideographic="山田^太郎", phonetic="やまだ^たろう"))
    assert found.study["PatientName"] == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    assert found.study["PatientName_folded"] == ["yamada^tarou", "山田^太郎", "やまだ^たろう"]


def test_a_missing_group_of_a_name_keeps_its_place() -> None:
    assert parents(t00100010=name(ideographic="山田")).study["PatientName"] == "=山田"


def test_a_text_that_is_far_too_long_is_kept_out_of_the_index() -> None:
    found = parents(t00080050=attribute("SH", "x" * 5000))
    assert found.study["AccessionNumber"] is None
    assert found.flags == {"00080050 length"}


def test_two_values_of_a_patient_id_do_not_become_another_patient() -> None:
    assert parents(t00100020=attribute("LO", "A", "B")).study["PatientID"] == "A\\B"


def test_ids_of_requests_come_from_all_items() -> None:
    items = [{"00400009": attribute("SH", "S1"), "00401001": attribute("SH", "R")}, {"00400009": attribute("SH", "S2")}]
    found = parents(t00400275=attribute("SQ", *items))
    assert found.series["ScheduledProcedureStepID"] == ["S1", "S2"]
    assert found.series["RequestedProcedureID"] == ["R"]


@pytest.mark.parametrize(
    ("issuer", "patient_id", "key"),
    [
        ("", "P", "site\\main\\P"),
        ("H", "P", "issuer\\H\\P"),
        ("H", "", "study\\1.2.1.1"),
        ("", "", "study\\1.2.1.1"),
    ],
)
def test_patients_are_told_apart_by_issuer_and_site(issuer: str, patient_id: str, key: str) -> None:
    found = parents(t00100020=attribute("LO", patient_id), t00100021=attribute("LO", issuer))
    assert found.patient_key == found.study["patient_key"] == key


def test_attributes_lie_at_their_levels() -> None:
    found = parents(
        t00100010=name(alphabetic="A"),
        t00101010=attribute("AS", "055Y"),
        t00080070=attribute("LO", "Maker"),
        t00280010=attribute("US", 3),
        t00091001=attribute("LO", "private"),
    )
    assert orjson.loads(found.study["attributes"]).keys() == {"00100010", "00101010", "0020000D"}
    assert orjson.loads(found.series["attributes"]).keys() == {"00080070", "0020000D", "0020000E"}
    assert orjson.loads(found.patient["attributes"]).keys() == {"00100010"}
    assert orjson.loads(found.study["qido"]).keys() == {"00100010", "0020000D"}


def test_what_only_an_archive_knows_is_not_taken_from_an_instance() -> None:
    found = parents(
        t00080061=attribute("CS", "XX"), t00201208=attribute("IS", 99), t00081190=attribute("UR", "http://x")
    )
    for encoded in (found.study["qido"], found.study["attributes"], found.series["attributes"]):
        assert not {"00080061", "00201208", "00081190"} & orjson.loads(encoded).keys()


def test_an_attribute_that_is_far_too_large_stays_in_the_metadata_only() -> None:
    comments = attribute("LT", "x" * (LARGEST_VALUE_BYTES + 1))
    attributes = identified({"00104000": comments, "00100040": attribute("CS", "F")}, KEY, "1.2")
    found = parents_of(attributes, KEY, ORDER)
    assert orjson.loads(found.study["attributes"]).keys() == {"00100040", "0020000D"}
    assert orjson.loads(found.patient["attributes"]).keys() == {"00100040"}
    document = instance_document(Archive().store(), Reading(attributes, (), "1.2.840.10008.1.2.1", 9, b""))
    assert unpack(document["metadata"])["00104000"] == comments


def test_a_patient_can_be_made_from_a_study_document() -> None:
    found = parents(
        t00100010=name(alphabetic="A^B"), t00100020=attribute("LO", "P"), t00100030=attribute("DA", "19700101")
    )
    assert patient_in(orjson.loads(found.study["attributes"]), ORDER) == found.patient


def test_documents_have_only_declared_fields() -> None:
    fields = {collection.name: {field.name for field in collection.fields} for collection in COLLECTIONS}
    found = parents()
    instance = instance_document(Archive().store(), Reading({}, (), "1.2.840.10008.1.2.1", 9, b""))
    assert found.study.keys() < fields["studies"]
    assert found.series.keys() < fields["series"]
    assert found.patient.keys() == fields["patients"]
    assert instance.keys() | {"others"} == fields["instances"]


def test_the_uids_of_the_blob_key_are_those_of_the_documents() -> None:
    attributes = identified({"0020000D": attribute("UI", "9.9"), "00080018": attribute("UI")}, KEY, "1.2.3")
    assert attributes["0020000D"]["Value"] == ["1.2.1.1"]
    assert attributes["00080018"]["Value"] == ["1.2.3.1"]
    assert attributes["00080016"]["Value"] == ["1.2.3"]


@pytest.mark.parametrize(
    "odd",
    [
        {"vr": "PN", "Value": ["plain"]},
        {"vr": "PN", "Value": [None]},
        {"vr": "PN"},
        {"vr": "OB", "InlineBinary": "AA=="},
    ],
)
def test_odd_shapes_are_read_as_nothing(odd: dict[str, Any]) -> None:
    values = Values({"00100010": odd})
    assert (values.name("00100010"), values.folded_names("00100010")) == (None, [])
    assert values.integer("00100010") is None or odd["vr"] == "PN"


@pytest.mark.parametrize("odd", [1 << 70, "lone \ud800 surrogate"])
def test_a_value_that_json_libraries_refuse_does_not_lose_the_instance(odd: Any) -> None:
    attributes = identified({"00200011": attribute("IS", odd)}, KEY, "1.2")
    document = instance_document(Archive().store(), Reading(attributes, (), "1.2.840.10008.1.2.1", 9, b""))
    assert unpack(document["metadata"])["00200011"]["Value"] in ([1 << 70], ["lone ? surrogate"])


def test_text_that_is_no_unicode_is_kept_out_of_the_index() -> None:
    found = parents(t00080050=attribute("SH", "A\udc80"), t00100010=name(alphabetic="\udc80"))
    assert found.study["AccessionNumber"] is None
    assert found.study["PatientName"] is None
    assert {"00080050 text", "00100010 text"} == found.flags
