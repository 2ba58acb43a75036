"""Softcopy presentation states: from a stored state and an image to how that image is presented (PS3.3 A.33, C.11).

What a state does not say is not taken from the image: an absent transform is the identity (PS3.4 N.2.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from radstream.contract.errors import UnsupportedInstance
from services.render.attributes import first_item, items, text, values
from services.render.description import Description, read_modality, read_voi_tables, read_windows
from services.render.displayed_area import displayed
from services.render.graphic_annotations import layers, read_graphics
from services.render.grayscale import rescale
from services.render.lookup_tables import LookupTable, read_palette, read_table
from services.render.overlays import GROUPS, Overlay, read_overlays
from services.render.presentation import Presentation
from services.render.references import about, refers
from services.render.shutters import read_shutter
from services.render.windows import Window, window_of_range

GRAYSCALE: Final = "1.2.840.10008.5.1.4.1.1.11.1"
COLOR: Final = "1.2.840.10008.5.1.4.1.1.11.2"
PSEUDO_COLOR: Final = "1.2.840.10008.5.1.4.1.1.11.3"
XA_XRF_GRAYSCALE: Final = "1.2.840.10008.5.1.4.1.1.11.5"
APPLIED: Final = frozenset({GRAYSCALE, COLOR, PSEUDO_COLOR, XA_XRF_GRAYSCALE})
"""SOP classes of the presentation states that are applied; others mix images or reconstruct planes."""

Words = Callable[[], npt.NDArray[Any]]


@dataclass(frozen=True)
class State:
    """A presentation state as it is stored."""

    dataset: Dataset
    is_big_endian: bool = False


def present(
    state: State, image: Dataset, description: Description, frame_index: int, words: Words
) -> tuple[Description, Presentation]:
    """Return how a frame looks under a presentation state.

    Parameters
    ----------
    state : State
    image : Dataset
        The header of the image.
    description : Description
        Of the frame by the image alone.
    words : callable
        See `services.render.overlays.read_overlays`.

    Raises
    ------
    UnsupportedInstance
        If the state is of a kind that is not applied, is not about the frame, or contradicts itself.
    """
    _refuse_what_is_not_applied(state.dataset)
    uid = text(image, "SOPInstanceUID")
    _refuse_stranger(state.dataset, uid, frame_index)
    is_of_frame = about(uid, frame_index)
    if text(state.dataset, "SOPClassUID") != COLOR:
        description = _grayscale(state, description, is_of_frame)
    overlays = _overlays(state, image, frame_index, words)
    planes = {overlay.group: overlay for overlay in overlays}
    size = description.attributes["rows"], description.attributes["columns"]
    area = displayed(state.dataset, is_of_frame, *size)
    return replace(description, icc_profile=_profile(state.dataset) or description.icc_profile), Presentation(
        tuple(_activated(state.dataset, overlays)),
        read_shutter(state.dataset, planes.get),
        area.region,
        area.magnification,
        area.pixel_aspect,
        read_graphics(state.dataset, is_of_frame),
    )


def _refuse_stranger(state: Dataset, sop_instance_uid: str, frame_index: int) -> None:
    series = items(state, "ReferencedSeriesSequence")
    images = (image for each in series for image in items(each, "ReferencedImageSequence"))
    if not any(refers(image, sop_instance_uid, frame_index) for image in images):
        raise UnsupportedInstance("the presentation state is not about this frame")


def _refuse_what_is_not_applied(state: Dataset) -> None:
    if text(state, "SOPClassUID") not in APPLIED:
        raise UnsupportedInstance("presentation states of this SOP class are not applied")
    if items(state, "MaskSubtractionSequence"):
        raise UnsupportedInstance("masks of presentation states are not subtracted")


def _grayscale(state: State, description: Description, is_of_frame: Callable[[Dataset], bool]) -> Description:
    """Replace modality, VOI and presentation transform (PS3.4 N.2.1.1 to N.2.1.3)."""
    is_signed = description.attributes["pixel_representation"] == 1
    modality = read_modality(state.dataset, is_signed=is_signed, is_big_endian=state.is_big_endian)
    rescaled = replace(description, slope=modality.slope, intercept=modality.intercept, modality_table=modality.table)
    voi = next(filter(is_of_frame, items(state.dataset, "SoftcopyVOILUTSequence")), Dataset())
    tables = read_voi_tables(voi, is_signed=is_signed or modality.is_signed, is_big_endian=state.is_big_endian)
    windows = read_windows(voi)
    curve = first_item(state.dataset, "PresentationLUTSequence")
    return replace(
        rescaled,
        voi_tables=tables,
        windows=windows if windows or tables else (_whole_range(rescaled),),
        presentation_table=curve and read_table(curve, is_signed=False, is_big_endian=state.is_big_endian),
        is_inverse=text(state.dataset, "PresentationLUTShape") == "INVERSE",
        pseudo_colours=_pseudo_colours(state),
    )


def _pseudo_colours(state: State) -> LookupTable | None:
    if text(state.dataset, "SOPClassUID") != PSEUDO_COLOR:
        return None
    palette = read_palette(state.dataset, is_signed=False, is_big_endian=state.is_big_endian)
    if palette is None:
        raise UnsupportedInstance("the pseudo-color presentation state has no palette")
    return palette


def _profile(state: Dataset) -> bytes:
    profile = values(state, "ICCProfile")
    return profile[0] if profile and isinstance(profile[0], bytes) else b""


def _whole_range(description: Description) -> Window:
    """Return the window of all values that the modality transform can make (PS3.3 C.11.8.1.1: identity)."""
    if (table := description.modality_table) is not None:
        return window_of_range(0, (1 << table.bits) - 1)
    bits = description.attributes["bits_stored"]
    low = -(1 << (bits - 1)) if description.attributes["pixel_representation"] else 0
    ends = rescale(np.array([low, low + (1 << bits) - 1]), description)
    return window_of_range(float(ends.min()), float(ends.max()))


def _overlays(state: State, image: Dataset, frame_index: int, words: Words) -> tuple[Overlay, ...]:
    """Return the planes of the image and of the state, which come first where both have one."""
    planes = {overlay.group: overlay for overlay in read_overlays(image, frame_index, words)}
    planes |= {
        overlay.group: overlay
        for overlay in read_overlays(state.dataset, frame_index, is_big_endian=state.is_big_endian)
    }
    return tuple(planes.values())


def _activated(state: Dataset, overlays: tuple[Overlay, ...]) -> list[Overlay]:
    """Return the planes that a layer of the state shows (PS3.3 C.11.7), the lowest layer first."""
    known = layers(state)
    layer_of = {group: text(state, group << 16 | 0x1001) for group in GROUPS if group << 16 | 0x1001 in state}
    shown = [overlay for overlay in overlays if layer_of.get(overlay.group)]
    return sorted(shown, key=lambda overlay: known.get(layer_of[overlay.group], (0,))[0])
