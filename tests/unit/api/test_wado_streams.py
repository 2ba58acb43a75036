"""Answers are made no faster than they are taken, and no further than the client stays; documents come as they are."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any

import pytest

from tests.index_engines import data_set
from tests.wado_engines import EXPLICIT, Door, door_of, fragments, image

PDF = b"%PDF-1.7 of nothing" + bytes(5000)
VIDEO = "1.2.840.10008.1.2.4.102"


class Client:
    """A client of the application itself, which takes a body piece by piece, and may go."""

    def __init__(self, door: Door, path: str, accept: str) -> None:
        self.app: Any = door.client._transport.app  # type: ignore[attr-defined]
        self.gone = asyncio.Event()
        self.received = 0
        self.leaves_after = 1 << 62
        headers = [(b"accept", accept.encode()), (b"host", b"pacs")]
        self.scope = {"type": "http", "method": "GET", "path": door.url + path, "headers": headers, "query_string": b""}
        self.scope |= {"scheme": "http", "http_version": "1.1", "root_path": "", "server": ("pacs", 80)}

    async def run(self) -> None:
        await self.app(self.scope, self.receive, self.send)

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.received += len(message.get("body", b""))
        if self.received >= self.leaves_after:
            self.gone.set()
        await asyncio.sleep(0)


def large(frames: int) -> bytes:
    pixels = bytes(1 << 20) * frames
    head = b"\xe0\x7f\x10\x00OB\x00\x00" + len(pixels).to_bytes(4, "little")
    return image(head + pixels, rows=1024, columns=1024, frames=frames)


async def test_nothing_is_made_for_a_client_that_has_gone() -> None:
    door = await door_of(large(64), EXPLICIT)
    client = Client(door, "", "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.4.201")
    running = asyncio.create_task(client.run())
    while not door.archive.previews.contents:  # noqa: ASYNC110 - what fills it has no event
        await asyncio.sleep(0)
    client.gone.set()
    async with asyncio.timeout(20):
        await running
    await asyncio.sleep(0.2)
    assert client.received == 0
    assert len(door.archive.previews.contents) < 30, "the other frames are not made any more"


async def test_client_that_goes_in_the_middle_ends_the_reading() -> None:
    door = await door_of(large(8), EXPLICIT)
    client = Client(door, "/frames/1,2,3,4,5,6,7,8", "*/*")
    client.leaves_after = 2 << 20
    door.archive.blobs.reads.clear()
    async with asyncio.timeout(20):
        await client.run()
    assert client.received < 4 << 20
    assert len(door.archive.blobs.reads) < 6


async def test_memory_does_not_grow_with_the_number_of_frames() -> None:
    door = await door_of(large(48), EXPLICIT)
    accept = "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.201"
    await Client(door, "", accept).run()  # what is kept is in memory here, and is made before
    client = Client(door, "", accept)
    tracemalloc.start()
    await client.run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert client.received > 0
    assert peak < 8 << 20, "of 48 MB"


def document(sop_class: str, kind: str = "application/pdf") -> bytes:
    return data_set(
        SOPClassUID=f"1.2.840.10008.5.1.4.1.1.104.{sop_class}",
        EncapsulatedDocument=PDF + b"\0",
        MIMETypeOfEncapsulatedDocument=kind,
    )


@pytest.mark.parametrize(("sop_class", "media_type"), [("1", "application/pdf"), ("2", "text/xml"), ("3", "model/stl")])
async def test_document_comes_as_what_its_sop_class_says(sop_class: str, media_type: str) -> None:
    door = await door_of(document(sop_class, "text/html"), EXPLICIT)
    for path in ("", "bulkdata/00420011"):
        answer = await door.get(path, Accept=media_type)
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type), answer.text
        assert answer.content.rstrip(b"\0") == PDF.rstrip(b"\0")
        part = await door.get(path, Accept=media_type, Range="bytes=1-3")
        assert (part.status_code, part.content) == (206, b"PDF")
        again = await door.get(path, Accept=media_type, If_None_Match=answer.headers["etag"])
        assert again.status_code == 304
    assert (await door.get("", Accept="text/html")).status_code == 406
    assert (await door.get("", Accept="application/dicom")).status_code == 200


async def test_video_comes_as_itself() -> None:
    stream = b"\0\0\0\x20ftypisom" + b"m" * 3000
    door = await door_of(image(fragments([stream], 1), frames=30), VIDEO)
    answer = await door.get("", Accept="video/*")
    assert (answer.headers["content-type"], answer.content) == ("video/mp4", stream)
    part = await door.get("", Accept="video/mp4", Range="bytes=4-7")
    assert (part.status_code, part.content) == (206, b"ftyp")
    stored = await door.get("", Accept="application/dicom")
    assert stored.headers["content-type"] == f"application/dicom; transfer-syntax={VIDEO}"
