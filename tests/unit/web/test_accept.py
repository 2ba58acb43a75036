from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from radstream.contract.errors import MalformedRequest, UnsupportedInstance
from radstream.web.accept import Offer, choose, parse_accept
from radstream.web.media_types import MediaType, parse_media_type, parse_media_types

JPEG_LS = "1.2.840.10008.1.2.4.80"
EXPLICIT = "1.2.840.10008.1.2.1"

COMPRESSED = (
    Offer("image/jls", True, JPEG_LS, ("image/x-jls",)),
    Offer("image/jls", True, JPEG_LS, ("application/octet-stream",), needs_transfer_syntax=True),
    Offer("image/jls", False, JPEG_LS, ("image/x-jls",)),
)
NATIVE = (
    Offer("application/octet-stream", True, EXPLICIT),
    Offer("application/octet-stream", False, EXPLICIT),
)


def request(accept: str | None = None, query: str = "", *more: str) -> Request:
    headers = [(b"accept", value.encode()) for value in ((accept,) if accept is not None else ()) + more]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": query.encode()})


def test_quoted_and_unquoted_parameters_mean_the_same() -> None:
    quoted = parse_media_type('multipart/related; type="application/octet-stream"; transfer-syntax="*"')
    unquoted = parse_media_type("multipart/related;type=application/octet-stream;transfer-syntax=*;")
    assert quoted == unquoted
    assert quoted.parameters == {"type": "application/octet-stream", "transfer-syntax": "*"}


def test_quoted_text_hides_separators_and_escapes() -> None:
    assert parse_media_type(r'a/b; c="d;e,f=g\"h"').parameters == {"c": 'd;e,f=g"h'}


def test_media_type_is_written_with_the_quotation_marks_it_needs() -> None:
    text = str(MediaType("multipart/related", {"type": "application/dicom", "boundary": "abc"}))
    assert text == 'multipart/related; type="application/dicom"; boundary=abc'


@pytest.mark.parametrize("text", ["", "a", "a/b/c", "a/", "/b", "a/b, c/d", "x" * 9000 + "/y"])
def test_what_is_no_single_media_type_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest):
        parse_media_type(text)


@given(st.text(alphabet='ab/;,="\\ *.q0\x00é', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_media_types(text)
    except MalformedRequest:
        return
    assert all("/" in media_type.name for media_type in found)


def test_ranges_are_ordered_by_their_weight() -> None:
    names = [wanted.name for wanted in parse_accept("a/a;q=0.2, b/b, c/c;q=.9, d/d;q=nonsense, e/e;q=0")]
    assert names == ["b/b", "d/d", "c/c", "a/a", "e/e"]


@pytest.mark.parametrize(
    "accept",
    [
        "multipart/related; type=application/octet-stream; transfer-syntax=*",  # OHIF
        'multipart/related; type="application/octet-stream"; transfer-syntax=*',
        'multipart/related; type="application/octet-stream"; transfer-syntax="*"',
        "multipart/related;type=application/octet-stream;transfer-syntax=*",
        f"multipart/related; type=application/octet-stream; transfer-syntax={JPEG_LS}",
        "multipart/related; type=image/jls; transfer-syntax=*",
        'multipart/related; type="image/jls"',
        'multipart/related; type="image/x-jls"',
        'multipart/related; type="image/*"',
        "multipart/related",
        "image/png, multipart/related; type=image/jls",
        "*/*",
        "*",
        "",
        "text/html,application/xhtml+xml,*/*;q=0.8",
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1, '
        'multipart/related; type="application/octet-stream"; transfer-syntax=*',
    ],
)
def test_compressed_frame_is_sent_as_it_is_to_whoever_takes_it(accept: str) -> None:
    chosen = choose(request(accept), COMPRESSED)
    assert (chosen.media_type, chosen.is_multipart) == ("image/jls", True)


@pytest.mark.parametrize(
    "accept",
    [
        "application/octet-stream",
        "multipart/related; type=application/octet-stream",
        "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
        "multipart/related; type=image/jls; transfer-syntax=1.2.840.10008.1.2.4.70",
        "image/png",
        "application/dicom+json",
        "multipart/related; type=image/jls; q=0",
    ],
)
def test_compressed_frame_is_not_sent_to_who_wants_something_else(accept: str) -> None:
    with pytest.raises(UnsupportedInstance):
        choose(request(accept), COMPRESSED)


@pytest.mark.parametrize("accept", ["image/jls", "image/x-jls", "image/*", "image/jls;transfer-syntax=*"])
def test_single_part_is_chosen_when_asked_for(accept: str) -> None:
    assert not choose(request(accept), COMPRESSED).is_multipart


def test_missing_header_accepts_everything() -> None:
    assert choose(request(), NATIVE) is NATIVE[0]


def test_several_header_lines_are_one_list() -> None:
    assert choose(request("image/png", "", "application/octet-stream"), NATIVE) is NATIVE[1]


def test_query_parameter_goes_before_the_header() -> None:
    assert choose(request("*/*", "accept=application%2Foctet-stream"), NATIVE) is NATIVE[1]


def test_header_counts_if_the_query_parameter_cannot_be_met() -> None:
    assert choose(request("application/octet-stream", "accept=image/png"), NATIVE) is NATIVE[1]


def test_plus_sign_in_a_query_string_survives() -> None:
    offer = Offer("application/dicom+json")
    assert choose(request(None, "accept=application/dicom+json"), [offer]) is offer


def test_unwanted_type_is_not_chosen_through_a_wildcard() -> None:
    offers = [Offer("image/png"), Offer("image/jpeg")]
    assert choose(request("image/png;q=0, image/*"), offers) is offers[1]


def test_preferred_type_wins_over_order_of_offers() -> None:
    offers = [Offer("image/png"), Offer("image/jpeg")]
    assert choose(request("image/png;q=0.5, image/jpeg"), offers) is offers[1]


def test_absurd_accept_header_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        choose(request("a/b," * 5000), NATIVE)


STORED = Offer("application/dicom", True, JPEG_LS, needs_transfer_syntax=True, is_stored=True)
DEFAULT = Offer("application/dicom", True, EXPLICIT)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", DEFAULT),
        ("multipart/related; type=application/dicom", DEFAULT),
        ("multipart/related; type=application/dicom; transfer-syntax=*", STORED),
        (f"multipart/related; type=application/dicom; transfer-syntax={JPEG_LS}", STORED),
        (
            "multipart/related; type=application/dicom; transfer-syntax=1.2.3, "
            "multipart/related; type=application/dicom; transfer-syntax=*;q=0.5",
            STORED,
        ),
    ],
)
def test_any_transfer_syntax_means_the_stored_one_and_none_the_default_one(accept: str, chosen: Offer) -> None:
    assert choose(request(accept), [DEFAULT, STORED]) == chosen


def test_refusal_lists_what_there_is() -> None:
    with pytest.raises(UnsupportedInstance) as caught:
        choose(request("image/png"), [DEFAULT, STORED, STORED])
    said = str(caught.value)
    assert said.count(f'multipart/related; type="application/dicom"; transfer-syntax={JPEG_LS}') == 1
    assert said.count(f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}') == 1
