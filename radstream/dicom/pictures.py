"""PNG and GIF as native Pixel Data: no transfer syntax holds them, so that they are stored decoded, without loss.

Decoders are native code: run `work` in a worker process.

References
----------
PS3.18 10.5.2 and table 10.5.2-1 (*Transform*): transparency is discarded, an animated GIF becomes several frames.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec
import numpy as np

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.codec_calls import call
from radstream.dicom.codestream import Codestream
from radstream.dicom.native import Samples

PNG: Final = "image/png"
GIF: Final = "image/gif"
PICTURES: Final = frozenset({PNG, GIF})

_PNG_HEAD: Final = struct.Struct(">8sI4sIIBB")
_GIF_HEAD: Final = struct.Struct("<6sHHBBB")
_COMPONENTS: Final = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}
"""By colour type of a PNG, without its alpha channel; indexed colours are written out."""


class Order(msgspec.Struct, frozen=True):
    """What is to be made.

    Parameters
    ----------
    media_type : {"image/png", "image/gif"}
    components : int
        That the data set declares; 0 if it does not. Gray becomes colour and colours that are all gray become gray
        for its sake.
    most_bytes : int
        Of all pixels together.
    """

    media_type: str
    components: int
    most_bytes: int


class Made(msgspec.Struct, frozen=True):
    """What the pixels are: unsigned, colours interleaved."""

    frames: int
    rows: int
    columns: int
    components: int
    precision: int

    @property
    def codestream(self) -> Codestream:
        """The same, as the header of a codestream says it."""
        is_colour = self.components == 3
        return Codestream(self.rows, self.columns, self.components, self.precision, False, "RGB" if is_colour else "")


def work(order: bytes, _header: bytes, picture: bytes) -> tuple[bytes, bytes]:
    """Return what became of a picture, and its pixels in little endian; a `sandbox.worker.Handler`.

    Raises
    ------
    UnsupportedInstance
        If it is damaged, or larger than the order allows.
    """
    wanted = msgspec.msgpack.decode(order, type=Order)
    samples = decode_picture(picture, wanted.media_type, wanted.most_bytes)
    samples = _as_declared(samples, wanted.components)
    frames, rows, columns = samples.shape[:3]
    made = Made(frames, rows, columns, 3 if samples.ndim == 4 else 1, samples.dtype.itemsize * 8)
    return msgspec.msgpack.encode(made), samples.astype(samples.dtype.newbyteorder("<")).tobytes()


def decode_picture(picture: bytes, media_type: str, most_bytes: int) -> Samples:
    """Return the pixels of a PNG or GIF, uint8 or uint16 of shape (frames, rows, columns) or (…, 3) RGB.

    Raises
    ------
    UnsupportedInstance
        If it is damaged, or takes more than `most_bytes`: its head says so before a decoder runs.
    """
    size_bytes = _png_bytes(picture) if media_type == PNG else _gif_bytes(picture)
    if not 0 < size_bytes <= most_bytes:
        raise UnsupportedInstance(f"a picture of {size_bytes} bytes of pixels; from 1 to {most_bytes} are stored")
    samples: Samples = call("png_decode" if media_type == PNG else "gif_decode", picture)
    if media_type == PNG:
        return _without_alpha(samples)[np.newaxis]
    return samples if samples.ndim == 4 else samples[np.newaxis]


def _without_alpha(samples: Samples) -> Samples:
    if samples.ndim == 2:
        return samples
    return samples[..., 0] if samples.shape[2] == 2 else samples[..., :3]


def _png_bytes(picture: bytes) -> int:
    """Return how many bytes the pixels of a PNG take (ISO/IEC 15948 11.2.2)."""
    if len(picture) < _PNG_HEAD.size:
        raise UnsupportedInstance("the PNG ends in its head")
    signature, _, kind, columns, rows, depth, colour = _PNG_HEAD.unpack_from(picture)
    if signature != b"\x89PNG\r\n\x1a\n" or kind != b"IHDR" or colour not in _COMPONENTS:
        raise UnsupportedInstance("it is no PNG")
    return int(rows * columns * _COMPONENTS[colour] * (2 if depth == 16 else 1))


def _gif_bytes(picture: bytes) -> int:
    """Return how many bytes the frames of a GIF take, each as large as its screen (GIF89a 18)."""
    if len(picture) < _GIF_HEAD.size or picture[:6] not in (b"GIF87a", b"GIF89a"):
        raise UnsupportedInstance("it is no GIF")
    _, columns, rows, packed, _, _ = _GIF_HEAD.unpack_from(picture)
    return int(rows * columns * 3 * _gif_frames(picture, _GIF_HEAD.size + _table_bytes(packed)))


def _gif_frames(picture: bytes, position: int) -> int:
    """Return how many images there are from `position` on (GIF89a 20, 23 and 27)."""
    frames = 0
    while picture[position : position + 1] in (b"!", b","):
        if picture[position : position + 1] == b",":
            frames += 1
            packed = picture[position + 9 : position + 10] or b"\0"
            position += 11 + _table_bytes(packed[0])
        else:
            position += 2
        while (length := (picture[position : position + 1] or b"\0")[0]) > 0:
            position += 1 + length
        position += 1
    return frames


def _table_bytes(packed: int) -> int:
    """Return the length of the table of colours that a field of flags announces."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _as_declared(samples: Samples, components: int) -> Samples:
    """Return the same pixels with so many components, if that is no loss."""
    if components == 3 and samples.ndim == 3:
        return np.repeat(samples[..., np.newaxis], 3, axis=3)
    if components == 1 and samples.ndim == 4 and (samples == samples[..., :1]).all():
        return samples[..., 0]
    return samples
