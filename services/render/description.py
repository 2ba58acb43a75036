"""What a header says about the looks of one frame. Pure: a pydicom data set in, one value out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydicom import Dataset

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.image_pixel import FrameAttributes
from services.render.attributes import frame_group, integer, items, number, numbers, text, values
from services.render.lookup_tables import LookupTable, read_palette, read_table
from services.render.subject import UNKNOWN, Subject, subject_of
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
    voi_tables : tuple of LookupTable
        The items of VOI LUT Sequence.
    windows : tuple of Window
        The valid ones, in their order.
    presentation_table : LookupTable or None
        Of a presentation state; for what VOI has made, its entries stand side by side over the whole range.
    is_inverse : bool
        The smallest value is white.
    padding : (float, float) or None
        Smallest and largest stored value that is no picture (PS3.3 C.7.5.1.1.2).
    palette : LookupTable or None
        Colours of 8 bits; of a monochrome frame those of its Supplemental Palette.
    pseudo_colours : LookupTable or None
        Of a presentation state: for brightness, its entries stand side by side over the whole range.
    icc_profile : bytes
        Of the colours; empty if there is none.
    pixel_aspect : float
        Height of a pixel divided by its width.
    subject : Subject
        What the values are of.
    """

    attributes: FrameAttributes
    slope: float = 1.0
    intercept: float = 0.0
    modality_table: LookupTable | None = None
    voi_tables: tuple[LookupTable, ...] = ()
    windows: tuple[Window, ...] = ()
    presentation_table: LookupTable | None = None
    is_inverse: bool = False
    padding: tuple[float, float] | None = None
    palette: LookupTable | None = None
    pseudo_colours: LookupTable | None = None
    icc_profile: bytes = b""
    pixel_aspect: float = 1.0
    subject: Subject = UNKNOWN


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
    modality = read_modality(
        frame_group(dataset, frame_index, "PixelValueTransformationSequence"),
        is_signed=is_signed,
        is_big_endian=is_big_endian,
    )
    voi = frame_group(dataset, frame_index, "FrameVOILUTSequence")
    return Description(
        attributes,
        modality.slope,
        modality.intercept,
        modality.table,
        read_voi_tables(voi, is_signed=is_signed or modality.is_signed, is_big_endian=is_big_endian),
        read_windows(voi),
        is_inverse=attributes["photometric_interpretation"] == "MONOCHROME1"
        or text(dataset, "PresentationLUTShape") == "INVERSE",
        padding=_padding(dataset, is_signed, is_float),
        palette=_palette(dataset, is_signed, is_big_endian),
        icc_profile=_icc_profile(dataset),
        pixel_aspect=_pixel_aspect(dataset, frame_index),
        subject=subject_of(dataset, frame_index),
    )


@dataclass(frozen=True)
class Modality:
    """A modality transform (PS3.3 C.11.1): a table, or slope and intercept."""

    slope: float = 1.0
    intercept: float = 0.0
    table: LookupTable | None = None

    @property
    def is_signed(self) -> bool:
        """Whether its output may be negative although its input is not."""
        return self.intercept < 0 or self.slope < 0


def read_modality(source: Dataset, *, is_signed: bool, is_big_endian: bool) -> Modality:
    """Return the modality transform of an image, a functional group or a presentation state.

    Parameters
    ----------
    is_signed : bool
        Whether stored values may be negative.

    Raises
    ------
    UnsupportedInstance
        If it has no meaning.
    """
    slope, intercept = number(source, "RescaleSlope", 1.0), number(source, "RescaleIntercept", 0.0)
    if slope == 0:
        raise UnsupportedInstance("Rescale Slope is 0")
    tables = items(source, "ModalityLUTSequence")[:1]
    return Modality(
        slope, intercept, next((read_table(t, is_signed=is_signed, is_big_endian=is_big_endian) for t in tables), None)
    )


def read_voi_tables(source: Dataset, *, is_signed: bool, is_big_endian: bool) -> tuple[LookupTable, ...]:
    """Return the tables of a VOI LUT Sequence, whose input is signed if the output of the modality transform may be.

    Raises
    ------
    UnsupportedInstance
        If one has not what its descriptor says.
    """
    return tuple(
        read_table(item, is_signed=is_signed, is_big_endian=is_big_endian) for item in items(source, "VOILUTSequence")
    )


def read_windows(source: Dataset) -> tuple[Window, ...]:
    """Return the windows that mean something; devices write widths of 0 where they know no better."""
    centers, widths = numbers(source, "WindowCenter"), numbers(source, "WindowWidth")
    function = text(source, "VOILUTFunction") or "LINEAR"
    explanations = [str(value).strip() for value in values(source, "WindowCenterWidthExplanation")]
    explanations += [""] * len(centers)
    found = map(Window, centers, widths, [function] * len(centers), explanations)
    return tuple(window for window in found if window.is_valid)


def _frame_attributes(dataset: Dataset, is_float: bool) -> FrameAttributes:
    """Return the Image Pixel Macro; what it must have has no default, for a guess may show a wrong picture."""
    bits_allocated = integer(dataset, "BitsAllocated")
    bits_stored = bits_allocated if is_float else integer(dataset, "BitsStored")
    return FrameAttributes(
        rows=integer(dataset, "Rows"),
        columns=integer(dataset, "Columns"),
        samples_per_pixel=integer(dataset, "SamplesPerPixel", 1),
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=integer(dataset, "HighBit", bits_stored - 1),
        pixel_representation=0 if is_float else integer(dataset, "PixelRepresentation"),
        photometric_interpretation=text(dataset, "PhotometricInterpretation"),
        planar_configuration=integer(dataset, "PlanarConfiguration", 0),
        is_float=is_float,
    )


def _padding(dataset: Dataset, is_signed: bool, is_float: bool) -> tuple[float, float] | None:
    """Return the range of padding in stored values."""
    if is_float:
        names = ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit")
        names = names if names[0] in dataset else ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit")
    else:
        names = ("PixelPaddingValue", "PixelPaddingRangeLimit")
    bounds = [bound for name in names for bound in numbers(dataset, name)[:1]]
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
    is_supplemental = text(dataset, "PixelPresentation") in {"COLOR", "MIXED"}
    if text(dataset, "PhotometricInterpretation") != "PALETTE COLOR" and not is_supplemental:
        return None
    return read_palette(dataset, is_signed=is_signed, is_big_endian=is_big_endian)


def _icc_profile(dataset: Dataset) -> bytes:
    """Return the profile of true colours (PS3.3 C.11.15): of the data set, or of the first optical path."""
    for source in (dataset, *items(dataset, "OpticalPathSequence")[:1]):
        profile = values(source, "ICCProfile")
        if profile and isinstance(profile[0], bytes):
            return profile[0]
    return b""


def _pixel_aspect(dataset: Dataset, frame_index: int) -> float:
    """Return height / width of a pixel, from the first attribute that tells."""
    measures = frame_group(dataset, frame_index, "PixelMeasuresSequence")
    for source, name in (
        (measures, "PixelSpacing"),
        (dataset, "ImagerPixelSpacing"),
        (dataset, "NominalScannedPixelSpacing"),
        (dataset, "PixelAspectRatio"),
    ):
        pair = numbers(source, name)
        if len(pair) == 2 and all(0 < value < math.inf for value in pair):
            return pair[0] / pair[1]
    return 1.0
