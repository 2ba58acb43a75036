"""One frame from one transfer syntax to another: decoded, encoded, and looked at whether it still is the same. Pure.

What was lossless is decoded again before anybody gets it, and has to be equal in every sample. A codec with a fault
would otherwise show a wrong image and call it the original.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codecs import MAX_SAMPLES, decode_frame, decoded_interpretation, is_decodable
from radstream.dicom.compressions import COMPRESSIONS, compressed_form
from radstream.dicom.image_pixel import FrameAttributes, ImagePixel, image_pixel
from radstream.dicom.native import Samples
from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN

_ATTRIBUTES: Final = (
    "rows",
    "columns",
    "samples_per_pixel",
    "bits_allocated",
    "bits_stored",
    "high_bit",
    "photometric_interpretation",
    "planar_configuration",
    "is_float",
)


class FrameOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made of a frame.

    Parameters
    ----------
    source, target : str
        UIDs of the transfer syntaxes.
    attributes : dict
        Of the frame as it is stored, see `FrameAttributes`.
    max_samples : int
        Largest Rows x Columns x Samples per Pixel.
    """

    source: str
    target: str
    attributes: FrameAttributes
    max_samples: int = MAX_SAMPLES


def attributes_of(pixel: ImagePixel) -> FrameAttributes:
    """Return the attributes that describe `pixel`."""
    known = {name: getattr(pixel, name) for name in _ATTRIBUTES}
    return FrameAttributes(**known, pixel_representation=int(pixel.is_signed))  # type: ignore[typeddict-item]


def decoded_form(pixel: ImagePixel, transfer_syntax_uid: str) -> ImagePixel:
    """Return what frames are after decoding: colours by pixel, in the interpretation that the decoder gives.

    Raises
    ------
    UnsupportedInstance
        If they are not decoded.
    """
    if not is_decodable(transfer_syntax_uid):
        raise UnsupportedInstance(f"frames of transfer syntax {transfer_syntax_uid} are not decoded")
    label = decoded_interpretation(pixel, transfer_syntax_uid)
    return replace(pixel, photometric_interpretation=label, planar_configuration=0, high_bit=pixel.bits_stored - 1)


def transcoded_form(pixel: ImagePixel, source: str, target: str) -> ImagePixel:
    """Return what the data set says of frames that were `pixel` in `source` and are in `target`.

    Raises
    ------
    UnsupportedInstance
        If this cannot be made; the text says why.
    """
    decoded = decoded_form(pixel, source)
    if pixel.bits_allocated == 1:
        raise UnsupportedInstance("frames of 1-bit pixels do not begin at a byte: they are not transcoded")
    return decoded if target == EXPLICIT_VR_LITTLE_ENDIAN else compressed_form(decoded, target)


@lru_cache(1024)
def targets_of(pixel: ImagePixel, source: str) -> tuple[str, ...]:
    """Return the transfer syntaxes in which frames that are `pixel` in `source` can be made, the default one first."""
    return tuple(target for target in (EXPLICIT_VR_LITTLE_ENDIAN, *COMPRESSIONS) if _can_be(pixel, source, target))


def _can_be(pixel: ImagePixel, source: str, target: str) -> bool:
    try:
        transcoded_form(pixel, source, target)
    except UnsupportedInstance:
        return False
    return True


def transcode_frame(data: bytes, order: FrameOrder) -> bytes:
    """Return the bytes of a frame in the target transfer syntax, of an even number if they are compressed.

    Parameters
    ----------
    data : bytes
        The frame: a codestream, or native samples in little endian.

    Raises
    ------
    UnsupportedInstance
        If it cannot be decoded, or the target cannot carry it.
    """
    stored = image_pixel(**order.attributes)
    decoded = decoded_form(stored, order.source)
    form = transcoded_form(stored, order.source, order.target)
    samples, found = decode_frame(data, order.source, max_samples=order.max_samples, **order.attributes)
    if found != decoded.photometric_interpretation:
        raise UnsupportedInstance(f"the decoded frame is {found}, not {decoded.photometric_interpretation}")
    if order.target == EXPLICIT_VR_LITTLE_ENDIAN:
        return np.ascontiguousarray(samples, samples.dtype.newbyteorder("<")).tobytes()
    encoded = COMPRESSIONS[order.target].encode(samples, decoded)
    _refuse_what_differs(encoded, order.target, form, samples)
    return encoded + b"\0" * (len(encoded) % 2)


def _refuse_what_differs(encoded: bytes, target: str, form: ImagePixel, samples: Samples) -> None:
    """Decode what was encoded, and raise if it is not as near to `samples` as its transfer syntax promises."""
    largest_error = COMPRESSIONS[target].largest_error
    again, _ = decode_frame(encoded, target, max_samples=form.samples, **attributes_of(form))
    if largest_error is None:
        return
    is_near = (
        np.array_equal(again, samples)
        if largest_error == 0
        else bool(np.abs(again.astype(np.int64) - samples.astype(np.int64)).max() <= largest_error)
    )
    if not is_near:
        raise UnsupportedInstance(f"what was encoded in transfer syntax {target} does not decode to the same samples")


def work(order: bytes, _header: bytes, frame: bytes) -> tuple[bytes, bytes]:
    """Transcode a frame in a worker; a `radstream.sandbox.worker.Handler`."""
    return b"", transcode_frame(frame, msgspec.msgpack.decode(order, type=FrameOrder))
