from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import httpx2
import pytest

from radstream.backends import Backends
from radstream.bus.dead_letters import dead_letter
from radstream.bus.embedded import EmbeddedBus
from radstream.bus.port import Message
from radstream.contract.errors import RejectedInstance, Unavailable
from radstream.contract.topics import all_topics
from radstream.settings import Settings
from radstream.web.app import create_app
from services.api import echo, operations
from services.api.arrivals import Arrivals
from services.api.echo import Called
from tests.index_engines import Archive

STORED = "instance-stored"


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[EmbeddedBus]:
    bus = EmbeddedBus(tmp_path / "bus")
    await bus.create_topics(all_topics())
    yield bus
    await bus.close()


def client_of(bus: EmbeddedBus, settings: Settings) -> httpx2.AsyncClient:
    archive = Archive()
    backends = Backends(bus, archive.backends.blobs, archive.backends.previews, archive.catalog)
    app = create_app("test", [operations.router(backends, settings, Arrivals(bus))], {})
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://pacs:8042")


async def set_aside(bus: EmbeddedBus) -> None:
    await bus.publish([Message(STORED, "1.2.3", b"{}")])
    [record] = await bus.read(STORED)
    await bus.publish([dead_letter(record, "index", RejectedInstance("the header ends early"), 3)])


async def test_state_tells_lag_dead_letters_and_who_may_call(bus: EmbeddedBus, tmp_path: Path) -> None:
    await set_aside(bus)
    table = tmp_path / "ae.toml"
    table.write_text('[[ae]]\nae_title = "CT1"\nhosts = ["10.0.0.0/8"]\nurgent = true\n')
    settings = Settings(home=tmp_path, ae_table=str(table), calling_ae_titles=("MR1",))
    async with client_of(bus, settings) as client:
        state = (await client.get("/operations/state")).json()
    assert {"service": "index", "topic": STORED, "lag": 1} in state["lags"]
    assert state["dead_letters"]["total"] == 1
    [letter] = state["dead_letters"]["shown"]
    assert (letter["study"], letter["error-text"], letter["attempts"]) == ("1.2.3", "the header ends early", "3")
    assert letter["service"] == "index"
    assert state["storage"]["counts"] == {"studies": 0, "instances": 0}
    titles = {entity["ae_title"]: entity["urgent"] for entity in state["ae_titles"]}
    assert titles == {"MR1": False, "CT1": True}


async def test_a_dead_letter_is_put_back_once(bus: EmbeddedBus, tmp_path: Path) -> None:
    await set_aside(bus)
    async with client_of(bus, Settings(home=tmp_path)) as client:
        [letter] = (await client.get("/operations/state")).json()["dead_letters"]["shown"]
        answer = await client.post("/operations/dead-letters/replay", json={"names": [letter["name"]]})
        assert answer.json() == {"replayed": 1}
        assert (await client.get("/operations/state")).json()["dead_letters"]["total"] == 0
        again = await client.post("/operations/dead-letters/replay", json={"names": [letter["name"]]})
        assert again.status_code == 404
    assert len(await bus.read(STORED)) == 2


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b'{"names": ["all"]}', "text/plain"),  # what a form of another site can send
        (b"names=all", "application/json"),
        (b'["all"]', "application/json"),
        (b'{"names": []}', "application/json"),
        (b'{"names": [1]}', "application/json"),
    ],
)
async def test_what_is_no_wish_is_refused(bus: EmbeddedBus, tmp_path: Path, content: bytes, media_type: str) -> None:
    await set_aside(bus)
    async with client_of(bus, Settings(home=tmp_path)) as client:
        headers = {"content-type": media_type}
        answer = await client.post("/operations/dead-letters/replay", content=content, headers=headers)
        assert answer.status_code == 400
    assert len(await bus.read(STORED)) == 1


