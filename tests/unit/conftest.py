"""What unit tests of several rooms share."""

from __future__ import annotations

import pytest

from tests.dimse_pipe import Peer, connect_to


@pytest.fixture
async def peer(monkeypatch: pytest.MonkeyPatch) -> Peer:
    """The acceptor that every requestor of the test is connected to."""
    peer = Peer()
    connect_to(monkeypatch, peer.connect)
    return peer
