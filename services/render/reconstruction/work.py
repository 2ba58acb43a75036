"""What the worker with the volumes does with a task; it holds them as long as it lives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from services.render.annotations import PATIENT, annotate
from services.render.encode import encode
from services.render.enhancement.chain import choose_window
from services.render.enhancement.looks import enhanced_picture
from services.render.enhancement.mark import mark
from services.render.frame import Decoded, decode_task
from services.render.pixels import is_monochrome
from services.render.reconstruction import orders
from services.render.reconstruction.edges import name_edges
from services.render.reconstruction.orders import Done, Fill, Open, Show
from services.render.reconstruction.volume import Shelf, Volume
from services.render.secondary_capture import secondary_capture
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
    if isinstance(order, Fill):
        # Decoded in any case: a frame that kills workers shall be told from a volume that another frame has killed.
        decoded = decode_task(order.frame, header, frame)
        return _fill(shelf.take(order.key), order.number, decoded), b""
    volume = shelf.take(order.key)
    return (Done(is_missing=True), b"") if volume is None or not volume.is_complete else _show(volume, order)


def _fill(volume: Volume | None, number: int, decoded: Decoded) -> Done:
    if not is_monochrome(decoded.samples, decoded.photometric_interpretation):
        raise UnsupportedInstance("a volume is made of monochrome images")
    if volume is not None:
        volume.fill(number, decoded.samples, decoded.description, decoded.dataset)
    return Done(is_missing=volume is None)


def _show(volume: Volume, order: Show) -> tuple[Done, bytes]:
    picture, spacing = plane(volume, order)
    done = Done(rows=picture.shape[0], columns=picture.shape[1])
    if order.derivation is None:
        return done, encode(picture, order.media_type, order.quality)
    return done, secondary_capture(picture, volume.dataset, replace(order.derivation, spacing=spacing))


def plane(volume: Volume, order: Show) -> tuple[Array, tuple[float, float]]:
    """Return the picture of a plane or slab, marked: uint8 of shape (rows, columns).

    Returns
    -------
    ndarray
        The picture.
    (float, float)
        Distance of its rows and of its columns in millimetres.
    """
    assert volume.description is not None
    assert volume.voi is not None
    assert volume.dataset is not None
    shown, wish = volume.shown(order.grid, order.projection), order.wish
    window = wish.window or choose_window(shown, wish.enhancement, volume.description.subject)
    picture = enhanced_picture(shown, window or volume.voi, volume.description, wish.enhancement, wish.region)
    rows, columns = fitted_size(picture.shape[0], picture.shape[1], 1.0, wish.box)
    spacing = (order.grid.spacing * picture.shape[0] / rows, order.grid.spacing * picture.shape[1] / columns)
    fitted = np.ascontiguousarray(resample(picture, rows, columns))
    written = annotate(fitted, volume.dataset, 0, [PATIENT] if PATIENT in wish.annotations else [])
    return mark(name_edges(written, order.grid, wish.region), order.label), spacing
