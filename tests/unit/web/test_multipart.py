from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstream.contract.errors import MalformedRequest
from radstream.web import multipart
from radstream.web.multipart import boundary_of, parts


async def chunks(body: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


def encode(contents: list[bytes], boundary: str = "b", head: bytes = b"Content-Type: application/dicom") -> bytes:
    body = b"".join(b"\r\n--%b\r\n%b\r\n\r\n%b" % (boundary.encode(), head, content) for content in contents)
    return body + b"\r\n--%b--\r\n" % boundary.encode()


async def read(body: bytes, boundary: str = "b", size: int = 65536) -> list[bytes]:
    return await contents_of(chunks(body, size), boundary)


async def contents_of(body: AsyncIterator[bytes], boundary: str = "b") -> list[bytes]:
    return [b"".join([piece async for piece in part.stream()]) async for part in parts(body, boundary)]


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/related; type=application/dicom; boundary=x-y_z",
        'multipart/related; type="application/dicom"; boundary="x-y_z"',
        'multipart/related;boundary=x-y_z;type="application/dicom";',
        'Multipart/Related; Boundary="x-y_z"; transfer-syntax=1.2.840.10008.1.2.4.80; type="application/dicom"',
        'multipart/related; type="application/dicom;"; ; boundary = x-y_z',
    ],
)
def test_boundary_is_found_however_it_is_written(content_type: str) -> None:
    assert boundary_of(content_type) == "x-y_z"


def test_boundary_may_hold_what_only_quotation_marks_allow() -> None:
    assert boundary_of('multipart/related; boundary="a=b;c,d:e (f)?"') == "a=b;c,d:e (f)?"


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/related",
        "multipart/related; boundary=",
        'multipart/related; boundary="ends in space "',
        'multipart/related; boundary="é"',
        "multipart/related; boundary=" + "b" * 201,
        "application/dicom; boundary=b",
        "nonsense",
        "",
        "multipart/related; boundary=b, text/plain",
        "multipart/related; " + "a=b;" * 4000 + "boundary=b",
    ],
)
def test_content_type_without_usable_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(MalformedRequest):
        boundary_of(content_type)


@given(
    contents=st.lists(
        st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", b"\r\n--", b"\r\n--B", b"b", b"\0", b"xyz"])).map(
            b"".join
        ),
        min_size=1,
        max_size=5,
    ),
    size=st.integers(1, 40),
)
async def test_contents_survive_any_cutting_into_chunks(contents: list[bytes], size: int) -> None:
    contents = [content for content in contents if b"\r\n--bb" not in b"\r\n" + content] or [b""]
    assert await read(encode(contents, "bb"), "bb", size) == contents


@given(
    contents=st.lists(
        st.lists(st.sampled_from([b"\r", b"\n", b"-", b"\n--B", b"\r\n--b", b"xyz"])).map(b"".join),
        min_size=1,
        max_size=5,
    ),
    size=st.integers(1, 40),
)
async def test_lines_may_end_with_a_line_feed_alone(contents: list[bytes], size: int) -> None:
    contents = [content for content in contents if b"\n--bb" not in b"\n" + content] or [b""]
    body = b"".join(b"--bb\nA: b\n\n" + content + b"\n" for content in contents) + b"--bb--\n"
    assert await read(body, "bb", size) == contents


async def test_a_line_feed_alone_ends_no_content_where_lines_end_with_two() -> None:
    assert await read(b"--b\r\n\r\nabc\n--b\n\nd\r\n--b--\r\n") == [b"abc\n--b\n\nd"]


async def test_headers_are_given_with_lower_case_names_and_unfolded() -> None:
    head = b"Content-Type: application/dicom;\r\n\ttransfer-syntax=1.2\r\nX-Empty:\r\ncontent-type: second"
    [headers] = [part.headers async for part in parts(chunks(encode([b"x"], head=head), 3), "b")]
    assert headers == {"content-type": "application/dicom; transfer-syntax=1.2", "x-empty": ""}


async def test_part_without_headers_is_read() -> None:
    assert await read(b"--b\r\n\r\nabc\r\n--b--") == [b"abc"]


