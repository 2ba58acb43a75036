"""The transfer syntaxes that frames can be encoded in, which pixels each can carry, and how it labels them.

References
----------
PS3.5 8.2 (what each compression allows of the Image Pixel Macro), A.4; PS3.3 C.7.6.1.1.5 (lossy methods).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom import encoders
from radstream.dicom.image_pixel import ImagePixel
from radstream.dicom.native import Samples

_GRAY: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
_KEPT: Final = frozenset({"PALETTE COLOR", "RGB", "YBR_FULL"})


@dataclass(frozen=True)
class Compression:
    """How frames are encoded in a transfer syntax.

    Parameters
    ----------
    encode : callable
        Takes samples and what they are; returns the bytes of a frame.
    bits_allocated : tuple of int
        Those that it can carry.
    bits_stored : range
        Those that it can carry.
    signed : bool
        Whether it can carry negative samples.
    interpretations : frozenset of str
        Photometric Interpretations that it can carry, after decoding.
    relabelled : mapping of str to str
        Photometric Interpretations that it changes.
    planar_configuration : int
        What it calls the arrangement of colours.
    method : str
        Lossy Image Compression Method; empty if it is lossless.
    largest_error : int
        By which a sample may differ after decoding; None if there is no such bound.
    """

    encode: Callable[[Samples, ImagePixel], bytes]
    bits_allocated: tuple[int, ...] = (8, 16)
    bits_stored: range = range(1, 17)
    signed: bool = True
    interpretations: frozenset[str] = _GRAY | _KEPT
    relabelled: Mapping[str, str] | None = None
    planar_configuration: int = 0
    method: str = ""
    largest_error: int | None = 0

    @property
    def is_lossy(self) -> bool:
        """Whether samples may differ after decoding."""
        return bool(self.method)


_LOSSY: Final = _GRAY | {"RGB", "YBR_FULL"}
_REVERSIBLE: Final = {"RGB": "YBR_RCT"}
_IRREVERSIBLE: Final = {"RGB": "YBR_ICT"}
_HALVED: Final = {"RGB": "YBR_FULL_422", "YBR_FULL": "YBR_FULL_422"}

COMPRESSIONS: Final[dict[str, Compression]] = {
    "1.2.840.10008.1.2.4.201": Compression(encoders.htj2k, relabelled=_REVERSIBLE),
    "1.2.840.10008.1.2.4.202": Compression(encoders.htj2k_rpcl, relabelled=_REVERSIBLE),
    "1.2.840.10008.1.2.4.80": Compression(encoders.jpeg_ls),
    "1.2.840.10008.1.2.4.90": Compression(encoders.jpeg_2000, relabelled=_REVERSIBLE),
    "1.2.840.10008.1.2.4.70": Compression(encoders.jpeg_lossless),
    "1.2.840.10008.1.2.4.57": Compression(encoders.jpeg_lossless),
    "1.2.840.10008.1.2.5": Compression(encoders.rle, (8, 16, 32), range(1, 33), planar_configuration=1),
    "1.2.840.10008.1.2.4.50": Compression(
        encoders.jpeg_baseline,
        (8,),
        range(8, 9),
        signed=False,
        interpretations=_LOSSY,
        relabelled=_HALVED,
        method="ISO_10918_1",
        largest_error=None,
    ),
    "1.2.840.10008.1.2.4.51": Compression(
        encoders.jpeg_extended,
        (16,),
        range(9, 13),
        signed=False,
        interpretations=_GRAY,
        method="ISO_10918_1",
        largest_error=None,
    ),
    "1.2.840.10008.1.2.4.81": Compression(
        encoders.jpeg_ls_near,
        bits_stored=range(8, 17),
        signed=False,
        interpretations=_LOSSY,
        method="ISO_14495_1",
        largest_error=2 * encoders.NEAR,
    ),
    "1.2.840.10008.1.2.4.91": Compression(
        encoders.jpeg_2000_lossy,
        interpretations=_LOSSY,
        relabelled=_IRREVERSIBLE,
        method="ISO_15444_1",
        largest_error=None,
    ),
    "1.2.840.10008.1.2.4.203": Compression(
        encoders.htj2k_lossy,
        interpretations=_LOSSY,
        relabelled=_IRREVERSIBLE,
        method="ISO_15444_15",
        largest_error=None,
    ),
}
"""By transfer syntax UID; of those with one media type, the first is meant where none is named."""


def compressed_form(pixel: ImagePixel, transfer_syntax_uid: str) -> ImagePixel:
    """Return what the data set says of frames that are decoded as `pixel` and then encoded.

    Raises
    ------
    UnsupportedInstance
        If the transfer syntax cannot carry them, or is not encoded at all; the text says why.
    """
    compression = COMPRESSIONS.get(transfer_syntax_uid)
    if compression is None:
        raise UnsupportedInstance(f"frames are not encoded in transfer syntax {transfer_syntax_uid}")
    for is_wrong, what in (
        (pixel.is_float, "floating-point samples"),
        (pixel.bits_allocated not in compression.bits_allocated, f"{pixel.bits_allocated} Bits Allocated"),
        (pixel.bits_stored not in compression.bits_stored, f"{pixel.bits_stored} Bits Stored"),
        (pixel.high_bit != pixel.bits_stored - 1, "a High Bit that is not the highest of Bits Stored"),
        (pixel.is_signed and not compression.signed, "signed samples"),
        (pixel.photometric_interpretation not in compression.interpretations, pixel.photometric_interpretation),
    ):
        if is_wrong:
            raise UnsupportedInstance(f"transfer syntax {transfer_syntax_uid} does not carry {what}")
    label = (compression.relabelled or {}).get(pixel.photometric_interpretation, pixel.photometric_interpretation)
    return replace(pixel, photometric_interpretation=label, planar_configuration=compression.planar_configuration)
