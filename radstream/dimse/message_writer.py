"""Messages on their way to the peer: one after the other, never mixed (PS3.8 E.1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from msgspec.structs import replace

from radstream.dimse.fragments import cut, cut_stream
from radstream.dimse.messages import DATA_SET, Command, encode_command
from radstream.dimse.pdus import COMMAND, LAST
from radstream.dimse.upper_layer import UpperLayer


class MessageWriter:
    """Sends messages over one association."""

    def __init__(self, layer: UpperLayer) -> None:
        self._layer = layer
        self._is_streaming = False
        self._turn = asyncio.Lock()  # of the messages that are streamed
        self._queued: list[tuple[int, Command, bytes | None]] = []

    def write(self, context_id: int, command: Command, data_set: bytes | None = None) -> None:
        """Send a small message without waiting; after the one that is being streamed, if there is one.

        Raises
        ------
        Unavailable
            If the association is over.
        """
        if self._is_streaming:
            self._queued.append((context_id, command, data_set))
            return
        self._write_command(context_id, command, has_data_set=data_set is not None)
        if data_set is not None:
            for fragment, is_last in cut(data_set, self._layer.max_fragment_bytes):
                self._layer.send(context_id, LAST if is_last else 0, fragment)

    async def stream(self, context_id: int, command: Command, data_set: AsyncIterator[bytes]) -> None:
        """Send a message as fast as the peer takes it, after those before it; memory does not grow with the data set.

        Raises
        ------
        Unavailable
            If the association is over.
        """
        async with self._turn:
            self._write_command(context_id, command, has_data_set=True)
            self._is_streaming = True
            try:
                async for fragment, is_last in cut_stream(data_set, self._layer.max_fragment_bytes):
                    await self._layer.drain()
                    self._layer.send(context_id, LAST if is_last else 0, fragment)
            except BaseException:
                # Half a data set cannot be taken back: there is no other way to tell the peer (PS3.7 9.3.1).
                self._layer.abort(why="a data set could not be sent to its end")
                raise
            finally:
                self._is_streaming = False
            self._write_queued()

    def _write_queued(self) -> None:
        queued, self._queued = self._queued, []
        for message in queued:
            self.write(*message)

    def _write_command(self, context_id: int, command: Command, *, has_data_set: bool) -> None:
        if has_data_set:
            command = replace(command, command_data_set_type=DATA_SET)
        for fragment, is_last in cut(encode_command(command), self._layer.max_fragment_bytes):
            self._layer.send(context_id, COMMAND | (LAST if is_last else 0), fragment)
