from __future__ import annotations

import base64
import gzip
import hashlib
from pathlib import Path

import httpx2
import pytest

from radstream.settings import Settings
from radstream.web.app import create_app
from services.api import offered, ohif

SCRIPT = 'window.PUBLIC_URL="/ohif/"'
PAGE = f'<!doctype html><script>{SCRIPT}</script><script defer src="/ohif/app.bundle.0123456789abcdef.js"></script>'
BUNDLE = "app.bundle.0123456789abcdef.js"
DECODER = "0ddf166f7a343eda.wasm"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    placed = tmp_path / "ohif"
    (placed / "assets").mkdir(parents=True)
    (placed / "index.html").write_text(PAGE)
    (placed / BUNDLE).write_text("export {}")
    (placed / f"{BUNDLE}.gz").write_bytes(gzip.compress(b"export {}"))
    (placed / DECODER).write_bytes(b"\0asm")
    (placed / "assets" / "favicon.ico").write_bytes(b"icon")
    (placed / "app-config.js").write_text("window.config = {}")
    (tmp_path / "secret.js").write_text("secret")
    return placed


def client_of(folder: Path) -> httpx2.AsyncClient:
    settings = Settings(ohif_dir=str(folder))
    app = create_app("test", [offered.router(settings), ohif.router(settings)], {})
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://pacs:8042")


@pytest.mark.parametrize(
    "path",
    ["/ohif", "/ohif/", "/ohif?patientName=x", "/ohif/index.html", "/ohif/viewer?StudyInstanceUIDs=1.2", "/ohif/a/b"],
)
async def test_every_url_of_its_own_is_its_page(folder: Path, path: str) -> None:
    async with client_of(folder) as client:
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (200, PAGE)
        assert answer.headers["cache-control"] == "no-cache"


async def test_page_runs_its_own_scripts_and_no_others(folder: Path) -> None:
    async with client_of(folder) as client:
        answer = await client.get("/ohif/")
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
        assert policy["script-src"] == f"'self' 'wasm-unsafe-eval' 'sha256-{digest}'"
        assert policy["default-src"] == policy["base-uri"] == "'none'"


async def test_policy_is_the_pages_alone(folder: Path) -> None:
    async with client_of(folder) as client:
        assert "content-security-policy" not in (await client.get(f"/ohif/{BUNDLE}")).headers


async def test_what_never_changes_is_kept_for_ever_and_what_was_rewritten_for_a_day(folder: Path) -> None:
    async with client_of(folder) as client:
        kept = {name: (await client.get(f"/ohif/{name}")).headers["cache-control"] for name in (DECODER, BUNDLE)}
        assert kept == {DECODER: "public, max-age=31536000, immutable", BUNDLE: "public, max-age=86400"}
        for name in ("assets/favicon.ico", "app-config.js"):
            answer = await client.get(f"/ohif/{name}")
            assert answer.headers["cache-control"] == "no-cache"
            again = await client.get(f"/ohif/{name}", headers={"if-none-match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")


async def test_files_are_as_small_as_the_browser_takes_them(folder: Path) -> None:
    async with client_of(folder) as client:
        packed = await client.get(f"/ohif/{BUNDLE}", headers={"accept-encoding": "gzip"})
        assert (packed.text, packed.headers["content-encoding"]) == ("export {}", "gzip")
        plain = await client.get(f"/ohif/{BUNDLE}", headers={"accept-encoding": "identity"})
        assert (plain.text, plain.headers.get("content-encoding")) == ("export {}", None)
        assert plain.headers["etag"] != packed.headers["etag"]
        assert plain.headers["content-type"].startswith("text/javascript")
        assert (await client.get(f"/ohif/{DECODER}")).headers["content-type"] == "application/wasm"


@pytest.mark.parametrize(
    "path", ["..%2Fsecret.js", "%2e%2e/secret.js", "assets/..%2F..%2Fsecret.js", "%2Fetc%2Fpasswd", "a%00.js", ".env"]
)
async def test_no_url_leads_out_of_the_folder(folder: Path, path: str) -> None:
    async with client_of(folder) as client:
        answer = await client.get(f"/ohif/{path}")
        assert answer.text == PAGE or answer.status_code == 404
        assert "secret" not in answer.text


async def test_file_that_is_not_there_is_not_the_page(folder: Path) -> None:
    async with client_of(folder) as client:
        assert (await client.get("/ohif/absent.js")).status_code == 404


async def test_without_it_the_page_says_how_to_get_it(tmp_path: Path) -> None:
    async with client_of(tmp_path / "nowhere") as client:
        answer = await client.get("/ohif/")
        assert answer.status_code == 404
        assert "`make ohif`" in answer.text


async def test_pages_learn_whether_there_is_an_ohif_to_lead_to(folder: Path) -> None:
    async with client_of(folder) as client:
        assert (await client.get("/offered")).json() == {"ohif": True}
        (folder / "index.html").unlink()
        assert (await client.get("/offered")).json() == {"ohif": False}
