"""The simulator's sender, with a peer that refuses, fails and hangs up."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from radstream.bus.retry import Retry
from radstream.contract.errors import Unavailable, UnsupportedInstance
from services.command.simulate import Options, plan_studies, simulate
from services.command.simulator import sending
from services.command.simulator.instances import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, SOP_CLASS_UIDS
from services.command.simulator.sending import Destination, may_succeed_later


class Peer:
    """Takes the place of `Association`; `answer` decides on each C-STORE by its number, from 1."""

    def __init__(self, answer: Callable[[int], int | Exception] = lambda _: 0) -> None:
        self.answer = answer
        self.syntaxes: tuple[str, ...] = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
        self.classes = set(SOP_CLASS_UIDS.values())
        self.unreachable = 0
        self.stores = 0
        self.associations = 0
        self.open = 0
        self.most_open = 0
        self.stored: dict[str, bytes] = {}

    @asynccontextmanager
    async def request(self, _host: str, _port: int, *, contexts: Any, **_options: Any) -> AsyncIterator[Peer]:
        self.associations += 1
        if self.unreachable > 0:
            self.unreachable -= 1
            raise Unavailable("nobody there")
        accepted = [(uid, [s for s in given if s in self.syntaxes]) for uid, given in contexts if uid in self.classes]
        self.contexts = {
            2 * index + 1: SimpleNamespace(abstract_syntax=uid, transfer_syntax_uid=given[0])
            for index, (uid, given) in enumerate(accepted)
            if given
        }
        if not self.contexts:
            raise UnsupportedInstance("nothing accepted")
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield self
        finally:
            self.open -= 1

    async def c_store(self, _sop_class_uid: str, sop_instance_uid: str, _syntax: str, data_set: bytes) -> int:
        self.stores += 1
        await asyncio.sleep(0)
        outcome = self.answer(self.stores)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome == 0:
            self.stored[sop_instance_uid] = data_set
        return outcome


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Peer:
    peer = Peer()
    monkeypatch.setattr(sending, "Association", peer)
    monkeypatch.setattr(sending, "_RETRY", Retry(first_delay_s=0.0001, longest_delay_s=0.001))
    return peer


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


@pytest.mark.parametrize("failure", [Unavailable("connection lost"), 0xA700, 0xA702, 0x0110])
async def test_what_failed_is_sent_again_until_it_is_accepted(peer: Peer, failure: int | Exception) -> None:
    peer.answer = lambda number: failure if number % 3 == 0 else 0
    summary = await simulate(options())
    assert len(peer.stored) == len(summary.acknowledged) == 12
    assert summary.resent == peer.stores - 12 > 0
    assert peer.associations > 1


async def test_a_peer_that_comes_up_late_gets_everything(peer: Peer) -> None:
    peer.unreachable = 20
    assert len((await simulate(options())).acknowledged) == 12


async def test_a_peer_that_never_comes_up_ends_the_simulation(peer: Peer) -> None:
    peer.unreachable = 10**9
    with pytest.raises(Unavailable, match="nobody there"):
        await simulate(options(patience_s=0.05))


async def test_a_refusal_is_noted_and_not_repeated(peer: Peer) -> None:
    peer.answer = lambda number: 0xC000 if number == 2 else 0xB000 if number == 3 else 0
    summary = await simulate(options())
    assert [outcome.status for outcome in summary.refused] == [0xC000]
    assert len(summary.acknowledged) == 11  # a warning is an acceptance
    assert peer.stores == 12


async def test_a_peer_of_implicit_vr_only_gets_implicit_vr(peer: Peer) -> None:
    peer.syntaxes = (IMPLICIT_VR_LITTLE_ENDIAN,)
    summary = await simulate(options(studies=1))
    for outcome in summary.acknowledged:
        data_set = peer.stored[outcome.sop_instance_uid]
        assert data_set[4:6] != b"CS"
        assert outcome.sha256 == hashlib.sha256(data_set).hexdigest()


async def test_a_sop_class_that_the_peer_does_not_take_is_refused_alone(peer: Peer) -> None:
    peer.classes -= {SOP_CLASS_UIDS["MR"]}
    summary = await simulate(options(studies=2, modalities=("MR", "US"), slices=1))
    assert {outcome.status for outcome in summary.refused} == {0x0122}
    assert len(summary.acknowledged) == 2


async def test_a_peer_that_takes_nothing_ends_the_simulation(peer: Peer) -> None:
    peer.syntaxes = ()
    with pytest.raises(UnsupportedInstance):
        await simulate(options())


async def test_several_associations_are_open_at_once(peer: Peer) -> None:
    summary = await simulate(options(associations=4, studies=4))
    assert 1 < peer.most_open <= 4
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


def test_only_failures_that_may_pass_are_tried_again() -> None:
    assert [status for status in (0, 0x0110, 0x0122, 0xA700, 0xA7FF, 0xA900, 0xC000) if may_succeed_later(status)] == [
        0x0110,
        0xA700,
        0xA7FF,
    ]
