"""Which images and frames an item of a presentation state is about (PS3.3 C.11.11, table 10-3). Pure."""

from __future__ import annotations

from collections.abc import Callable

from pydicom import Dataset

from services.render.attributes import items, numbers, text


def about(sop_instance_uid: str, frame_index: int) -> Callable[[Dataset], bool]:
    """Return what tells whether an item is about a frame: it refers to its image, or to none, which means all."""

    def is_about(item: Dataset) -> bool:
        referenced = items(item, "ReferencedImageSequence")
        return not referenced or any(refers(image, sop_instance_uid, frame_index) for image in referenced)

    return is_about


def refers(image: Dataset, sop_instance_uid: str, frame_index: int) -> bool:
    """Tell whether a reference is to a frame: without frame numbers it is to all frames of its image."""
    if text(image, "ReferencedSOPInstanceUID") != sop_instance_uid:
        return False
    frames = numbers(image, "ReferencedFrameNumber")
    return not frames or frame_index + 1 in frames
