"""Pictures that are made in this process: small frames of native grey values (docs/adr/0017).

The worker is for what is dangerous: decoders of others, colour profiles, objects of any size. A native frame is read by
numpy alone. Bounded in size it can do no harm, and the way to the worker and back would cost as much as the picture.
Whatever turns out not to be plain, or fails, goes to the worker, which also says why there is no picture.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from services.render.description import Description
from services.render.encode import JPEG
from services.render.presentation import Presentation
from services.render.task import Order, RenderedImage, Task, with_smaller
from services.render.viewport import fitted_size
from services.render.work import make

MOST_PIXELS: Final = 1 << 20
"""Of a frame, and of its picture: a few milliseconds, a few times 8 MB."""

MOST_HEADER_BYTES: Final = 1 << 16

_SMALL_FRAME_BYTES: Final = 1 << 19
_SMALL_HEADER_BYTES: Final = 1 << 14
_NATIVE: Final = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})
_GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})


class Plain:
    """Makes pictures at once or in threads; numpy and the encoder let others work meanwhile.

    Parameters
    ----------
    threads : int
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
        _hush()

    async def make(self, task: Task) -> RenderedImage | None:
        """Return the picture of a task for which `is_plain` holds; None if only a worker can tell.

        A small one is made at once: it takes about a millisecond, and the way to a thread and back a third of that.
        """
        if _is_small(task):
            return _make(task)
        return await asyncio.get_running_loop().run_in_executor(self._threads, _make, task)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False)


def is_plain(task: Task) -> bool:
    """Tell whether a task may be plain, as far as that can be seen without reading the header."""
    order, wish = task.order, task.order.wish
    return (
        order.transfer_syntax_uid in _NATIVE
        and order.media_type == JPEG
        and len(task.header) <= MOST_HEADER_BYTES
        and len(task.frame) <= 2 * MOST_PIXELS
        and not (order.is_whole or order.is_encapsulated or order.is_float or order.more_frames)
        and not (order.presentation_state or wish.enhancement or wish.annotations)
    )


def _is_small(task: Task) -> bool:
    is_as_large_as_stored = task.order.wish.box is None  # else it may have to be resampled, which takes longer
    return is_as_large_as_stored and len(task.frame) <= _SMALL_FRAME_BYTES and len(task.header) <= _SMALL_HEADER_BYTES


def _make(task: Task) -> RenderedImage | None:
    try:
        return with_smaller(make(task.order, task.header, task.frame, partial(_admit, task.order)))
    except Exception:  # noqa: BLE001 - of strangers' headers; the worker will say why, without their values
        return None


class _NotPlain(Exception):
    """The frame is for a worker."""


def _admit(order: Order, description: Description, presentation: Presentation) -> None:
    """Raise unless the frame is of grey values, without shutter, and neither it nor its picture is large."""
    attributes, region = description.attributes, order.wish.region
    rows, columns = attributes["rows"], attributes["columns"]
    is_grey = attributes["photometric_interpretation"] in _GREY and description.palette is None
    if not is_grey or presentation.shutter is not None or not 0 < rows * columns <= MOST_PIXELS:
        raise _NotPlain
    shown = (rows, columns) if region is None else (region.height, region.width)
    height, width = fitted_size(*shown, description.pixel_aspect, order.wish.box)
    if height * width > MOST_PIXELS:
        raise _NotPlain


def _hush() -> None:
    """Keep pydicom from telling of every malformed value, with the value: patient data."""
    warnings.filterwarnings("ignore", module="pydicom")
    logging.getLogger("pydicom").disabled = True
