"""How a peer is doing: when to try again, and when to give it up."""

from __future__ import annotations

import asyncio

from radstream.contract.errors import Unavailable
from radstream.dimse.outgoing import Patience


class Trouble:
    """The failures of one peer since it last accepted something; all associations with it share them."""

    def __init__(self, patience: Patience) -> None:
        self.error: Unavailable | None = None  # why the peer is given up; None as long as it is not
        self._patience = patience
        self._failures = 0
        self._since_s = 0.0

    def over(self) -> None:
        """Note that the peer has answered as it should."""
        self._failures = 0

    async def wait(self, error: Unavailable) -> None:
        """Wait after a failure, the longer the more there were; or give the peer up, if that goes on too long."""
        now_s = asyncio.get_running_loop().time()
        if not self._failures:
            self._since_s = now_s
        self._failures += 1
        if now_s - self._since_s >= self._patience.peer_s:
            self.give_up(error)
        else:
            await asyncio.sleep(self._patience.retry.delay_s(self._failures))

    def give_up(self, error: Unavailable) -> None:
        """Try this peer no more; the first reason stays."""
        self.error = self.error or error
