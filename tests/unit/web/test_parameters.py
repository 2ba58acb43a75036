"""Parameters of a URL are read as Starlette reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from radstream.web.parameters import may_have, parameters_of


def request(query: bytes) -> Request:
    return Request({"type": "http", "query_string": query, "headers": []})


@given(st.one_of(st.binary(max_size=60), st.text("abc=&;+%20aCé", max_size=40).map(lambda text: text.encode())))
def test_they_are_those_that_starlette_reads(query: bytes) -> None:
    asked = request(query)
    assert parameters_of(asked) == asked.query_params.multi_items()


@pytest.mark.parametrize("query", [b"accept=a/b", b"limit=1&accept=a/b", b"%61ccept=a/b"])
def test_a_parameter_is_noticed_however_it_is_written(query: bytes) -> None:
    assert "accept" in request(query).query_params
    assert may_have(request(query), "accept")


def test_most_urls_are_known_not_to_have_one() -> None:
    assert not may_have(request(b"PatientName=Smith*&limit=25"), "accept")
