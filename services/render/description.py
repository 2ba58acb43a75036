"""What a header says about the looks of one frame. Pure: a pydicom data set in, one value out.

Attributes of enhanced objects are looked for in the Per-frame Functional Groups, then in the Shared ones, then at the
top (PS3.3 C.7.6.16).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.image_pixel import FrameAttributes
from services.render.lookup_tables import LookupTable, read_palette, read_table
from services.render.windows import Window


@dataclass(frozen=True)
class Description:
    """How the stored values of a frame become a picture.

    Parameters
    ----------
    attributes : FrameAttributes
        Of the Image Pixel Macro.
    modality_table : LookupTable or None
        Takes the place of slope and intercept.
    voi_table : LookupTable or None
        The first item of VOI LUT Sequence.
    windows : tuple of Window
        The valid ones, in their order.
    is_inverse : bool
        The smallest value is white.
    padding : (float, float) or None
        Smallest and largest stored value that is no picture (PS3.3 C.7.5.1.1.2).
    palette : LookupTable or None
        Colours of 8 bits.
    pixel_aspect : float
        Height of a pixel divided by its width.
    """

    attributes: FrameAttributes
    slope: float = 1.0
    intercept: float = 0.0
    modality_table: LookupTable | None = None
    voi_table: LookupTable | None = None
    windows: tuple[Window, ...] = ()
    is_inverse: bool = False
    padding: tuple[float, float] | None = None
    palette: LookupTable | None = None
    pixel_aspect: float = 1.0


def describe(dataset: Dataset, frame_index: int, *, is_big_endian: bool = False, is_float: bool = False) -> Description:
    """Return the description of one frame.

    Parameters
    ----------
    dataset : Dataset
        The header: everything up to Pixel Data.
    is_float : bool
        The pixels are Float or Double Float Pixel Data.

    Raises
    ------
    UnsupportedInstance
        If an attribute that decides over the looks is missing or has no meaning.
    """
    attributes = _frame_attributes(dataset, is_float)
    is_signed = attributes["pixel_representation"] == 1
    transform = _group(dataset, frame_index, "PixelValueTransformationSequence")
    voi = _group(dataset, frame_index, "FrameVOILUTSequence")
    slope, intercept = _number(transform, "RescaleSlope", 1.0), _number(transform, "RescaleIntercept", 0.0)
    if slope == 0:
        raise UnsupportedInstance("Rescale Slope is 0")
    modality_item, voi_item = _first(transform, "ModalityLUTSequence"), _first(voi, "VOILUTSequence")
    is_output_signed = is_signed or intercept < 0 or slope < 0
    return Description(
        attributes,
        slope,
        intercept,
        modality_item and read_table(modality_item, is_signed=is_signed, is_big_endian=is_big_endian),
        voi_item and read_table(voi_item, is_signed=is_output_signed, is_big_endian=is_big_endian),
        _windows(voi),
        _text(dataset, "PhotometricInterpretation") == "MONOCHROME1"
        or _text(dataset, "PresentationLUTShape") == "INVERSE",
        _padding(dataset, is_signed, is_float),
        _palette(dataset, is_signed, is_big_endian),
        _pixel_aspect(dataset, frame_index),
    )


def _frame_attributes(dataset: Dataset, is_float: bool) -> FrameAttributes:
    """Return the Image Pixel Macro; what it must have has no default, for a guess may show a wrong picture."""
    bits_allocated = _integer(dataset, "BitsAllocated")
    bits_stored = bits_allocated if is_float else _integer(dataset, "BitsStored")
    return FrameAttributes(
        rows=_integer(dataset, "Rows"),
        columns=_integer(dataset, "Columns"),
        samples_per_pixel=_integer(dataset, "SamplesPerPixel", 1),
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=_integer(dataset, "HighBit", bits_stored - 1),
        pixel_representation=0 if is_float else _integer(dataset, "PixelRepresentation"),
        photometric_interpretation=_text(dataset, "PhotometricInterpretation"),
        planar_configuration=_integer(dataset, "PlanarConfiguration", 0),
        is_float=is_float,
    )


def _windows(voi: Dataset) -> tuple[Window, ...]:
    """Return the windows that mean something; devices write widths of 0 where they know no better."""
    centers, widths = _numbers(voi, "WindowCenter"), _numbers(voi, "WindowWidth")
    function = _text(voi, "VOILUTFunction") or "LINEAR"
    pairs = zip(centers, widths, strict=False)
    return tuple(window for pair in pairs if (window := Window(*pair, function)).is_valid)


def _padding(dataset: Dataset, is_signed: bool, is_float: bool) -> tuple[float, float] | None:
    """Return the range of padding in stored values."""
    if is_float:
        names = ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit")
        names = names if names[0] in dataset else ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit")
    else:
        names = ("PixelPaddingValue", "PixelPaddingRangeLimit")
    bounds = [bound for name in names for bound in _numbers(dataset, name)[:1]]
    if not bounds or names[0] not in dataset:
        return None
    # The VR may say US where the pixels are signed, or the other way round; 16 bits are the same either way.
    bounds = bounds if is_float else [_as_word(bound, is_signed) for bound in bounds]
    return min(bounds), max(bounds)


def _as_word(value: float, is_signed: bool) -> float:
    word = int(value) & 0xFFFF
    return word - 0x10000 if is_signed and word > 0x7FFF else word


def _palette(dataset: Dataset, is_signed: bool, is_big_endian: bool) -> LookupTable | None:
    """Return the palette if the frame is shown with it: all of it, or what a supplemental one colours."""
    is_supplemental = _text(dataset, "PixelPresentation") in {"COLOR", "MIXED"}
    if _text(dataset, "PhotometricInterpretation") != "PALETTE COLOR" and not is_supplemental:
        return None
    return read_palette(dataset, is_signed=is_signed, is_big_endian=is_big_endian)


def _pixel_aspect(dataset: Dataset, frame_index: int) -> float:
    """Return height / width of a pixel, from the first attribute that tells."""
    measures = _group(dataset, frame_index, "PixelMeasuresSequence")
    for source, name in (
        (measures, "PixelSpacing"),
        (dataset, "ImagerPixelSpacing"),
        (dataset, "NominalScannedPixelSpacing"),
        (dataset, "PixelAspectRatio"),
    ):
        values = _numbers(source, name)
        if len(values) == 2 and all(0 < value < math.inf for value in values):
            return values[0] / values[1]
    return 1.0


def _group(dataset: Dataset, frame_index: int, name: str) -> Dataset:
    """Return the item of a functional group that holds for the frame, or the data set itself if there is none."""
    per_frame = _items(dataset, "PerFrameFunctionalGroupsSequence")
    if per_frame and frame_index >= len(per_frame):
        raise UnsupportedInstance("there are fewer functional groups than frames")
    for groups in (*per_frame[frame_index : frame_index + 1], *_items(dataset, "SharedFunctionalGroupsSequence")[:1]):
        item = _first(groups, name)
        if item is not None and len(item):
            return item
    return dataset


def _items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    return [item for item in _values(dataset, keyword) if isinstance(item, Dataset)]


def _first(dataset: Dataset, keyword: str) -> Dataset | None:
    return next(iter(_items(dataset, keyword)), None)


def _text(dataset: Dataset, keyword: str) -> str:
    return str(_values(dataset, keyword)[0]).strip() if _values(dataset, keyword) else ""


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    values = _numbers(dataset, keyword)
    if not values:
        return default
    if not math.isfinite(values[0]):
        raise UnsupportedInstance(f"{keyword} is not finite")
    return values[0]


def _integer(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    values = _numbers(dataset, keyword)
    if values:
        return int(values[0])
    if default is None:
        raise UnsupportedInstance(f"{keyword} is missing")
    return default


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    try:
        return [float(value) for value in _values(dataset, keyword)]
    except (TypeError, ValueError) as error:
        raise UnsupportedInstance(f"{keyword} is not a number") from error


def _values(dataset: Dataset, keyword: str) -> Sequence[Any]:
    """Return the values of an attribute; none if it is missing or empty."""
    try:
        value = dataset.get(keyword)
    except (ValueError, TypeError, OverflowError, NotImplementedError, KeyError, OSError) as error:
        raise UnsupportedInstance(f"{keyword} cannot be read") from error
    if value is None or value == "":
        return ()
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else (value,)
