"""A TCP connection as a stream of PDUs: framing, flow control both ways, one timer. `upper_layer` gives it meaning."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Final, cast

from radstream.dimse import pdus
from radstream.dimse.pdus import ProtocolViolation
from radstream.dimse.receive_buffer import ReceiveBuffer

_TICKS: Final = 4
"""How often a deadline is looked at in the time it allows: one timer a connection, none a PDU."""


class Connection(asyncio.BufferedProtocol):
    """One TCP connection (or TLS session).

    Parameters
    ----------
    patience_s : float
        The shortest deadline that may come to apply without being announced by `look_at_deadline`.
    """

    def __init__(self, patience_s: float) -> None:
        self.heard_at = 0.0  # when the peer, or we, last said something, in seconds of the loop
        self.blocked_since: float | None = None  # since when the peer takes nothing
        self.pdu_since: float | None = None  # since when a PDU is here in part, and we wait for the rest
        self._patience_s = patience_s
        self._buffer = ReceiveBuffer()
        self._need = pdus.HEAD_BYTES
        self._offset = 0  # of the next fragment in the P-DATA-TF that is being delivered; 0 if none is
        self._holds = 0
        self._is_paused = False
        self._unwanted = 0  # bytes to come of a PDU that nobody waits for
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._timer: asyncio.TimerHandle | None = None

    # --- what asyncio calls -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the open connection."""
        self.transport = cast(asyncio.Transport, transport)  # by its duty: uvloop's is of a class of its own
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()
        self.look_at_deadline()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return room for exactly the rest of the PDU, and a little more."""
        return self._buffer.window(self._need, expected=self._expected_bytes())

    def buffer_updated(self, nbytes: int) -> None:
        """Act on every PDU that is whole now."""
        self.heard_at = self._loop.time()
        self._buffer.filled(nbytes)
        self._skip_unwanted()
        self._advance()

    def pause_writing(self) -> None:
        """Note that the peer does not take what we send."""
        self.blocked_since = self._loop.time()
        self._can_write.clear()

    def resume_writing(self) -> None:
        """Note that it does again."""
        self.blocked_since = None
        self._can_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer, and let go who waits."""
        if self._timer is not None:
            self._timer.cancel()
        self.resume_writing()

    # --- for the layer above ------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Wait until the peer takes more, or is gone."""
        await self._can_write.wait()

    def hold(self) -> None:
        """Deliver no further fragment or PDU until `resume` was called as often."""
        self._holds += 1

    def resume(self) -> None:
        """Undo one `hold`."""
        if self._holds:
            self._holds -= 1
            self._advance()

    @property
    def is_held(self) -> bool:
        """Whether it is us who keep the peer waiting."""
        return self._holds > 0

    @property
    def is_inside_pdu(self) -> bool:
        """Whether a part of a PDU is here."""
        return len(self._buffer) > 0

    def look_at_deadline(self) -> None:
        """Act if the deadline has passed; look again when it could have."""
        if self._timer is not None:
            self._timer.cancel()
        now, deadline = self._loop.time(), self._deadline()
        if deadline is not None and deadline <= now:
            self._on_deadline()
            deadline = self._deadline()
        later = now + self._patience_s / _TICKS
        # A deadline that has passed again is for the transport to act on; do not spin meanwhile.
        when = later if deadline is None or deadline <= now else min(deadline, later)
        self._timer = self._loop.call_at(when, self.look_at_deadline)

    # --- from bytes to PDUs -------------------------------------------------------------------------------------

    def _advance(self) -> None:
        is_more = True
        while is_more:
            try:
                is_more = self._step()
            except ProtocolViolation as violation:
                self._drop_pdu()
                self._on_violation(violation)
        self._note_unfinished()
        self._regulate()

    def _step(self) -> bool:
        """Act on the next fragment or PDU; return False if there is none, or none is wanted now."""
        if self._holds:
            return False
        if not self._offset:
            if len(self._buffer) < pdus.HEAD_BYTES:
                return False
            kind, length = pdus.HEAD.unpack(self._buffer.peek(pdus.HEAD_BYTES))
            self._need = pdus.HEAD_BYTES + length
            self._check_head(kind, length)
            if len(self._buffer) < self._need:
                return False
            if not self._is_p_data(kind):
                self._on_pdu(kind, bytes(self._buffer.peek(self._need)[pdus.HEAD_BYTES :]))
                self._drop_pdu()
                return True
            self._offset = pdus.HEAD_BYTES
        self._deliver()
        return True

    def _deliver(self) -> None:
        context_id, control, fragment, following = pdus.read_pdv(self._buffer.peek(self._need), self._offset)
        self._offset = following
        self._on_fragment(context_id, control, fragment)
        if following == self._need:
            self._drop_pdu()

    def _drop_pdu(self) -> None:
        """Be done with the current PDU; what of it is still to come is read and dropped, however long it says it is."""
        self._unwanted = self._need
        self._skip_unwanted()
        self._need, self._offset = pdus.HEAD_BYTES, 0
        self.pdu_since = None

    def _skip_unwanted(self) -> None:
        if self._unwanted:
            size = min(self._unwanted, len(self._buffer))
            self._buffer.consume(size)
            self._unwanted -= size

    def _note_unfinished(self) -> None:
        """Note since when the peer owes the rest of a PDU; while we hold it up, it owes nothing."""
        if self._holds or not len(self._buffer):
            self.pdu_since = None
        elif self.pdu_since is None:
            self.pdu_since = self._loop.time()

    def _let_go(self) -> None:
        """Hold nothing any more: the rest is only read to see the peer close."""
        self._holds = 0
        self._loop.call_soon(self._advance)

    def _regulate(self) -> None:
        """Read on only while there is room, and not inside a P-DATA-TF on hold, whose bytes must stay in place."""
        must_pause = bool(self._offset) or not self._buffer.has_room(self._need)
        if must_pause != self._is_paused and not self.transport.is_closing():
            self._is_paused = must_pause
            (self.transport.pause_reading if must_pause else self.transport.resume_reading)()

    # --- what the layer above decides ---------------------------------------------------------------------------

    @abstractmethod
    def _expected_bytes(self) -> int:
        """Return how much to make room for at once."""

    @abstractmethod
    def _check_head(self, kind: int, length: int) -> None:
        """Raise `ProtocolViolation` if such a PDU is not worth waiting for."""

    @abstractmethod
    def _is_p_data(self, kind: int) -> bool:
        """Tell whether a PDU is to be delivered fragment by fragment."""

    @abstractmethod
    def _on_pdu(self, kind: int, body: bytes) -> None:
        """Act on any other PDU."""

    @abstractmethod
    def _on_fragment(self, context_id: int, control: int, fragment: memoryview) -> None:
        """Act on a fragment."""

    @abstractmethod
    def _on_violation(self, violation: ProtocolViolation) -> None:
        """Act on bytes that are no PDU, or none that may come now."""

    @abstractmethod
    def _deadline(self) -> float | None:
        """Return when patience ends, in seconds of the loop."""

    @abstractmethod
    def _on_deadline(self) -> None:
        """Act on the end of patience."""
