"""The Image Pixel Macro as one value: how many samples a frame has, and what their bits mean (PS3.3 C.7.6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NotRequired, TypedDict, Unpack

from radstream.contract.errors import UnsupportedInstance

_CONTAINERS: Final = (1, 8, 16, 32)
_FLOATING_CONTAINERS: Final = (32, 64)


class FrameAttributes(TypedDict):
    """The attributes of the Image Pixel Macro as a data set has them, by their names.

    `high_bit` is `bits_stored` - 1 unless given. `is_float`: the frame is from Float or Double Float Pixel Data.
    """

    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    pixel_representation: int
    photometric_interpretation: str
    planar_configuration: int
    high_bit: NotRequired[int]
    is_float: NotRequired[bool]


@dataclass(frozen=True)
class ImagePixel:
    """What every frame of an image looks like.

    Parameters
    ----------
    rows, columns : int
        Size of a frame in pixels.
    samples_per_pixel : int
        1, or 3 for colour.
    bits_allocated, bits_stored, high_bit : int
        Container of a sample, how many bits of it count, and the number of the highest of these.
    is_signed : bool
        Pixel Representation: two's complement.
    photometric_interpretation : str
    planar_configuration : int
        0: R1 G1 B1 R2 …, 1: all R, all G, all B.
    is_float : bool
        From Float or Double Float Pixel Data; the attributes on bits are without meaning then.

    Raises
    ------
    UnsupportedInstance
        If the values contradict each other or name what is not decoded.
    """

    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    photometric_interpretation: str
    planar_configuration: int = 0
    is_float: bool = False

    def __post_init__(self) -> None:
        for is_wrong, reason in self._contradictions():
            if is_wrong:
                raise UnsupportedInstance(reason)

    def _contradictions(self) -> tuple[tuple[bool, str], ...]:
        containers = _FLOATING_CONTAINERS if self.is_float else _CONTAINERS
        return (
            (not (0 < self.rows <= 0xFFFFFFFF and 0 < self.columns <= 0xFFFFFFFF), "Rows or Columns is missing or 0"),
            (self.samples_per_pixel not in (1, 3), f"Samples per Pixel is {self.samples_per_pixel}"),
            (self.bits_allocated not in containers, f"Bits Allocated is {self.bits_allocated}"),
            (not self._are_bits_inside(), "Bits Stored and High Bit do not fit in Bits Allocated"),
            (self.bits_allocated == 1 and self.samples_per_pixel != 1, "pixels of three 1-bit samples"),
            (self.planar_configuration not in (0, 1), f"Planar Configuration is {self.planar_configuration}"),
        )

    def _are_bits_inside(self) -> bool:
        return self.is_float or 1 <= self.bits_stored <= self.high_bit + 1 <= self.bits_allocated

    @property
    def samples(self) -> int:
        """Samples of one frame."""
        return self.rows * self.columns * self.samples_per_pixel

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a decoded frame: (rows, columns), or (rows, columns, 3) for colour."""
        size = (self.rows, self.columns)
        return size if self.samples_per_pixel == 1 else (*size, self.samples_per_pixel)

    @property
    def is_subsampled(self) -> bool:
        """Whether native frames have one pair of chrominance samples for two pixels (PS3.3 C.7.6.3.1.2)."""
        return self.photometric_interpretation in {"YBR_FULL_422", "YBR_PARTIAL_422"}


def image_pixel(**attributes: Unpack[FrameAttributes]) -> ImagePixel:
    """Return the attributes of a data set as one value.

    Raises
    ------
    UnsupportedInstance
        If they contradict each other or name what is not decoded.
    """
    if attributes["pixel_representation"] not in (0, 1):
        raise UnsupportedInstance(f"Pixel Representation is {attributes['pixel_representation']}")
    return ImagePixel(
        rows=attributes["rows"],
        columns=attributes["columns"],
        samples_per_pixel=attributes["samples_per_pixel"],
        bits_allocated=attributes["bits_allocated"],
        bits_stored=attributes["bits_stored"],
        high_bit=attributes.get("high_bit", attributes["bits_stored"] - 1),
        is_signed=attributes["pixel_representation"] == 1,
        photometric_interpretation=attributes["photometric_interpretation"],
        planar_configuration=attributes["planar_configuration"],
        is_float=attributes.get("is_float", False),
    )
