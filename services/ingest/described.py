"""An instance of which the metadata has come, and of which bulk data is coming. Pure.

References
----------
PS3.18 10.5.1.4: metadata and bulk data are parts of one request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from radstream.contract.errors import RejectedInstance
from radstream.contract.uids import parse_uid
from radstream.dicom.dictionary import PIXEL_DATA
from radstream.dicom.from_json import Bulk, references
from radstream.dicom.recognition import Recognized
from services.ingest.identity import SOP_CLASS_UID, SOP_INSTANCE_UID, Reference
from services.ingest.locations import Base

TRANSFER_SYNTAX_UID: Final = 0x00020010
NUMBER_OF_FRAMES: Final = 0x00280008
SAMPLES_PER_PIXEL: Final = 0x00280002


@dataclass(frozen=True)
class Came:
    """Bulk data that has come.

    Parameters
    ----------
    value : Bulk
    recognized : Recognized, optional
        What it is, if it is Pixel Data.
    """

    value: Bulk
    recognized: Recognized | None = None

    @property
    def transfer_syntax_uid(self) -> str:
        """That it brings with it; empty for what is not compressed."""
        return self.recognized.transfer_syntax_uid if self.recognized else ""

    @property
    def is_frame(self) -> bool:
        """Whether it is one of the compressed frames of its Pixel Data, of which there may be more."""
        return bool(self.transfer_syntax_uid) and not (self.recognized and self.recognized.is_video)


@dataclass
class Described:
    """An instance whose metadata has come.

    Parameters
    ----------
    attributes : mapping
        The DICOM JSON object.
    base : Base
        What locations are relative to.

    Attributes
    ----------
    tags : dict of str to set of int
        By location, the attributes that refer to it.
    came : dict of str to list of Came
        By location, what has come.
    """

    attributes: Mapping[str, Any]
    base: Base
    came: dict[str, list[Came]] = field(default_factory=dict)
    tags: dict[str, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for uri, tag in references(self.attributes):
            self.tags.setdefault(self.base.location(uri), set()).add(tag)

    @property
    def reference(self) -> Reference | None:
        """Which instance it is; None if the metadata does not say."""
        try:
            return Reference(parse_uid(self.text(SOP_CLASS_UID)), parse_uid(self.text(SOP_INSTANCE_UID)))
        except RejectedInstance:
            return None

    @property
    def is_complete(self) -> bool:
        """Whether all that the metadata refers to has come."""
        return all(len(self.came.get(location, ())) >= self.expected(location) for location in self.tags)

    def expected(self, location: str) -> int:
        """Return how many parts a value has: one, or one for each compressed frame."""
        came = self.came.get(location)
        return max(1, self.number(NUMBER_OF_FRAMES)) if came and came[0].is_frame else 1

    def is_pixel_data(self, location: str) -> bool:
        """Tell whether Pixel Data is there, of the image itself or of an icon."""
        return PIXEL_DATA in self.tags.get(location, ())

    def take(self, location: str, came: Came) -> None:
        """Note that bulk data has come.

        Raises
        ------
        RejectedInstance
            If it has come before.
        """
        before = self.came.setdefault(location, [])
        if before and not (came.is_frame and before[0].is_frame):
            raise RejectedInstance("bulk data of an instance comes twice")
        before.append(came)

    def text(self, tag: int) -> str:
        """Return the first value of an attribute as text, empty if there is none."""
        return text_of(self.attributes, tag)

    def number(self, tag: int) -> int:
        """Return the first value of an attribute as number, 0 if there is none."""
        return number_of(self.attributes, tag)


def text_of(attributes: Mapping[str, Any], tag: int) -> str:
    """Return the first value of an attribute in a DICOM JSON object as text, empty if there is none."""
    entry = attributes.get(f"{tag:08X}")
    values = entry.get("Value") if isinstance(entry, dict) else None
    return str(values[0]) if isinstance(values, list) and values and values[0] is not None else ""


def number_of(attributes: Mapping[str, Any], tag: int) -> int:
    """Return the first value of an attribute in a DICOM JSON object as number, 0 if there is none."""
    text = text_of(attributes, tag).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else 0
