"""What a worker does with a task of render: the frame becomes a picture, and the picture a file."""

from __future__ import annotations

from services.render.encode import encode, encode_moving, is_moving
from services.render.enhancement.derivation import derivation_of
from services.render.frame import Admit, Picture, render_frame, render_frames
from services.render.parse import parse_header, parse_whole
from services.render.secondary_capture import DICOM, secondary_capture
from services.render.task import Order, RenderedImage, decode_order, encode_images


def render(order: bytes, header: bytes, frame: bytes) -> tuple[bytes, bytes]:
    """Return measures and file of the picture of a task; a `radstream.sandbox.worker.Handler`.

    Raises
    ------
    UnsupportedInstance
        If there is no picture; the text says why.
    """
    wanted = decode_order(order)
    if is_moving(wanted.media_type) and wanted.more_frames:
        moving = render_frames(wanted, header, frame)
        rows, columns, body = encode_moving(moving.pictures, wanted.media_type, wanted.quality, moving.frame_ms)
        return encode_images([RenderedImage(wanted.media_type, body, rows, columns)])
    return encode_images(make(wanted, header, frame))


def make(order: Order, header: bytes, frame: bytes, admit: Admit | None = None) -> list[RenderedImage]:
    """Return the picture of a frame and the smaller ones; parameters and errors as of `render_frame`."""
    pictures = render_frame(order, header, frame, admit)
    if order.media_type == DICOM:
        ((picture, _),) = pictures
        return [_image(picture, order, _captured(picture, order, header, frame))]
    qualities = (order.quality, *(smaller.quality for smaller in order.smaller))
    return [
        _image(picture, order, encode(picture, order.media_type, quality, profile))
        for (picture, profile), quality in zip(pictures, qualities, strict=True)
    ]


def _image(picture: Picture, order: Order, body: bytes) -> RenderedImage:
    return RenderedImage(order.media_type, body, picture.shape[0], picture.shape[1])


def _captured(picture: Picture, wanted: Order, header: bytes, frame: bytes) -> bytes:
    """Return an enhanced picture as an instance of its own."""
    dataset = parse_whole(frame, wanted.max_whole_bytes)[0] if wanted.is_whole else parse_header(header)
    size = None if wanted.wish.region is not None else (picture.shape[0], picture.shape[1])
    return secondary_capture(
        picture, dataset, derivation_of(wanted.wish.enhancement, dataset, wanted.frame_index, size)
    )
