"""The Native DICOM Model, read by a parser that has nothing to do with DICOM."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.dicom.dictionary import standard_vr
from radstream.dicom.json import read_header
from radstream.dicom.xml import NAMESPACE, to_xml
from tests.samples import Sample, is_deflated, samples

PREFIX = f"{{{NAMESPACE}}}"


def parsed(attributes: dict[str, Any]) -> ElementTree.Element:
    root = ElementTree.fromstring(to_xml(attributes))
    assert root.tag == f"{PREFIX}NativeDicomModel"
    return root


def attribute(attributes: dict[str, Any], tag: str) -> ElementTree.Element:
    found = parsed(attributes).find(f"{PREFIX}DicomAttribute[@tag='{tag}']")
    assert found is not None
    return found


def test_value_has_its_number_and_the_attribute_its_keyword() -> None:
    found = attribute({"00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}}, "00080008")
    assert found.attrib == {"tag": "00080008", "vr": "CS", "keyword": "ImageType"}
    assert [(value.get("number"), value.text) for value in found] == [("1", "ORIGINAL"), ("3", "AXIAL")]


def test_last_value_is_there_even_if_it_is_empty() -> None:
    found = attribute({"00185010": {"vr": "LO", "Value": ["A", None, None]}}, "00185010")
    assert [(value.get("number"), value.text) for value in found] == [("1", "A"), ("3", None)]


def test_name_is_told_apart_into_groups_and_components() -> None:
    name = {"Alphabetic": "Yamada^Tarou^^Dr", "Ideographic": "山田^太郎"}
    found = attribute({"00100010": {"vr": "PN", "Value": [name]}}, "00100010")
    [person] = found
    assert person.attrib == {"number": "1"}
    said = {
        (group.tag.removeprefix(PREFIX), part.tag.removeprefix(PREFIX)): part.text for group in person for part in group
    }
    assert said == {
        ("Alphabetic", "FamilyName"): "Yamada",
        ("Alphabetic", "GivenName"): "Tarou",
        ("Alphabetic", "NamePrefix"): "Dr",
        ("Ideographic", "FamilyName"): "山田",
        ("Ideographic", "GivenName"): "太郎",
    }


def test_private_attribute_names_its_creator() -> None:
    block = {"00090010": {"vr": "LO", "Value": ['A "B"']}, "00091004": {"vr": "SH", "Value": ["x"]}}
    assert attribute(block, "00091004").attrib == {"tag": "00091004", "vr": "SH", "privateCreator": 'A "B"'}


def test_items_bulk_data_and_bytes() -> None:
    inner = {
        "00420011": {"vr": "OB", "BulkDataURI": "http://pacs/a?b&c"},
        "00091001": {"vr": "UN", "InlineBinary": "AQ=="},
    }
    found = attribute({"0040A730": {"vr": "SQ", "Value": [{}, inner]}}, "0040A730")
    assert [item.get("number") for item in found] == ["1", "2"]
    private, bulk = found[1]
    assert bulk[0].attrib == {"uri": "http://pacs/a?b&c"}
    assert private[0].text == "AQ=="


def test_attribute_without_value_is_empty() -> None:
    assert list(attribute({"00080050": {"vr": "SH"}}, "00080050")) == []


@given(st.text())
def test_any_text_comes_out_as_far_as_xml_can_hold_it(text: str) -> None:
    [value] = attribute({"00081030": {"vr": "LO", "Value": [text]}}, "00081030")
    assert (value.text or "") == as_xml(text)


@pytest.mark.parametrize(
    "sample", [each for each in samples() if each.is_storable and not is_deflated(each)], ids=lambda sample: sample.name
)
def test_every_sample_says_the_same_in_xml(sample: Sample) -> None:
    attributes = read_header(sample.data_set, sample.transfer_syntax_uid).attributes
    assert model(parsed(attributes)) == {key: expected(entry) for key, entry in attributes.items()}


def expected(entry: dict[str, Any]) -> tuple[str, list[Any]]:
    if "BulkDataURI" in entry or "InlineBinary" in entry:
        return entry["vr"], [entry.get("BulkDataURI") or entry["InlineBinary"]]
    values = [value for value in entry.get("Value", []) if value is not None]
    if entry["vr"] == "SQ":
        return "SQ", [{key: expected(each) for key, each in item.items()} for item in values]
    if entry["vr"] == "PN":
        parts = [part for name in values for group in name.values() for part in group.split("^")[:5] if part]
        return "PN", [as_xml(part) for part in parts]
    return entry["vr"], [as_xml(str(value)) for value in values if str(value)]


def as_xml(text: str) -> str:
    """Return text with what XML 1.0 has no characters for replaced."""
    return "".join("\N{REPLACEMENT CHARACTER}" if is_foreign(character) else character for character in text)


def is_foreign(character: str) -> bool:
    is_surrogate = "\ud800" <= character < "\ue000"
    return (character < " " and character not in "\t\n\r") or character in "\ufffe\uffff" or is_surrogate


def model(element: ElementTree.Element) -> dict[str, tuple[str, list[Any]]]:
    found = {}
    for each in element:
        tag, vr = each.attrib["tag"], each.attrib["vr"]
        if vr == "SQ":
            found[tag] = vr, [model(item) for item in each]
        elif vr == "PN":
            found[tag] = vr, [part.text for name in each for group in name for part in group]
        else:
            found[tag] = vr, [value.get("uri") or value.text for value in each if value.get("uri") or value.text]
        assert (
            standard_vr(int(tag, 16)) == "UN" or each.get("keyword") or int(tag[:4], 16) % 2 or tag[:2] in ("50", "60")
        )
    return found
