"""The asynchronous operations window of our requestor (PS3.7 D.3.3.3), with an acceptor that answers when it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from radstream.contract.errors import Unavailable
from radstream.dimse.associate import decode_request, encode_accept
from radstream.dimse.client import LARGEST_WINDOW, Association
from radstream.dimse.messages import Command, CommandField
from radstream.dimse.negotiation import Acceptor
from radstream.dimse.outgoing import Destination, Patience
from radstream.dimse.routes import store_route
from radstream.dimse.sender import Sender
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN
from radstream.dimse.upper_layer import UpperLayer
from radstream.dimse.user_information import UserInformation
from tests.dimse_pipe import connect_to, request
from tests.dimse_sending import Item
from tests.dimse_wire import ABORT, CT_IMAGE_STORAGE, RELEASE_RP, Store, Wire, chunks_of, command_pdu, settle

STORED = (CT_IMAGE_STORAGE, "1.2.3", IMPLICIT_VR_LITTLE_ENDIAN)
CONTEXTS = [(CT_IMAGE_STORAGE, [IMPLICIT_VR_LITTLE_ENDIAN])]
DATA = bytes(40_000)


class WindowedAcceptor:
    """Grants a window, and answers only what it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, granted: tuple[int, int] | None) -> None:
        self.wire: Wire
        self.proposed: tuple[int, int] | None = None
        self._granted = granted
        connect_to(monkeypatch, self.connect)

    def connect(self, requestor: UpperLayer) -> None:
        self.wire = Wire(requestor)
        ((_, body),) = self.wire.take_pdus()
        asked = decode_request(body)
        self.proposed = asked.user.window
        _, accept = Acceptor((store_route(Store()),), (), 16384).negotiate(asked)
        user = UserInformation(window=self._granted)
        accept = type(accept)(accept.calling_ae_title, accept.called_ae_title, accept.contexts, user)
        asyncio.get_running_loop().call_soon(self.wire.feed, encode_accept(accept))

    def requests(self) -> list[int]:
        """Return the Message IDs of the requests that have come; each is whole, and none is mixed with another."""
        return [command.message_id or 0 for command, data in self.wire.take_messages() if data == DATA]

    def answer(self, message_id: int, status: int = 0) -> None:
        field = CommandField.C_STORE_RQ | 0x8000
        response = Command(field, message_id_being_responded_to=message_id, status=status)
        context_id = next(iter(self.wire.layer._user.contexts))  # type: ignore[attr-defined]
        self.wire.feed(command_pdu(response, context_id))


def store(association: Association, count: int) -> list[asyncio.Future[int]]:
    return [asyncio.ensure_future(association.c_store(*STORED, chunks_of(DATA, 7000))) for _ in range(count)]


@pytest.mark.parametrize(
    ("proposed", "granted", "window"),
    [
        (None, None, 1),
        (None, (7, 7), 1),
        ((5, 1), None, 1),
        ((5, 1), (1, 1), 1),
        ((5, 1), (3, 1), 3),
        ((5, 1), (9, 1), 5),
        ((5, 1), (0, 1), 5),
        ((0, 1), (0, 0), LARGEST_WINDOW),
        ((0, 1), (1000, 0), LARGEST_WINDOW),
    ],
)
async def test_no_more_operations_are_under_way_than_were_agreed(
    monkeypatch: pytest.MonkeyPatch,
    proposed: tuple[int, int] | None,
    granted: tuple[int, int] | None,
    window: int,
) -> None:
    peer = WindowedAcceptor(monkeypatch, granted)
    user = UserInformation(window=proposed)
    async with request(contexts=CONTEXTS, user=user) as association:
        storing = store(association, window + 3)
        await settle(60 * window)
        assert peer.requests() == list(range(1, window + 1))
        peer.answer(1)
        await settle(60)
        assert peer.requests() == [window + 1]
        peer.wire.feed(ABORT)
        outcomes = await asyncio.gather(*storing, return_exceptions=True)
    assert [one for one in outcomes if not isinstance(one, Unavailable)] == [0]
    assert peer.proposed == proposed


async def test_answers_in_any_order_reach_whom_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = WindowedAcceptor(monkeypatch, (4, 1))
    async with request(contexts=CONTEXTS, user=UserInformation(window=(4, 1))) as association:
        storing = store(association, 4)
        await settle(200)
        assert peer.requests() == [1, 2, 3, 4]
        for message_id in (3, 1, 4, 2):
            peer.answer(message_id, 0xB000 + message_id)
        assert await asyncio.gather(*storing) == [0xB001, 0xB002, 0xB003, 0xB004]
        asyncio.get_running_loop().call_later(0.01, peer.wire.feed, RELEASE_RP)


async def test_the_sender_fills_the_window_and_sends_again_only_what_has_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peers: list[WindowedAcceptor] = []

    class Peer(WindowedAcceptor):
        def connect(self, requestor: UpperLayer) -> None:
            peers.append(self)
            super().connect(requestor)

    def connect(requestor: UpperLayer) -> None:
        Peer(monkeypatch, (3, 1)).connect(requestor)
        connect_to(monkeypatch, connect)

    connect_to(monkeypatch, connect)
    sent = [Item(f"1.2.{number}", DATA, transfer_syntax_uid=IMPLICIT_VR_LITTLE_ENDIAN) for number in range(5)]
    sender: Sender[Item] = Sender(Destination("192.0.2.2", 104), window=3, patience=Patience(attempts=2))

    async def told() -> AsyncIterator[tuple[str, int, bool]]:
        async for delivery in sender.send(sent):
            yield delivery.instance.sop_instance_uid, delivery.attempts, delivery.error is None

    sending = asyncio.ensure_future(_all(told()))
    await settle(300)
    assert peers[0].requests() == [1, 2, 3]
    peers[0].answer(2)
    await settle(100)
    assert peers[0].requests() == [4]
    peers[0].wire.feed(ABORT)
    await asyncio.sleep(0.2)
    await settle(300)
    for count in (3, 1):  # the three without an answer, then the one that was never sent
        again = peers[1].requests()
        assert len(again) == count
        for message_id in again:
            peers[1].answer(message_id)
        await settle(200)
    peers[1].wire.feed(RELEASE_RP)
    outcome = await sending
    assert sorted(outcome) == [
        ("1.2.0", 2, True),
        ("1.2.1", 1, True),
        ("1.2.2", 2, True),
        ("1.2.3", 2, True),
        ("1.2.4", 1, True),
    ]


async def _all(told: AsyncIterator[tuple[str, int, bool]]) -> list[tuple[str, int, bool]]:
    return [one async for one in told]
