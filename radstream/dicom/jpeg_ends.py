"""JPEG codestreams without their end marker, which some devices forget (ISO/IEC 10918-1 B.1.1.3)."""

from __future__ import annotations

from typing import Final

import numpy as np

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codec_calls import call
from radstream.dicom.codestream import is_jpeg_complete
from radstream.dicom.native import Samples

_ENDINGS: Final = (b"\xff\xd9", b"\x55" * 64 + b"\xff\xd9", b"\xaa\x0f" * 32 + b"\xff\xd9")
"""What is tried behind a JPEG codestream that has no end."""


def decode_jpeg(data: bytes, **options: object) -> Samples:
    """Return the samples of a JPEG codestream, which may lack its end marker, but nothing else.

    Decoders make up what is missing and say nothing. So without an end three are tried behind different bytes: if the
    picture depends on what follows, something of it is missing.

    Parameters
    ----------
    **options
        Of the decoder.

    Raises
    ------
    UnsupportedInstance
        If it is damaged or ends early.
    """
    if is_jpeg_complete(data):
        return np.asarray(call("jpeg8_decode", data, **options))
    first, *others = (_or_none(data + ending, **options) for ending in _ENDINGS)
    if first is None or not all(other is not None and np.array_equal(first, other) for other in others):
        raise UnsupportedInstance("the JPEG codestream ends early")
    return first


def _or_none(data: bytes, **options: object) -> Samples | None:
    try:
        return np.asarray(call("jpeg8_decode", data, **options))
    except UnsupportedInstance:
        return None
