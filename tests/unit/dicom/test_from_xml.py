"""The Native DICOM Model as DICOM JSON: what `to_xml` says is read again, and nothing that comes breaks more."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.contract.errors import MalformedRequest, RejectedInstance
from radstream.dicom.from_json import encode_json, references
from radstream.dicom.from_xml import MOST_LEFT_OUT, from_xml
from radstream.dicom.json import read_header
from radstream.dicom.xml import NAMESPACE, to_xml
from tests.dicom_bytes import EXPLICIT, Value, header_of
from tests.samples import samples


def document(content: str, namespace: str = f' xmlns="{NAMESPACE}"') -> bytes:
    return f"<NativeDicomModel{namespace}>{content}</NativeDicomModel>".encode()


def attribute(tag: str, vr: str, content: str, more: str = "") -> str:
    return f'<DicomAttribute tag="{tag}" vr="{vr}"{more}>{content}</DicomAttribute>'


def test_what_to_xml_says_is_read_again() -> None:
    attributes: dict[str, Any] = {
        "00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]},
        "00080050": {"vr": "SH"},
        "00080060": {"vr": "CS", "Value": ["A", None]},
        "00081030": {"vr": "LO", "Value": [" spaces <&> \r\n\t "]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^^C", "Ideographic": "山田"}, {"Phonetic": "x"}]},
        "00081140": {"vr": "SQ", "Value": [{}, {"00080018": {"vr": "UI", "Value": ["1.2"]}}]},
        "00280010": {"vr": "US", "Value": ["512"]},
        "00420011": {"vr": "OB", "InlineBinary": "AQID"},
        "7FE00010": {"vr": "OW", "BulkDataURI": "http://a/b?c&d"},
    }
    assert from_xml(to_xml(attributes)) == attributes


def test_documents_without_namespace_or_in_other_encodings_are_read() -> None:
    text = attribute("00100020", "LO", '<Value number="1">ü</Value>')
    expected = {"00100020": {"vr": "LO", "Value": ["ü"]}}
    assert from_xml(document(text, "")) == expected
    latin = '<?xml version="1.0" encoding="ISO-8859-1"?>' + document(text).decode()
    assert from_xml(latin.encode("latin-1")) == expected
    assert from_xml(latin.replace("ISO-8859-1", "UTF-16").encode("utf-16")) == expected


def test_base64_may_be_broken_into_lines() -> None:
    text = attribute("00420011", "OB", "<InlineBinary>\n AQ\n ID\n</InlineBinary>")
    assert from_xml(document(text)) == {"00420011": {"vr": "OB", "InlineBinary": "AQID"}}


def private(tag: str, creator: str, value: str = "v") -> str:
    return attribute(tag, "LO", f'<Value number="1">{value}</Value>', f' privateCreator="{creator}"')


def creator(tag: str, name: str) -> str:
    return attribute(tag, "LO", f'<Value number="1">{name}</Value>')


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (creator("00090010", "A") + private("00091001", "A"), {"00090010": "A", "00091001": "v"}),
        (creator("00090010", "A") + private("00090001", "A"), {"00090010": "A", "00091001": "v"}),
        (private("00090001", "A"), {"00090010": "A", "00091001": "v"}),
        (private("00092001", "A"), {"00090020": "A", "00092001": "v"}),
        (
            private("00090001", "A") + private("00090001", "B", "w"),
            {
                "00090010": "A",
                "00091001": "v",
                "00090011": "B",
                "00091101": "w",
            },
        ),
        (private("00090001", "B") + creator("00090010", "A"), {"00090010": "A", "00090011": "B", "00091101": "v"}),
        (creator("00090010", "A") + private("00091001", "B"), {"00090010": "A", "00090011": "B", "00091101": "v"}),
        (private("00110010", "A") + creator("00110010", "A"), {"00110010": "A", "00111010": "v"}),
    ],
)
def test_private_attributes_are_in_the_block_of_their_creator(content: str, expected: dict[str, str]) -> None:
    assert {tag: entry["Value"][0] for tag, entry in from_xml(document(content)).items()} == expected


def test_a_group_has_so_many_blocks_and_no_more() -> None:
    content = "".join(private("00090001", f"creator {number}") for number in range(240))
    assert len(from_xml(document(content))) == 480
    with pytest.raises(RejectedInstance, match="no free private block"):
        from_xml(document(content + private("00090001", "one more")))


def test_numbers_that_skip_are_limited() -> None:
    skipping = attribute("00080008", "CS", f'<Value number="{MOST_LEFT_OUT // 2}">a</Value>')
    others = "".join(attribute(f"0008{tag:04X}", "CS", '<Value number="300000">a</Value>') for tag in range(0x10, 0x20))
    from_xml(document(skipping))
    with pytest.raises(RejectedInstance, match="absurd"):
        from_xml(document(skipping + others))


@pytest.mark.parametrize(
    "content",
    [
        "<Value number='1'>x</Value>",
        "<NativeDicomModel/>",
        attribute("00080008", "CS", "<Item number='1'><Value number='1'/></Item>"),
        attribute("00100010", "PN", "<PersonName number='1'><Alphabetic><Title>x</Title></Alphabetic></PersonName>"),
    ],
)
def test_another_structure_is_not_of_the_model(content: str) -> None:
    with pytest.raises(MalformedRequest):
        from_xml(document(content))


@pytest.mark.parametrize("text", [b"", b"x", b"<a", b"<NativeDicomModel>&lol;</NativeDicomModel>", b"\xff\xfe\0"])
def test_what_is_no_xml_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedRequest):
        from_xml(text)


def test_entities_are_never_expanded() -> None:
    levels = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    bomb = f'<!DOCTYPE x [<!ENTITY a0 "ha">{levels}]>' + document(creator("00080008", "&a9;")).decode()
    with pytest.raises(MalformedRequest):
        from_xml(bomb.encode())


_WHOLE = to_xml(read_header(*header_of(next(each for each in samples() if each.name == "CT_small.dcm"))).attributes)
_MEANINGFUL = (
    *(b"<Item number='1'>", b"</Item>", b"<Value number='2'>", b"</DicomAttribute>", b'vr="SQ"', b'vr="US"'),
    *(b"<PersonName number='1'>", b"<InlineBinary>", b"<BulkData uri='x'/>", b'number="99"', b"&#13;", b"<!--", b"]]>"),
)


def written(text: bytes) -> bytes:
    """Return the data set that a document describes, with the same bulk data wherever it refers to some."""
    attributes = from_xml(text)
    bulk = {uri: Value(b"bulk") for uri, _ in references(attributes)}
    return b"".join(bytes(piece) for piece in encode_json(attributes, bulk).pieces)


@given(st.integers(0, 1 << 40))
def test_whatever_comes_is_an_object_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    text = bytearray(_WHOLE)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(text))
        new = chance.choice((chance.choice(_MEANINGFUL), chance.randbytes(2), b""))
        text[at : at + chance.choice((0, len(new), 20))] = new
    with suppress(MalformedRequest, RejectedInstance):
        assert len(written(bytes(text))) % 2 == 0  # as every data set (PS3.5 7.1.1)


def test_a_damaged_document_is_sometimes_read_all_the_same() -> None:
    """So that the test before this one tries the reader, not only the parser."""
    changed = _WHOLE.replace(b'vr="CS"', b'vr="LO"', 3)
    assert read_header(written(changed), EXPLICIT).attributes["00080008"]["vr"] == "LO"