async def test_what_an_engine_does_not_tell_is_null(
    bus: EmbeddedBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Unavailable("the log is away")

    monkeypatch.setattr(bus, "lag", away)
    monkeypatch.setattr(bus, "read", away)
    async with client_of(bus, Settings(home=tmp_path, ae_table=str(tmp_path / "absent.toml"))) as client:
        state = (await client.get("/operations/state")).json()
    assert state["lags"] is state["dead_letters"] is state["ae_titles"] is None
    assert state["storage"]["counts"] == {"studies": 0, "instances": 0}


async def test_a_dead_letter_is_given_up(bus: EmbeddedBus, tmp_path: Path) -> None:
    await set_aside(bus)
    async with client_of(bus, Settings(home=tmp_path)) as client:
        [letter] = (await client.get("/operations/state")).json()["dead_letters"]["shown"]
        answer = await client.post("/operations/dead-letters/discard", json={"names": [letter["name"]]})
        assert answer.json() == {"discarded": 1}
        assert (await client.get("/operations/state")).json()["dead_letters"]["total"] == 0
    assert len(await bus.read(STORED)) == 1


@pytest.mark.parametrize("path", ["dead-letters/replay", "dead-letters/discard", "echo"])
@pytest.mark.parametrize(
    ("headers", "status_code"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://pacs:8043"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://evil.example", "sec-fetch-site": "same-origin"}, 403),
        ({"origin": "http://pacs:8042", "sec-fetch-site": "same-origin"}, 200),
        ({}, 200),  # no browser
    ],
)
async def test_pages_of_other_sites_can_have_nothing_done(
    bus: EmbeddedBus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    headers: dict[str, str],
    status_code: int,
) -> None:
    monkeypatch.setattr(echo, "_c_echo", answering(0))
    await set_aside(bus)
    async with client_of(bus, Settings(home=tmp_path)) as client:
        answer = await client.post(f"/operations/{path}", json={"names": ["all"]}, headers=headers)
        left = (await client.get("/operations/state")).json()["dead_letters"]["total"]
    assert answer.status_code == status_code
    assert left == (0 if status_code == 200 and path != "echo" else 1)


def answering(outcome: int | Exception, seen: list[Called] | None = None) -> Callable[[Called], Awaitable[int]]:
    async def c_echo(called: Called) -> int:
        if seen is not None:
            seen.append(called)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return c_echo


@pytest.mark.parametrize(
    ("outcome", "status", "reason"), [(0, 0, ""), (Unavailable("nobody answers"), None, "nobody answers")]
)
async def test_echo_tells_how_it_went(
    bus: EmbeddedBus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outcome: int | Exception,
    status: int | None,
    reason: str,
) -> None:
    seen: list[Called] = []
    monkeypatch.setattr(echo, "_c_echo", answering(outcome, seen))
    settings = Settings(home=tmp_path, dimse_plain=False, dimse_tls_port=2762, calling_ae_titles=("*", "MR1"))
    async with client_of(bus, settings) as client:
        told = (await client.post("/operations/echo", json={})).json()
    assert (told["status"], told["reason"]) == (status, reason)
    assert told["duration_ms"] >= 0
    assert seen == [Called("127.0.0.1", 2762, "RADSTREAM", "MR1")]


async def test_only_who_has_an_address_in_the_table_is_called(
    bus: EmbeddedBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Called] = []
    monkeypatch.setattr(echo, "_c_echo", answering(0, seen))
    table = tmp_path / "ae.toml"
    table.write_text('[[ae]]\nae_title = "CT1"\n\n[[ae]]\nae_title = "PACS2"\naddress = "10.1.2.9:104"\n')
    async with client_of(bus, Settings(home=tmp_path, ae_table=str(table))) as client:
        state = (await client.get("/operations/state")).json()
        asked = {
            title: (await client.post("/operations/echo", json={"ae_title": title, "host": "10.9.9.9"})).status_code
            for title in ("PACS2", "CT1", "EVIL", "")
        }
        wrong = await client.post("/operations/echo", json={"ae_title": 1})
    assert {each["ae_title"]: each["is_called"] for each in state["ae_titles"]} == {"CT1": False, "PACS2": True}
    assert asked == {"PACS2": 200, "CT1": 404, "EVIL": 404, "": 404}
    assert wrong.status_code == 400
    assert seen == [Called("10.1.2.9", 104, "PACS2", "RADSTREAM")]


class Counted:
    """A log that holds as many records as it is told."""

    held = 0

    async def lag(self, _group: str, _topics: Sequence[str]) -> int:
        return self.held


async def test_arrivals_are_counted_by_the_minute() -> None:
    log, now = Counted(), [60.0]
    arrivals = Arrivals(log, lambda: now[0])  # type: ignore[arg-type]
    for at_s, held in ((60, 5), (70, 8), (80, 10), (125, 11), (130, 4)):  # retention deleted some in between
        now[0], log.held = at_s, held
        await arrivals.look()
    assert arrivals.per_minute == [(1, 5), (2, 1)]
