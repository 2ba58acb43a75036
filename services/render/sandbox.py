"""Where pictures are made: worker processes in which hostile pixels may do what they like, see `radstream.sandbox`.

What is so plain that nothing can go wrong is made in this process, see `services.render.plain`.
"""

from __future__ import annotations

from typing import Any, Self

from radstream.sandbox import pool
from services.render.plain import Plain, is_plain
from services.render.task import RenderedImage, Task, decode_images, encode_order

HANDLER = "services.render.work:render"


class Sandbox:
    """Renders tasks.

    Parameters
    ----------
    workers : int
        Worker processes.
    **options
        See `radstream.sandbox.pool.Sandbox`.
    """

    def __init__(self, workers: int = 1, **options: Any) -> None:
        self._pool = pool.Sandbox(HANDLER, workers, **options)
        self._plain = Plain(workers + 1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Start every worker now, so that the first picture does not wait for it."""
        await self._pool.start()

    async def run(self, task: Task) -> RenderedImage:
        """Return the picture of a task. If the caller is cancelled, the task ends by itself without it.

        Raises
        ------
        UnsupportedInstance
            If there is no picture; the text says why.
        Unavailable
            If too many tasks wait already.
        """
        if is_plain(task) and (made := await self._plain.make(task)) is not None:
            return made
        note, body = await self._pool.run(encode_order(task.order), task.header, task.frame)
        return decode_images(task.order.media_type, note, body)

    async def close(self) -> None:
        """Kill every worker and forget what they were at."""
        self._plain.close()
        await self._pool.close()
