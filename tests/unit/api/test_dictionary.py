from __future__ import annotations

import httpx2

from radstream.web.app import create_app
from services.api import dictionary


async def test_every_tag_has_its_keyword() -> None:
    transport = httpx2.ASGITransport(create_app("test", [dictionary.router()], {}))
    async with httpx2.AsyncClient(transport=transport, base_url="http://pacs:8042") as client:
        keywords = (await client.get("/dictionary")).json()
    assert keywords["00100010"] == "PatientName"
    assert keywords["7FE00010"] == "PixelData"
    assert len(keywords) > 4000
