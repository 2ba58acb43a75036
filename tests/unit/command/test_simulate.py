"""The simulator's sender, with a peer that refuses, fails and hangs up."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from radstream.bus.retry import Retry
from radstream.contract.errors import Unavailable
from radstream.dimse.client import AssociationRejected
from radstream.dimse.outgoing import Destination
from radstream.dimse.pdus import encode_rejection
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN
from services.command import simulate as module
from services.command.simulate import Options, plan_studies, simulate
from services.command.simulator.instances import SOP_CLASS_UIDS
from tests.dimse_pipe import Peer, abort, to_answers


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY", Retry(first_delay_s=0.0001, longest_delay_s=0.001))


def options(**changes: Any) -> Options:
    small: dict[str, Any] = {"studies": 2, "modalities": ("MR",), "slices": 2, "scale": 0.15, "seed": 1}
    return Options(Destination("127.0.0.1", 11112), **(small | changes))


async def test_every_instance_of_every_study_is_accepted(peer: Peer) -> None:
    summary = await simulate(options())
    assert len(summary.acknowledged) == len(peer.stored) == 12
    assert len(summary.study_instance_uids) == 2
    assert (summary.resent, summary.refused) == (0, [])
    assert summary.size_bytes == sum(map(len, peer.stored.values()))
    assert "12 instances of 2 studies accepted" in str(summary)


async def test_acknowledged_bytes_are_on_file_with_their_hash(peer: Peer, tmp_path: Path) -> None:
    path = tmp_path / "acknowledged.jsonl"
    for _ in range(2):  # a second simulation appends
        await simulate(options(acknowledged=path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 24
    for line in lines:
        data_set = peer.stored[line["sop_instance_uid"]]
        assert line["sha256"] == hashlib.sha256(data_set).hexdigest()
        assert line["size_bytes"] == len(data_set)


async def test_what_failed_is_sent_again_until_it_is_accepted(peer: Peer) -> None:
    failures = {2: abort, 4: 0xA700, 5: 0x0110, 9: abort, 11: 0xA702}
    peer.answer = lambda number: failures.get(number, 0)
    summary = await simulate(options())
    assert len(peer.stored) == len(summary.acknowledged) == 12
    assert summary.resent == len(failures)


async def test_a_peer_that_comes_up_late_gets_everything(peer: Peer) -> None:
    peer.absent = 20
    assert len((await simulate(options())).acknowledged) == 12


async def test_a_peer_that_never_comes_up_ends_the_simulation(peer: Peer) -> None:
    peer.absent = 10**9
    with pytest.raises(Unavailable, match="does not answer"):
        await simulate(options(patience_s=0.05))


async def test_a_peer_that_wants_no_association_ends_the_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    to_answers(monkeypatch, encode_rejection(1, 1, 7))
    with pytest.raises(AssociationRejected, match="called AE title not recognized"):
        await simulate(options())


async def test_a_refusal_is_noted_and_not_repeated(peer: Peer) -> None:
    peer.answer = lambda number: 0xC000 if number == 2 else 0xB000 if number == 3 else 0
    summary = await simulate(options())
    assert [outcome.refusal for outcome in summary.refused] == ["the peer answered 0xC000"]
    assert len(summary.acknowledged) == 11  # a warning is an acceptance
    assert len(peer.requests) == 12


async def test_a_peer_of_implicit_vr_only_gets_implicit_vr(peer: Peer) -> None:
    peer.route = replace(peer.route, transfer_syntaxes={IMPLICIT_VR_LITTLE_ENDIAN})
    summary = await simulate(options(studies=1))
    assert len(summary.acknowledged) == 6
    for outcome in summary.acknowledged:
        data_set = peer.stored[outcome.sop_instance_uid]
        assert data_set[4:6] != b"CS"
        assert outcome.sha256 == hashlib.sha256(data_set).hexdigest()


async def test_a_sop_class_that_the_peer_does_not_take_is_refused_alone(peer: Peer) -> None:
    peer.route = replace(peer.route, abstract_syntaxes={SOP_CLASS_UIDS["US"]})
    summary = await simulate(options(studies=2, modalities=("MR", "US"), slices=1))
    assert {outcome.refusal for outcome in summary.refused} == {
        "the peer refuses the presentation context: abstract syntax not supported"
    }
    assert len(summary.acknowledged) == 2


async def test_a_peer_that_takes_nothing_refuses_everything(peer: Peer) -> None:
    peer.route = replace(peer.route, abstract_syntaxes=set())
    summary = await simulate(options())
    assert (len(summary.acknowledged), len(summary.refused)) == (0, 12)


async def test_several_associations_are_open_at_once(peer: Peer) -> None:
    summary = await simulate(options(associations=4, studies=4))
    assert len(peer.sessions) == 4
    assert len(summary.acknowledged) == len(peer.stored) == 24


async def test_a_stop_ends_the_simulation_in_order(peer: Peer) -> None:
    stop = asyncio.Event()
    summary = await simulate(options(studies=1000), stop=stop, on_progress=lambda _: stop.set())
    assert 1 <= len(summary.acknowledged) < 20


async def test_a_rate_is_kept(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def note(delay_s: float) -> None:
        pauses.append(delay_s)
        await sleep(0)

    monkeypatch.setattr("services.command.simulate.asyncio.sleep", note)
    await simulate(options(rate_per_s=0.01))
    planned = [pause for pause in pauses if pause > 10]
    # Nobody slept, so each instance is planned another hundred seconds ahead; what drawing takes does not matter.
    assert [round(pause, -2) for pause in planned] == [100.0 * number for number in range(1, 13)]


def test_a_seed_gives_the_same_studies_on_any_day() -> None:
    assert list(plan_studies(options())) == list(plan_studies(options()))


def test_without_a_seed_every_simulation_is_another_one() -> None:
    first, second = (next(plan_studies(options(seed=None))) for _ in range(2))
    assert first.study_instance_uid != second.study_instance_uid
