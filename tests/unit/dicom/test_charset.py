"""Texts in their character sets, as declared, as misspelt, and as not declared at all."""

from __future__ import annotations

import codecs

import pydicom.charset
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import python_encoding

from radstream.dicom.charset import character_set
from radstream.dicom.json import read_header
from tests.dicom_bytes import EXPLICIT, element

SINGLE_BYTE = {
    "ISO_IR 100": ("latin_1", "Müller Ñandú"),
    "ISO_IR 101": ("iso8859_2", "Dvořák Łukasz"),
    "ISO_IR 109": ("iso8859_3", "Ġorġ Ħ"),
    "ISO_IR 110": ("iso8859_4", "Kārlis Ŗ"),
    "ISO_IR 126": ("iso8859_7", "Διονυσιος"),
    "ISO_IR 127": ("iso8859_6", "قباني"),
    "ISO_IR 138": ("iso8859_8", "שרון"),
    "ISO_IR 144": ("iso8859_5", "Люкceмбypг"),
    "ISO_IR 148": ("iso8859_9", "Çavuşoğlu"),
    "ISO_IR 166": ("iso8859_11", "นามสกุล"),
    "ISO_IR 13": ("shift_jis", "ﾔﾏﾀﾞ"),
}


def decode(term: str, value: bytes, vr: str = "LO") -> tuple[list[object], tuple[str, ...]]:
    tag = 0x00100010 if vr == "PN" else 0x00081030
    header = read_header(element(0x00080005, "CS", term.encode()) + element(tag, vr, value), EXPLICIT)
    return header.attributes[f"{tag:08X}"]["Value"], header.flags


@pytest.mark.parametrize("term", SINGLE_BYTE)
def test_each_single_byte_set_is_read_alone_and_as_initial_set_of_iso_2022(term: str) -> None:
    codec, text = SINGLE_BYTE[term]
    value = text.encode(codec)
    assert decode(term, value) == ([text], ())
    assert decode(term.replace("ISO_IR", "ISO 2022 IR"), value) == ([text], ())


@pytest.mark.parametrize("term", SINGLE_BYTE)
def test_each_single_byte_set_is_read_after_its_escape_sequence(term: str) -> None:
    codec, text = SINGLE_BYTE[term]
    extension = term.replace("ISO_IR", "ISO 2022 IR")
    known = {name: escape for escape, name in pydicom.charset.CODES_TO_ENCODINGS.items() if escape != b"\x1b(J"}
    escape = known[python_encoding[extension]]
    assert decode(f"\\{extension}", escape + text.encode(codec)) == ([text], ())


@pytest.mark.parametrize(
    ("term", "value", "values"),
    [
        ("ISO_IR 192", "Müller山\\김".encode(), ["Müller山", "김"]),
        ("GB18030", "王^小东\\x".encode("gb18030"), ["王^小东", "x"]),
        ("GBK", "乗\\x".encode("gbk"), ["乗", "x"]),
        ("\\ISO 2022 IR 149", b"\x1b$)C\xb1\xe8\xc8\xf1\xc1\xdf", ["김희중"]),
        ("\\ISO 2022 IR 87", b"\x1b$B;3ED\x1b(B\\\x1b$BB@O:\x1b(B", ["山田", "太郎"]),
        ("\\ISO 2022 IR 87", b"\x1b$B!@\x1b(B", ["＼"]),
        ("ISO 2022 IR 13\\ISO 2022 IR 87", b"\xd4\xcf\xc0\xde\x1b$B;3ED\x1b(J", ["ﾔﾏﾀﾞ山田"]),
        ("\\ISO 2022 IR 159", b"\x1b$(D0!\x1b(B", ["丂"]),
        ("\\ISO 2022 IR 58", b"\x1b$)A\xcd\xf5", ["王"]),
    ],
)
def test_sets_of_several_bytes_are_read(term: str, value: bytes, values: list[str]) -> None:
    assert decode(term, value) == (values, ())


def test_a_second_byte_that_looks_like_a_backslash_separates_nothing() -> None:
    assert "乗".encode("gbk")[1:] == "俓".encode("gb18030")[1:] == b"\\"
    assert decode("GBK", "乗".encode("gbk")) == (["乗"], ())
    assert decode("GB18030", "俓".encode("gb18030")) == (["俓"], ())
    assert decode("GB18030", "俓^A".encode("gb18030"), "PN") == ([{"Alphabetic": "俓^A"}], ())


