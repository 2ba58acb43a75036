from __future__ import annotations

import base64
import hashlib
import re

from radstream.settings import Settings
from tests.api_engines import Archive


async def test_page_says_where_to_send(archive: Archive) -> None:
    archive.settings = Settings(ae_title='A<b>&"', dimse_port=11999)
    answer = await archive.client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<code>A&lt;b&gt;&amp;&quot;</code>" in answer.text
    assert "<code>11999</code>" in answer.text


async def test_page_may_run_its_own_script_and_nothing_else(archive: Archive) -> None:
    answer = await archive.client.get("/")
    policy = answer.headers["content-security-policy"]
    for element in ("script", "style"):
        [content] = re.findall(rf"<{element}>(.*?)</{element}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<[^>]+\s(?:on\w+|style)\s*=", answer.text), "the policy would forbid it"


async def test_page_writes_what_it_is_told_as_text_only(archive: Archive) -> None:
    page = (await archive.client.get("/")).text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|javascript:", page)


async def test_page_loads_nothing_from_elsewhere(archive: Archive) -> None:
    page = (await archive.client.get("/")).text
    assert not re.search(r"""(?:src|href|url\()\s*=?\s*["']?(?:https?:)?//""", page)


async def test_page_leads_to_the_description_of_the_web_doors(archive: Archive) -> None:
    assert 'href="dicom-web/"' in (await archive.client.get("/")).text
