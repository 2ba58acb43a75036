"""How a frame is presented: by its image alone, or by a presentation state. Runs in the worker."""

from __future__ import annotations

from pydicom import Dataset

from radstream.dicom.syntaxes import encoding_of
from services.render.annotations import OVERLAYS
from services.render.attributes import frame_group
from services.render.description import Description
from services.render.overlays import read_overlays
from services.render.parse import parse_whole
from services.render.presentation import Presentation
from services.render.presentation_state import State, Words, present
from services.render.shutters import read_shutter
from services.render.task import Order


def looks_of(
    order: Order, dataset: Dataset, description: Description, frame_index: int, words: Words
) -> tuple[Description, Presentation]:
    """Return how a frame is presented.

    Parameters
    ----------
    dataset : Dataset
        The header of the image.
    description : Description
        Of the frame by the image alone.
    words : callable
        See `services.render.overlays.read_overlays`.

    Raises
    ------
    UnsupportedInstance
        If it cannot be presented so.
    """
    if order.presentation_state:
        state = State(*parse_whole(order.presentation_state, order.max_whole_bytes))
        return present(state, dataset, description, frame_index, words)
    is_big_endian = not encoding_of(order.transfer_syntax_uid).is_little_endian
    is_wanted = OVERLAYS in order.wish.annotations
    return description, Presentation(
        read_overlays(dataset, frame_index, words, is_big_endian=is_big_endian) if is_wanted else (),
        read_shutter(frame_group(dataset, frame_index, "FrameDisplayShutterSequence")),
    )
