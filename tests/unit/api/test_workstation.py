from __future__ import annotations

import gzip
from pathlib import Path

import httpx2
import pytest

from radstream.web.app import create_app
from services.api import workstation


@pytest.fixture
def build(tmp_path: Path) -> Path:
    assets = tmp_path / "dist" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<!doctype html><title>pages</title>")
    (tmp_path / "secret.js").write_text("secret")
    (assets / "viewer-Ab12.js").write_text("export {}")
    (assets / "viewer-Ab12.js.gz").write_bytes(gzip.compress(b"export {}"))
    (assets / "decoder-9.wasm").write_bytes(b"\0asm")
    return tmp_path / "dist"


def client_of(build: Path) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(create_app("test", [workstation.router(build)], {}))
    return httpx2.AsyncClient(transport=transport, base_url="http://pacs:8042")


async def test_page_is_asked_for_again_each_time_and_may_run_only_its_own_scripts(build: Path) -> None:
    async with client_of(build) as client:
        answer = await client.get("/")
        assert answer.text.endswith("<title>pages</title>")
        assert answer.headers["cache-control"] == "no-cache"
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
        assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
        again = await client.get("/", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304


async def test_files_with_a_hash_in_their_name_are_kept_for_ever_and_sent_as_small_as_may_be(build: Path) -> None:
    async with client_of(build) as client:
        plain = await client.get("/assets/viewer-Ab12.js", headers={"accept-encoding": "identity"})
        assert plain.text == "export {}"
        assert "content-encoding" not in plain.headers
        packed = await client.get("/assets/viewer-Ab12.js", headers={"accept-encoding": "br, gzip"})
        assert (packed.text, packed.headers["content-encoding"]) == ("export {}", "gzip")
        assert packed.headers["content-type"].startswith("text/javascript")
        assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
        wasm = await client.get("/assets/decoder-9.wasm")
        assert wasm.headers["content-type"] == "application/wasm"


@pytest.mark.parametrize(
    "name", ["..%2Findex.html", "%2e%2e%2fsecret.js", ".hidden", "a%00b", "absent.js", "-", "x" * 300]
)
async def test_no_name_leads_out_of_the_folder(build: Path, name: str) -> None:
    async with client_of(build) as client:
        assert (await client.get(f"/assets/{name}")).status_code == 404


async def test_without_a_build_there_is_no_page(tmp_path: Path) -> None:
    async with client_of(tmp_path) as client:
        assert (await client.get("/")).status_code == 404