def test_names_change_their_set_at_each_group_and_component() -> None:
    japanese = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
    assert decode("\\ISO 2022 IR 87", japanese, "PN") == (
        [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}],
        (),
    )
    korean = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"
    assert decode("\\ISO 2022 IR 149", korean, "PN") == (
        [{"Alphabetic": "Hong^Gildong", "Ideographic": "洪^吉洞", "Phonetic": "홍^길동"}],
        (),
    )


def test_an_escape_sequence_that_is_not_repeated_after_a_delimiter_is_believed_and_flagged() -> None:
    values, flags = decode("\\ISO 2022 IR 149", b"\x1b$)C\xfb\xf3^\xd1\xce\xd4\xd7", "PN")
    assert values == [{"Alphabetic": "洪^吉洞"}]
    assert flags == ("00100010 charset",)


@pytest.mark.parametrize(
    ("term", "value", "text"),
    [
        ("ISO IR 100", "Müller".encode("latin-1"), "Müller"),
        ("iso_ir 100", "Müller".encode("latin-1"), "Müller"),
        ("ISO-IR-100", "Müller".encode("latin-1"), "Müller"),
        ("ISO 8859-1", "Müller".encode("latin-1"), "Müller"),
        ("UTF-8", "Müller山".encode(), "Müller山"),
        ("ISO 2022 IR 192", "Müller山".encode(), "Müller山"),
        ("\\ISO-2022-IR-149", b"\x1b$)C\xb1\xe8", "김"),
        ("\\ISO_IR 87", b"\x1b$B;3ED\x1b(B", "山田"),
        ("NO SUCH SET", b"plain", "plain"),
        ("NO SUCH SET", "Müller".encode(), "Müller"),
        ("NO SUCH SET", "Müller".encode("latin-1"), "Müller"),
    ],
)
def test_a_misspelt_term_is_understood_and_flagged(term: str, value: bytes, text: str) -> None:
    values, flags = decode(term, value)
    assert values == [text]
    assert "00080005 charset" in flags


@pytest.mark.parametrize("value", ["Müller".encode(), "Müller".encode("latin-1")])
def test_what_is_not_declared_is_read_as_utf8_or_latin_1_and_flagged(value: bytes) -> None:
    assert decode("", value) == (["Müller"], ("00081030 charset",))


def test_bytes_that_are_not_in_the_declared_set_are_replaced_and_flagged() -> None:
    assert decode("ISO_IR 192", b"M\xfcller") == (["M\ufffdller"], ("00081030 charset",))


def test_an_escape_sequence_that_is_not_declared_is_followed_and_flagged() -> None:
    assert decode("", b"\x1b$B;3ED\x1b(B") == (["山田"], ("00081030 charset",))


def test_an_unknown_escape_sequence_is_flagged() -> None:
    values, flags = decode("ISO 2022 IR 100", b"a\x1b%Gb")
    assert (values, flags) == (["ab"], ("00081030 charset",))


def test_stand_alone_sets_exclude_code_extensions() -> None:
    """PS3.3 C.12.1.1.2."""
    alone, _ = character_set(["ISO_IR 192", "ISO 2022 IR 87"])
    assert alone.encodings == ("utf-8",)
    first, _ = character_set(["ISO 2022 IR 100", "ISO_IR 192", "ISO 2022 IR 87"])
    assert first.encodings == ("latin_1", "iso2022_jp")


@pytest.mark.parametrize("term", sorted(python_encoding))
def test_each_defined_term_names_a_codec(term: str) -> None:
    charset, is_defined = character_set([term])
    assert is_defined
    assert codecs.lookup(charset.encodings[0])
    assert charset.decode(bytes(range(32, 127))) == (bytes(range(32, 127)).decode(), True)


_TERMS = st.lists(st.sampled_from([*sorted(python_encoding), "nonsense", None, 5]), max_size=4)
_PARTS = st.sampled_from(
    [*pydicom.charset.CODES_TO_ENCODINGS, b"\x1b", b"\\", b"^", b"=", b"\x1b$", b"\xb1\xe8", b";3"]
)


@given(_TERMS, st.lists(_PARTS | st.binary(max_size=6), max_size=8).map(b"".join), st.booleans())
def test_whatever_the_bytes_are_there_is_text(terms: list[object], value: bytes, is_name: bool) -> None:
    text, is_exact = character_set(terms)[0].decode(value, is_name=is_name)
    assert isinstance(is_exact, bool)
    text.encode()  # no lone surrogates: these would break JSON
