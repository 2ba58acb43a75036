"""`radstream init` on every set of engines: what the contract names is there afterwards, and again does no harm."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from radstream.backends import open_backends
from radstream.bus.port import Message
from radstream.catalog.filters import EVERYTHING
from radstream.catalog.port import Put
from radstream.contract.documents import COLLECTIONS
from radstream.contract.errors import UnsafeConfiguration
from radstream.contract.topics import all_topics, dead_letter_topic
from radstream.settings import Settings, load_settings
from services.command.initializing import initialize
from tests.engines import cluster_environment, on_engines

HAS_EVERYTHING = {"log": "", "blob store": "", "preview cache": "", "catalog": ""}

DEAD_LETTERS = dead_letter_topic("instance-stored", "index")


@pytest.fixture(params=on_engines(["embedded", "cluster"], {"cluster"}))
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    environment = cluster_environment() if request.param == "cluster" else {}
    urls = {name.removeprefix("RADSTREAM_").lower(): url for name, url in environment.items()}
    return load_settings(home=tmp_path, **urls)


async def test_everything_that_the_contract_names_is_there(settings: Settings) -> None:
    assert await initialize(settings, 60) == HAS_EVERYTHING
    async with open_backends(settings, creating=()) as backends:
        for topic in all_topics():
            await backends.bus.publish([Message(topic.name, "1.2.3", b"{}")])
        for collection in COLLECTIONS:
            assert await backends.catalog.count(collection.name, EVERYTHING) == 0
        for store in (backends.blobs, backends.previews):
            await store.put("main/instances/1/2/3/a.dcm", b"x")


async def test_a_second_time_changes_nothing(settings: Settings) -> None:
    await initialize(settings, 60)
    async with open_backends(settings, creating=()) as backends:
        await backends.bus.publish([Message(DEAD_LETTERS, "1.2.3", b"{}")])
        await backends.blobs.put("main/instances/1/2/3/a.dcm", b"x")
        await backends.catalog.apply([Put("studies", "1.2.3", {"StudyInstanceUID": "1.2.3"})])
    assert await initialize(settings, 60) == HAS_EVERYTHING
    async with open_backends(settings, creating=()) as backends:
        assert [record.value for record in await backends.bus.read(DEAD_LETTERS)] == [b"{}"]
        assert await backends.blobs.read("main/instances/1/2/3/a.dcm") == b"x"
        assert await backends.catalog.count("studies", EVERYTHING) == 1


async def test_two_at_once_do_not_disturb_each_other(settings: Settings) -> None:
    assert await asyncio.gather(initialize(settings, 60), initialize(settings, 60)) == [HAS_EVERYTHING] * 2


async def test_an_engine_that_is_away_is_named_and_the_others_get_theirs(tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("a file")
    settings = load_settings(home=tmp_path, catalog_url=str(tmp_path / "no-folder"))
    outcomes = await initialize(settings, 0.3)
    assert outcomes["catalog"]
    assert {**outcomes, "catalog": ""} == HAS_EVERYTHING


async def test_a_url_that_means_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeConfiguration):
        await initialize(load_settings(home=tmp_path, bus_url="http://127.0.0.1"), 1)