async def test_preamble_padding_and_epilogue_are_ignored() -> None:
    assert await read(b"This is MIME.\r\n--b \t \r\nA: b\r\n\r\nabc\r\n--b--\r\nepilogue\r\n--b\r\n") == [b"abc"]


async def test_body_without_parts_has_none() -> None:
    assert await read(b"--b--\r\n") == []


async def test_what_a_consumer_leaves_unread_is_skipped() -> None:
    found = []
    async for part in parts(chunks(encode([b"a" * 100, b"b" * 100, b"c" * 100]), 7), "b"):
        async for piece in part.stream():
            found.append(piece[:1])
            break
    assert found == [b"a", b"b", b"c"]


async def test_stream_of_a_part_that_is_over_yields_nothing() -> None:
    kept = [part async for part in parts(chunks(encode([b"first", b"second"])), "b")]
    assert [piece async for piece in kept[0].stream()] == []


async def test_body_is_read_no_faster_than_its_parts() -> None:
    taken = 0

    async def source() -> AsyncIterator[bytes]:
        nonlocal taken
        for chunk in [b"--b\r\n\r\n", *[b"x" * 1000] * 50, b"\r\n--b--"]:
            taken += 1
            yield chunk

    async for part in parts(source(), "b"):
        pieces = part.stream()
        await anext(pieces)
        await anext(pieces)
        assert taken == 3


async def test_pieces_are_handed_out_without_waiting_for_the_end() -> None:
    body = encode([b"x" * 1_000_000])
    pieces = [len(piece) async for part in parts(chunks(body, 65536), "b") async for piece in part.stream()]
    assert sum(pieces) == 1_000_000
    assert max(pieces) <= 65536 + 8


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\nContent-Type: application/dicom\r\n",
        b"--b\r\n\r\nabc",
        b"--b\r\n\r\nabc\r\n--",
        b"--b\r\n\r\nabc\r\n--b",
        b"--b\r\n\r\nabc\r\n--b-",
        b"not multipart at all",
    ],
)
async def test_body_that_ends_early_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        await read(body)


async def test_truncated_part_is_an_error_after_what_came_of_it() -> None:
    part = await anext(parts(chunks(b"--b\r\n\r\nabc"), "b"))
    pieces = part.stream()
    assert await anext(pieces) == b"abc"
    with pytest.raises(MalformedRequest):
        await anext(pieces)


async def endless(head: bytes, filler: bytes) -> AsyncIterator[bytes]:
    """Yield `head` and then 64 MiB of `filler`; whoever reads all of it has no limit."""
    yield head
    for _ in range(1024):
        yield filler * (65536 // len(filler))
    pytest.fail("no limit was kept")


@pytest.mark.parametrize(
    ("head", "filler"),
    [
        (b"", b"junk without a boundary\r\n"),
        (b"", b"\r\n"),
        (b"", b"-"),
        (b"--b\r\nA: ", b"x"),
        (b"--b\r\n", b"A: b\r\n"),
        (b"--b ", b" "),
    ],
    ids=["preamble", "line ends", "hyphens", "one long header", "many headers", "padding"],
)
async def test_endless_junk_before_a_content_is_refused(head: bytes, filler: bytes) -> None:
    with pytest.raises(MalformedRequest):
        await contents_of(endless(head, filler))


async def test_million_parts_are_refused() -> None:
    taken = 0

    async def bomb() -> AsyncIterator[bytes]:
        nonlocal taken
        yield b"--b"
        for taken in range(1000):  # noqa: B007 counts how much was read
            yield b"\r\n\r\n\r\n--b" * 1000
        yield b"--"

    with pytest.raises(MalformedRequest, match="parts"):
        await contents_of(bomb())
    assert taken * 1000 == multipart.MAX_PARTS


@pytest.mark.parametrize("body", [b"--bx\r\n\r\nabc\r\n--b--", b"--b\r\nno colon\r\n\r\nabc\r\n--b--"])
async def test_malformed_head_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        await read(body)
