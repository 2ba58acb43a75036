"""Volumes of series: filled when somebody looks at them, kept in the memory of one worker that may die."""

from __future__ import annotations

import asyncio
from typing import Final, Self

from radstream.backends import Backends
from radstream.contract.errors import Unavailable, UnsupportedInstance
from radstream.sandbox import pool
from radstream.settings import Settings
from services.render.reconstruction import orders
from services.render.reconstruction.contents import Contents
from services.render.reconstruction.orders import Done, Fill, Open, Show
from services.render.source import load_task
from services.render.task import Order, RenderedImage

HANDLER: Final = "services.render.reconstruction.work:work"

WORKER_BYTES: Final = 3 << 29
"""What the worker may take beside its volumes: itself, a frame that is decoded, a plane that is made."""

_AT_ONCE: Final = 8
"""Frames that are read ahead of the worker."""


class Volumes:
    """Makes pictures of planes through volumes.

    All volumes are in one worker process, so that a plane is where its volume is, and no service grows by them.
    """

    def __init__(self, backends: Backends, settings: Settings) -> None:
        self._blobs = backends.blobs
        self._max_samples = settings.max_frame_pixels
        self._limit_bytes = settings.volume_bytes
        self._worker = pool.Sandbox(HANDLER, 1, memory_bytes=settings.volume_bytes + WORKER_BYTES)
        self._filling = asyncio.Lock()  # one at a time: two that do not fit side by side would throw each other out

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the worker, and with it the volumes."""
        await self._worker.close()

    async def picture(self, contents: Contents, show: Show) -> RenderedImage:
        """Return the picture of a plane; its volume is filled first if it is not there.

        Raises
        ------
        UnsupportedInstance
            If there is none; the text says why.
        NotFound, Unavailable
        """
        made = await self._show(show)
        if made is not None:
            return made
        async with self._filling:
            made = await self._show(show)  # somebody may have filled it meanwhile
            if made is None:
                await self._fill(contents)
                made = await self._show(show)
        if made is None:
            raise Unavailable("the volume is gone again; ask once more")
        return made

    async def _show(self, show: Show) -> RenderedImage | None:
        done, body = await self._run(show)
        return None if done.is_missing else RenderedImage(show.media_type, body, done.rows, done.columns)

    async def _fill(self, contents: Contents) -> None:
        await self._run(Open(contents.key, contents.form, self._limit_bytes))
        ahead = asyncio.Semaphore(_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(len(contents.frames)):
                    group.create_task(self._fill_slice(contents, number, ahead))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    async def _fill_slice(self, contents: Contents, number: int, ahead: asyncio.Semaphore) -> None:
        frame = contents.frames[number]
        order = Order(
            transfer_syntax_uid=frame.document["TransferSyntaxUID"],
            frame_index=frame.index,
            max_samples=self._max_samples,
        )
        async with ahead:
            task = await load_task(self._blobs, frame.document, order)
            try:
                done, _ = await self._run(Fill(contents.key, number, task.order), task.header, task.frame)
            except UnsupportedInstance as error:
                raise UnsupportedInstance(f"image {number + 1} of the volume cannot be used: {error}") from error
        if done.is_missing:
            raise Unavailable("the volume was lost while it was filled; ask again")

    async def _run(self, order: orders.Order, header: bytes = b"", frame: bytes = b"") -> tuple[Done, bytes]:
        note, body = await self._worker.run(orders.encode(order), header, frame)
        return orders.decode_answer(note), body
