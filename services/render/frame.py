"""From a task's bytes to its picture: parse the header, decode the frame, run the pipeline. Runs in the worker."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, Final

import numpy.typing as npt
from pydicom import Dataset, config, dcmread
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset

from radstream.contract.errors import RejectedInstance, UnsupportedInstance
from radstream.dicom.codecs import decode_frame
from radstream.dicom.deflate import inflate
from radstream.dicom.image_pixel import image_pixel
from radstream.dicom.native import are_bytes_swapped, frame_bits, swap_bytes
from radstream.dicom.part10 import parse_meta
from radstream.dicom.syntaxes import encoding_of
from services.render.description import Description, describe
from services.render.pixels import render
from services.render.task import Order

Picture = npt.NDArray[Any]

_PIXEL_DATA: Final = {0x7FE00008: True, 0x7FE00009: True, 0x7FE00010: False}
"""Float, Double Float and plain Pixel Data: whether samples are floating-point numbers."""


def render_frame(order: Order, header: bytes, frame: bytes) -> Picture:
    """Return the picture of one frame.

    Parameters
    ----------
    header : bytes
        The Part 10 file up to Pixel Data; empty if `order.is_whole`.
    frame : bytes
        The encoded frame, or the whole file.

    Returns
    -------
    ndarray
        uint8, shape (rows, columns) or (rows, columns, 3).

    Raises
    ------
    UnsupportedInstance
        If there is no picture; the text says why.
    """
    if order.is_whole:
        return _render_from_whole(order, _parse_whole(frame, order.max_whole_bytes))
    description = _describe(_parse_header(header), order, order.is_float)
    bits_allocated = description.attributes["bits_allocated"]
    if not order.is_encapsulated and are_bytes_swapped(order.transfer_syntax_uid, order.pixel_data_vr, bits_allocated):
        frame = swap_bytes(frame)
    return _render(order, description, frame[order.skipped_bytes :], is_encapsulated=order.is_encapsulated)


def _render(order: Order, description: Description, frame: bytes, *, is_encapsulated: bool) -> Picture:
    attributes = description.attributes
    bit_offset = 0 if is_encapsulated else order.frame_index * frame_bits(image_pixel(**attributes)) % 8
    samples, photometric_interpretation = decode_frame(
        frame, order.transfer_syntax_uid, bit_offset=bit_offset, max_samples=order.max_samples, **attributes
    )
    return render(samples, photometric_interpretation, description, order.wish)


def _render_from_whole(order: Order, dataset: Dataset) -> Picture:
    tag = next((tag for tag in _PIXEL_DATA if tag in dataset), None)
    if tag is None or not isinstance(dataset[tag].value, bytes):
        raise UnsupportedInstance("the instance has no Pixel Data")
    description = _describe(dataset, order, _PIXEL_DATA[tag])
    pixel_data, index = dataset[tag], order.frame_index
    if pixel_data.is_undefined_length:
        frame = get_frame(pixel_data.value, index, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
    else:
        bits = frame_bits(image_pixel(**description.attributes))
        is_swapped = are_bytes_swapped(
            order.transfer_syntax_uid, pixel_data.VR, description.attributes["bits_allocated"]
        )
        data = swap_bytes(pixel_data.value) if is_swapped else pixel_data.value
        frame = data[index * bits // 8 : -(-(index + 1) * bits // 8)]
    return _render(order, description, frame, is_encapsulated=pixel_data.is_undefined_length)


def _describe(dataset: Dataset, order: Order, is_float: bool) -> Description:
    is_big_endian = not encoding_of(order.transfer_syntax_uid).is_little_endian
    return describe(dataset, order.frame_index, is_big_endian=is_big_endian, is_float=is_float)


@lru_cache(maxsize=1)  # the frames of one object come one after the other, and enhanced headers are long
def _parse_header(header: bytes) -> Dataset:
    return _read(header)


def _read(file: bytes) -> Dataset:
    config.settings.reading_validation_mode = config.IGNORE
    try:
        return dcmread(io.BytesIO(file), force=True)
    except (InvalidDicomError, OSError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        raise UnsupportedInstance(f"the header cannot be read ({type(error).__name__})") from error


def _parse_whole(file: bytes, max_whole_bytes: int) -> Dataset:
    """Return the whole data set; inflates a deflated one up to `max_whole_bytes`."""
    try:
        meta = parse_meta(file)
        if meta is None or not encoding_of(meta.transfer_syntax_uid).is_deflated:
            return _read(file)
        data_set = inflate(file[meta.data_set_offset :], max_whole_bytes)
    except RejectedInstance as error:
        raise UnsupportedInstance(str(error)) from error
    return read_dataset(io.BytesIO(data_set), is_implicit_VR=False, is_little_endian=True)
