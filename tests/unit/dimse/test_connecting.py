"""Table 9-10 of PS3.8 where there is no connection yet: Sta1 and Sta4."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from radstream.contract.errors import Unavailable
from radstream.dimse.associate import decode_request
from radstream.dimse.pdus import PduType
from radstream.dimse.upper_layer import State, UpperLayer
from tests.dimse_pipe import request
from tests.dimse_wire import Store, Wire, connect, settle, store_house
from tests.state_table import WITHOUT_CONNECTION


class Network:
    """Connections that come about when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, int]] = []
        self.layer: UpperLayer
        self.may_connect = asyncio.Event()
        self.error: Exception | None = None
        self.was_cancelled = False
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", self.create_connection)

    async def create_connection(self, factory: Callable[[], UpperLayer], host: str, port: int, **_: Any) -> None:
        self.asked.append((host, port))
        try:
            await self.may_connect.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        if self.error is not None:
            raise self.error
        self.layer = factory()
        self.wire = Wire(self.layer)


async def ask() -> None:
    async with request(timeout_s=5):
        raise AssertionError("nobody has accepted")


async def test_asking_for_an_association_opens_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:  # Evt1: AE-1
    network = Network(monkeypatch)
    asking = asyncio.ensure_future(ask())
    await settle()
    assert network.asked == [("192.0.2.2", 104)]
    asking.cancel()
    await settle()


async def test_an_open_connection_is_asked_for_the_association(monkeypatch: pytest.MonkeyPatch) -> None:  # Evt2: AE-2
    network = Network(monkeypatch)
    asking = asyncio.ensure_future(ask())
    await settle()
    network.may_connect.set()
    await settle()
    ((kind, body),) = network.wire.take_pdus()
    assert kind == PduType.A_ASSOCIATE_RQ
    assert decode_request(body).calling_ae_title == "SENDER"
    assert network.layer.state == State.AWAITING_ASSOCIATE_AC
    asking.cancel()
    await settle()


async def test_a_connection_that_opens_is_awaited_a_request_on() -> None:  # Evt5: AE-5
    session, wire = connect(store_house(Store()))
    assert session.layer.state == State.AWAITING_ASSOCIATE_RQ
    assert wire.take_pdus() == []


async def test_who_no_longer_wants_the_association_stops_connecting(monkeypatch: pytest.MonkeyPatch) -> None:  # AA-2
    network = Network(monkeypatch)
    asking = asyncio.ensure_future(ask())
    await settle()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert network.was_cancelled


async def test_a_connection_that_does_not_come_about_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:  # AA-4
    network = Network(monkeypatch)
    network.error = ConnectionRefusedError()
    network.may_connect.set()
    with pytest.raises(Unavailable, match="does not answer"):
        await ask()


def test_each_cell_without_a_connection_has_its_test_here() -> None:
    assert set(WITHOUT_CONNECTION.values()) <= set(globals())
