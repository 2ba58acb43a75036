"""What the worker with the volumes does with a task; it holds them as long as it lives."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from services.render.encode import encode
from services.render.enhancement.chain import choose_window
from services.render.enhancement.looks import enhanced_picture
from services.render.enhancement.mark import mark
from services.render.frame import decode_task
from services.render.pixels import is_monochrome
from services.render.reconstruction import orders
from services.render.reconstruction.edges import name_edges
from services.render.reconstruction.orders import Done, Fill, Open, Show
from services.render.reconstruction.volume import Shelf, Volume
from services.render.viewport import fitted_size, resample

Array = npt.NDArray[Any]

_SHELF: Final = Shelf()


def work(order: bytes, header: bytes, frame: bytes) -> tuple[bytes, bytes]:
    """Carry out an order; a `radstream.sandbox.worker.Handler`.

    Raises
    ------
    UnsupportedInstance
        If it cannot be done; the text says why.
    """
    done, body = _carry_out(orders.decode_order(order), header, frame, _SHELF)
    return orders.encode(done), body


def _carry_out(order: orders.Order, header: bytes, frame: bytes, shelf: Shelf) -> tuple[Done, bytes]:
    if isinstance(order, Open):
        shelf.open(order.key, order.form, order.limit_bytes)
        return Done(), b""
    volume = shelf.take(order.key)
    if volume is None or (isinstance(order, Show) and not volume.is_complete):
        return Done(is_missing=True), b""
    return _fill(volume, order, header, frame) if isinstance(order, Fill) else _show(volume, order)


def _fill(volume: Volume, order: Fill, header: bytes, frame: bytes) -> tuple[Done, bytes]:
    decoded = decode_task(order.frame, header, frame)
    if not is_monochrome(decoded.samples, decoded.photometric_interpretation):
        raise UnsupportedInstance("a volume is made of monochrome images")
    volume.fill(order.number, decoded.samples, decoded.description, decoded.dataset)
    return Done(), b""


def _show(volume: Volume, order: Show) -> tuple[Done, bytes]:
    picture = plane(volume, order)
    return Done(rows=picture.shape[0], columns=picture.shape[1]), encode(picture, order.media_type, order.quality)


def plane(volume: Volume, order: Show) -> Array:
    """Return the picture of a plane or slab: uint8 of shape (rows, columns), marked."""
    assert volume.description is not None
    assert volume.voi is not None
    shown = volume.shown(order.grid, order.projection)
    wish = order.wish
    window = wish.window or choose_window(shown, wish.enhancement, volume.description.subject)
    picture = enhanced_picture(shown, window or volume.voi, volume.description, wish.enhancement)
    if wish.region is not None:
        picture = wish.region.cut(picture)
    rows, columns = fitted_size(picture.shape[0], picture.shape[1], 1.0, wish.box)
    picture = np.ascontiguousarray(resample(picture, rows, columns))
    return mark(name_edges(picture, order.grid, wish.region), order.label)
