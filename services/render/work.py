"""What a worker does with a task of render: the frame becomes a picture, and the picture a file."""

from __future__ import annotations

from services.render.encode import encode
from services.render.frame import render_frame
from services.render.task import decode_order, encode_size


def render(order: bytes, header: bytes, frame: bytes) -> tuple[bytes, bytes]:
    """Return size and file of the picture of a task; a `radstream.sandbox.worker.Handler`.

    Raises
    ------
    UnsupportedInstance
        If there is no picture; the text says why.
    """
    wanted = decode_order(order)
    picture = render_frame(wanted, header, frame)
    return encode_size(picture.shape[0], picture.shape[1]), encode(picture, wanted.media_type, wanted.quality)
