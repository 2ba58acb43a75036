"""From a task's bytes to its picture: parse the header, decode the frame, run the pipeline. Runs in the worker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import numpy.typing as npt
from pydicom import Dataset
from pydicom.encaps import get_frame

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import decode_frame
from radstream.dicom.image_pixel import FrameAttributes, image_pixel
from radstream.dicom.native import are_bytes_swapped, frame_bits, swap_bytes
from radstream.dicom.syntaxes import encoding_of
from services.render.annotations import annotate
from services.render.description import Description, describe
from services.render.grayscale import choose_voi
from services.render.looks import looks_of
from services.render.lookup_tables import LookupTable
from services.render.parse import parse_header, parse_whole
from services.render.pixels import fitted, is_monochrome, shaded
from services.render.presentation import Presentation
from services.render.profiles import embedded
from services.render.rate import frame_ms
from services.render.task import Order

Picture = npt.NDArray[Any]
Rendered = tuple[Picture, bytes]
"""A picture, and the ICC profile that goes with it."""

_PIXEL_DATA: Final = {0x7FE00008: True, 0x7FE00009: True, 0x7FE00010: False}
"""Float, Double Float and plain Pixel Data: whether samples are floating-point numbers."""


@dataclass(frozen=True)
class Encoded:
    """One frame as it is stored.

    Parameters
    ----------
    data : bytes
        It begins with the frame's first byte, or with the one that its first bit is in.
    """

    dataset: Dataset
    frame_index: int
    data: bytes
    is_encapsulated: bool
    is_float: bool


@dataclass(frozen=True)
class Moving:
    """Pictures that are shown one after the other, each for `frame_ms` milliseconds."""

    pictures: Iterable[Picture]
    frame_ms: float


@dataclass(frozen=True)
class Decoded:
    """One frame, decoded.

    Parameters
    ----------
    samples : ndarray
        Stored values, see `radstream.dicom.codecs.decode_frame`.
    """

    samples: Picture
    photometric_interpretation: str
    description: Description
    dataset: Dataset


Admit = Callable[[Description, Presentation], None]
"""Is told what a header says before anything is decoded; what it raises is passed on."""


def decode_task(order: Order, header: bytes, frame: bytes) -> Decoded:
    """Return the stored values of a frame and what they mean; parameters and errors as of `render_frame`."""
    encoded = next(_frames(order, header, frame))
    description = _describe(order, encoded)
    return Decoded(*_decode(order, encoded, description.attributes), description, encoded.dataset)


def render_frame(order: Order, header: bytes, frame: bytes, admit: Admit | None = None) -> list[Rendered]:
    """Return the picture of one frame, and after it the smaller ones in the order of `order.smaller`.

    Parameters
    ----------
    header : bytes
        The Part 10 file up to Pixel Data; empty if `order.is_whole`.
    frame : bytes
        The encoded frame, or the whole file.

    Returns
    -------
    list of (ndarray, bytes)
        Pictures, uint8 of shape (rows, columns) or (rows, columns, 3), each with its ICC profile, empty if it has none.

    Raises
    ------
    UnsupportedInstance
        If there is no picture; the text says why.
    """
    return _render(order, next(_frames(order, header, frame)), admit)


def render_frames(order: Order, header: bytes, frames: bytes) -> Moving:
    """Return the pictures of a frame and of `order.more_frames`, made when they are asked for.

    A window that is made to fit fits the first of them, and holds for all: brightness that jumps would be seen as
    something that the patient does.
    """
    encoded = _frames(order, header, frames)
    first = next(encoded)
    window = _window(order, first)
    if window is not None:
        order = msgspec.structs.replace(order, wish=replace(order.wish, window=window))
    pictures = (_render(order, each)[0][0] for each in itertools.chain([first], encoded))
    return Moving(pictures, frame_ms(first.dataset))


def _window(order: Order, encoded: Encoded) -> Any:
    """Return the window that the first frame is shown with, if it is made to fit."""
    description = _describe(order, encoded)
    if order.presentation_state or order.wish.window or description.windows or description.voi_tables:
        return None
    samples, photometric_interpretation = _decode(order, encoded, description.attributes)
    if not is_monochrome(samples, photometric_interpretation):
        return None
    voi = choose_voi(samples, description, None)
    return None if isinstance(voi, LookupTable) else voi


def _render(order: Order, encoded: Encoded, admit: Admit | None = None) -> list[Rendered]:
    """Return the pictures of a frame, which is decoded once."""
    stored = _describe(order, encoded)
    description, presentation = looks_of(
        order,
        encoded.dataset,
        stored,
        encoded.frame_index,
        lambda: _decode(order, encoded, _all_bits(stored.attributes))[0],
    )
    if admit is not None:
        admit(description, presentation)
    samples, photometric_interpretation = _decode(order, encoded, stored.attributes)
    boxes = [order.wish.box, *((smaller.side, smaller.side) for smaller in order.smaller)]
    shown = shaded(samples, photometric_interpretation, description, order.wish)
    pictures = (fitted(shown, description, replace(order.wish, box=box), presentation) for box in boxes)
    return [_finished(picture, order, encoded, description) for picture in pictures]


def _finished(picture: Picture, order: Order, encoded: Encoded, description: Description) -> Rendered:
    profile = embedded(description.icc_profile, order.wish.icc_profile) if picture.ndim == 3 else b""
    return annotate(picture, encoded.dataset, encoded.frame_index, order.wish.annotations), profile


def _decode(order: Order, encoded: Encoded, attributes: FrameAttributes) -> tuple[Picture, str]:
    bits = frame_bits(image_pixel(**attributes))
    bit_offset = 0 if encoded.is_encapsulated else encoded.frame_index * bits % 8
    return decode_frame(
        encoded.data, order.transfer_syntax_uid, bit_offset=bit_offset, max_samples=order.max_samples, **attributes
    )


def _all_bits(attributes: FrameAttributes) -> FrameAttributes:
    """Return the attributes by which the pixels are whole containers: overlays may lie beside the stored bits."""
    bits = attributes["bits_allocated"]
    return {**attributes, "bits_stored": bits, "high_bit": bits - 1, "pixel_representation": 0}


def _describe(order: Order, encoded: Encoded) -> Description:
    is_big_endian = not encoding_of(order.transfer_syntax_uid).is_little_endian
    return describe(encoded.dataset, encoded.frame_index, is_big_endian=is_big_endian, is_float=encoded.is_float)


def _frames(order: Order, header: bytes, data: bytes) -> Iterator[Encoded]:
    """Yield the frames of a task, the first one first."""
    if order.is_whole:
        dataset, _ = parse_whole(data, order.max_whole_bytes)
        for index in (order.frame_index, *(further.frame_index for further in order.more_frames)):
            yield _of_whole(order, dataset, index)
        return
    dataset = parse_header(header)
    end = len(data) - sum(further.length_bytes for further in order.more_frames)
    yield _located(order, dataset, order.frame_index, data[:end], order.skipped_bytes)
    for further in order.more_frames:
        start, end = end, end + further.length_bytes
        yield _located(order, dataset, further.frame_index, data[start:end], further.skipped_bytes)


def _located(order: Order, dataset: Dataset, index: int, data: bytes, skipped_bytes: int) -> Encoded:
    if not order.is_encapsulated and order.pixel_data_vr == "OW":
        bits_allocated = int(dataset.get("BitsAllocated") or 0)
        if are_bytes_swapped(order.transfer_syntax_uid, order.pixel_data_vr, bits_allocated):
            data = swap_bytes(data)
    return Encoded(dataset, index, data[skipped_bytes:], order.is_encapsulated, order.is_float)


def _of_whole(order: Order, dataset: Dataset, index: int) -> Encoded:
    tag = next((tag for tag in _PIXEL_DATA if tag in dataset), None)
    if tag is None or not isinstance(dataset[tag].value, bytes):
        raise UnsupportedInstance("the instance has no Pixel Data")
    pixel_data, is_float = dataset[tag], _PIXEL_DATA[tag]
    if pixel_data.is_undefined_length:
        frame = get_frame(pixel_data.value, index, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
        return Encoded(dataset, index, frame, True, is_float)
    attributes = _describe(order, Encoded(dataset, index, b"", False, is_float)).attributes
    bits = frame_bits(image_pixel(**attributes))
    is_swapped = are_bytes_swapped(order.transfer_syntax_uid, pixel_data.VR, attributes["bits_allocated"])
    data = swap_bytes(pixel_data.value) if is_swapped else pixel_data.value
    return Encoded(dataset, index, data[index * bits // 8 : -(-(index + 1) * bits // 8)], False, is_float)
