"""The programs of `radstream cluster`: who runs, under which name in the log's groups, and what the gateway is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from radstream.settings import Settings
from services.command.cluster import COPIES, _gateway, _programs
from services.command.edge import OWNERS

PORTS = {name: [41000 + 10 * index + copy for copy in range(COPIES[name])] for index, name in enumerate(COPIES)}


def test_every_copy_has_a_name_of_its_own(tmp_path: Path) -> None:
    programs = _programs(PORTS, Settings(home=tmp_path))
    assert [program.name for program in programs] == [
        *("ingest-0", "ingest-1", "index-0", "index-1", "render-0", "render-1", "api-0")
    ]
    assert [program.environment for program in programs] == [{}] * len(programs)  # only Kafka's groups know names


@pytest.mark.parametrize(
    ("url", "own_url"),
    [
        ("kafka://127.0.0.1:9092/", "kafka://127.0.0.1:9092/?instance_id=index-1"),
        ("kafka://a:1,b:2/clinic-?replicas=3", "kafka://a:1,b:2/clinic-?replicas=3&instance_id=index-1"),
    ],
)
def test_kafkas_groups_know_a_copy_by_its_name(tmp_path: Path, url: str, own_url: str) -> None:
    programs = {each.name: each for each in _programs(PORTS, Settings(home=tmp_path, bus_url=url))}
    assert programs["index-1"].environment == {"RADSTREAM_BUS_URL": own_url}


def test_the_gateway_is_told_of_every_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _gateway(PORTS, Settings(home=tmp_path, http_port=8042))
    assert program.arguments == ("gateway", "--http-port", "8042")
    for name, text in program.environment.items():
        monkeypatch.setenv(name, text)
    told = Settings(home=tmp_path)
    for name in OWNERS:
        assert getattr(told, f"{name}_urls") == tuple(f"http://127.0.0.1:{port}" for port in PORTS[name])
    assert not told.trust_forwarded
