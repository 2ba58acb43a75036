"""The STOW-RS door over engines in memory, what is posted to it, and how its answers are read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI

from radstream.dicom.part10 import encode_meta
from radstream.sandbox.pool import Sandbox
from radstream.settings import Settings
from radstream.web.app import create_app
from services.ingest import stow
from services.ingest.pictures import HANDLER, Pictures
from tests.ingest_engines import Engines
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, Instance

BOUNDARY = "stow-boundary"
RELATED = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
BASE = "http://pacs.test/dicom-web"


def part10(instance: Instance) -> bytes:
    return encode_meta(MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN) + instance.data_set


def related(*files: bytes, media_type: str = "application/dicom") -> bytes:
    """Return a body whose parts are all of one media type."""
    return body_of(*(({"Content-Type": media_type}, file) for file in files))


def body_of(*parts: tuple[dict[str, str], bytes], eol: bytes = b"\r\n") -> bytes:
    """Return a body of parts with their headers."""
    body = b""
    for headers, content in parts:
        lines = [f"--{BOUNDARY}".encode(), *(f"{name}: {value}".encode() for name, value in headers.items()), b"", b""]
        body += eol.join(lines) + content + eol
    return body + f"--{BOUNDARY}--".encode() + eol


@dataclass
class Door:
    engines: Engines
    app: FastAPI
    client: httpx2.AsyncClient

    async def post(
        self, content: bytes | AsyncIterator[bytes], content_type: str = RELATED, path: str = "/studies", **headers: str
    ) -> httpx2.Response:
        return await self.client.post(
            f"/dicom-web{path}", content=content, headers={"Content-Type": content_type} | headers
        )

    async def leave(self, content: bytes, content_type: str = RELATED) -> list[Any]:
        """Send the beginning of a body and go away; return what the door has sent all the same."""
        messages = [{"type": "http.request", "body": content, "more_body": True}, {"type": "http.disconnect"}]
        headers = [(b"content-type", content_type.encode()), (b"host", b"pacs.test")]
        scope = {"type": "http", "method": "POST", "path": "/dicom-web/studies", "query_string": b"", "scheme": "http"}
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope | {"headers": headers}, receive, send)
        return sent

    @property
    def stored(self) -> list[bytes]:
        """The blobs of instances, in the order in which they came."""
        blobs = self.engines.blobs
        return [blobs.contents[key][0] for key in blobs.keys("instances")]


@asynccontextmanager
async def open_door(home: Path, **settings: Any) -> AsyncIterator[Door]:
    engines = Engines()
    chosen = Settings(home=home, **{"publish_deadline_s": 5} | settings)
    async with Sandbox(HANDLER) as sandbox:
        app = create_app("ingest", [stow.router(engines.backends, chosen, Pictures(sandbox))], {})
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://pacs.test") as client:
            yield Door(engines, app, client)


def items(answer: httpx2.Response, tag: str) -> list[dict[str, Any]]:
    return list(answer.json()[tag]["Value"]) if tag in answer.json() else []


def value(item: dict[str, Any], tag: str) -> Any:
    return item[tag]["Value"][0]


def failure_reasons(answer: httpx2.Response, tag: str = "00081198") -> list[int]:
    return [value(item, "00081197") for item in items(answer, tag)]
