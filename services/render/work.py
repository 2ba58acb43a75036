"""What a worker does with a task of render: the frame becomes a picture, and the picture a file."""

from __future__ import annotations

from services.render.encode import encode, encode_moving, is_moving
from services.render.enhancement.derivation import derivation_of
from services.render.frame import Picture, render_frame, render_frames
from services.render.parse import parse_header, parse_whole
from services.render.secondary_capture import DICOM, secondary_capture
from services.render.task import Order, decode_order, encode_size


def render(order: bytes, header: bytes, frame: bytes) -> tuple[bytes, bytes]:
    """Return size and file of the picture of a task; a `radstream.sandbox.worker.Handler`.

    Raises
    ------
    UnsupportedInstance
        If there is no picture; the text says why.
    """
    wanted = decode_order(order)
    if is_moving(wanted.media_type) and wanted.more_frames:
        moving = render_frames(wanted, header, frame)
        rows, columns, body = encode_moving(moving.pictures, wanted.media_type, wanted.quality, moving.frame_ms)
        return encode_size(rows, columns), body
    picture, profile = render_frame(wanted, header, frame)
    if wanted.media_type == DICOM:
        body = _captured(picture, wanted, header, frame)
    else:
        body = encode(picture, wanted.media_type, wanted.quality, profile)
    return encode_size(picture.shape[0], picture.shape[1]), body


def _captured(picture: Picture, wanted: Order, header: bytes, frame: bytes) -> bytes:
    """Return an enhanced picture as an instance of its own."""
    dataset = parse_whole(frame, wanted.max_whole_bytes)[0] if wanted.is_whole else parse_header(header)
    size = None if wanted.wish.region is not None else (picture.shape[0], picture.shape[1])
    return secondary_capture(
        picture, dataset, derivation_of(wanted.wish.enhancement, dataset, wanted.frame_index, size)
    )
