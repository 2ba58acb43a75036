"""The DIMSE doors as the settings have them: whom they know, what they refuse to be, and what they follow."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from radstream.contract.errors import UnsafeConfiguration
from radstream.dimse.reception import ae_titles, limits
from radstream.dimse.recognition import AETitlePolicy
from radstream.dimse.reloading import follow, stamps
from radstream.settings import Settings, load_settings
from radstream.telemetry import RELOADS
from tests.dimse_wire import settle
from tests.virtual_time import in_virtual_time

TLS = {"dimse_tls_port": 2762, "tls_certificate": "c.pem", "tls_key": "k.pem"}
CLOSED = {**TLS, "tls_client_ca": "ca.pem", "dimse_plain": False, "ae_table": "ae.toml"}
BEYOND = "192.0.2.1"


def policy(**settings: Any) -> AETitlePolicy:
    return ae_titles(Settings(**settings))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "ae.toml"
    file.write_text("[[ae]]\nae_title = 'CT1'")
    return file


# --- whom they know -------------------------------------------------------------------------------------------------


def test_anybody_may_call_on_loopback_and_nobody_unknown_elsewhere() -> None:
    assert policy().calling == {"*"}
    assert policy(host=BEYOND).calling == frozenset()
    assert policy(dimse_host=BEYOND).calling == frozenset()
    assert policy(host=BEYOND, dimse_host="127.0.0.1").calling == {"*"}


def test_who_is_named_may_call() -> None:
    for host in ("127.0.0.1", BEYOND):
        assert policy(host=host, calling_ae_titles="CT1, MR1").calling == {"CT1", "MR1"}


def test_who_is_in_the_table_may_call_and_nobody_else(table: Path) -> None:
    known = policy(ae_table=str(table))
    assert list(known.entities) == ["CT1"]
    assert known.calling == frozenset()
    assert policy(ae_table=str(table), calling_ae_titles="*").calling == {"*"}


def test_we_answer_to_our_own_names_only() -> None:
    assert policy(ae_title="ARCHIVE", called_ae_titles="OLD_PACS").called == {"ARCHIVE", "OLD_PACS"}


def test_limits_come_from_the_settings() -> None:
    ours = limits(Settings(max_associations=9, max_associations_per_host=8, max_associations_per_ae_title=7))
    assert (ours.max_associations, ours.max_associations_per_host) == (9, 8)
    assert ours.max_associations_per_ae_title == 7


# --- what they refuse to be -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"host": BEYOND}, "nobody would have to say who they are"),
        ({"host": BEYOND, "dimse_host": "127.0.0.1"}, "nobody would have to say who they are"),
        ({**CLOSED, "host": BEYOND}, "nobody would have to say who they are"),
        ({"dimse_host": BEYOND}, "RADSTREAM_DIMSE_TLS_PORT.*RADSTREAM_DIMSE_PLAIN=false.*RADSTREAM_AE_TABLE"),
        ({**CLOSED, "dimse_host": BEYOND, "dimse_plain": True}, "RADSTREAM_DIMSE_PLAIN=false"),
        ({**CLOSED, "dimse_host": BEYOND, "tls_client_ca": ""}, "_CLIENT_CA"),
        ({**CLOSED, "dimse_host": BEYOND, "ae_table": ""}, "name who may call"),
        ({**CLOSED, "dimse_host": BEYOND, "calling_ae_titles": "CT1,*"}, "name who may call"),
        ({"dimse_tls_port": 2762}, "needs RADSTREAM_TLS_CERTIFICATE"),
        ({**TLS, "tls_key": ""}, "belong together"),
        ({**TLS, "tls_certificate": ""}, "belong together"),
        ({**TLS, "dimse_tls_port": 0}, "no door uses it"),
        ({"tls_client_ca": "ca.pem"}, "no door uses it"),
        ({"dimse_plain": False}, "no DIMSE door is open"),
        ({**TLS, "dimse_tls_port": 11112}, "the same port"),
    ],
)
def test_unsafe_and_contradictory_settings_are_refused_with_what_to_set(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(UnsafeConfiguration, match=why):
        load_settings(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"host": BEYOND, "allow_open": True},
        {"dimse_host": BEYOND, "allow_open": True},
        {**CLOSED, "dimse_host": BEYOND},
        {**CLOSED, "dimse_host": BEYOND, "ae_table": "", "calling_ae_titles": "CT1,MR1"},
        TLS,
        {**CLOSED, "dimse_plain": True},
    ],
)
def test_doors_that_ask_who_comes_may_be_open_to_others(settings: dict[str, Any]) -> None:
    assert load_settings(**settings).dimse_ports


# --- what they follow -----------------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_file_is_read_again_when_it_changed_and_only_then(tmp_path: Path) -> None:
    file, reads = tmp_path / "ae.toml", []
    file.write_text("one")
    following = asyncio.create_task(follow("ae_table", [file], lambda: reads.append(file.read_text())))
    await asyncio.sleep(10)
    assert reads == []
    file.write_text("three")
    await asyncio.sleep(2.1)
    assert reads == ["three"]
    await asyncio.sleep(10)
    assert reads == ["three"]
    following.cancel()


@in_virtual_time
async def test_a_file_that_cannot_be_used_is_tried_again_when_it_changes(tmp_path: Path) -> None:
    def count(outcome: str) -> float:
        return float(RELOADS.labels("ae_table", outcome)._value.get())

    file = tmp_path / "ae.toml"
    file.write_text("ae = 1")
    seen: list[AETitlePolicy] = []
    before = count("failed"), count("done")
    settings = Settings(ae_table=str(file))
    following = asyncio.create_task(follow("ae_table", [file], lambda: seen.append(ae_titles(settings))))
    await settle()
    file.unlink()
    await asyncio.sleep(10)
    assert (seen, count("failed") - before[0]) == ([], 1)
    file.write_text("[[ae]]\nae_title = 'CT1'")
    await asyncio.sleep(2.1)
    assert list(seen[0].entities) == ["CT1"]
    assert (count("failed") - before[0], count("done") - before[1]) == (1, 1)
    following.cancel()


def test_a_link_that_points_elsewhere_is_a_change(tmp_path: Path) -> None:
    """As Kubernetes replaces a mounted secret."""
    for name in ("old", "new"):
        (tmp_path / name).write_text("same size")
        os.utime(tmp_path / name, (1, 1))
    link = tmp_path / "tls.crt"
    link.symlink_to("old")
    before = stamps([link])
    link.unlink()
    assert stamps([link]) == [None]
    link.symlink_to("new")
    assert stamps([link]) != before
