"""The frames of an instance as values to be sent, in every representation that there is of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from radstream.catalog.port import Document
from radstream.retrieval.joined import Joined
from radstream.retrieval.pixel_data import PixelData, Value
from radstream.retrieval.transcoding import VERSION, Transcoding
from radstream.web.accept import Offer
from services.api.answer import Making
from services.api.representations import is_compressed, offers

READABLE_NAME: Final = 64
"""A longer list of frames is named by its digest in entity tags."""


@dataclass(frozen=True)
class FrameSet:
    """The frames of the instance whose `document` has `images.FIELDS`."""

    document: Document
    pixel_data: PixelData
    transcoding: Transcoding

    def offers(self, *, may_be_alone: bool) -> Sequence[Offer]:
        """Return the representations, see `representations.offers`."""
        return offers(
            self.pixel_data.transfer_syntax_uid,
            is_encapsulated=self.pixel_data.table.is_encapsulated,
            may_be_alone=may_be_alone,
            targets=self.transcoding.targets(self.pixel_data),
        )

    def parts(self, offer: Offer) -> int:
        """Return in how many parts all frames are sent: compressed ones each in one, others and videos in one."""
        return self.pixel_data.table.number_of_frames if is_compressed(offer) else 1

    def all(self, offer: Offer) -> list[Value | Making]:
        """Return what the parts of an answer with all frames hold.

        Raises
        ------
        NotFound, UnsupportedInstance
            If a frame is not there.
        """
        count = self.pixel_data.table.number_of_frames
        if offer.is_stored and (not self.pixel_data.table.is_encapsulated or self.pixel_data.is_video):
            return [self.pixel_data.whole()]
        if is_compressed(offer):
            return [self.frame(index, offer) for index in range(count)]
        return [Joined([self._known(index, offer) for index in range(count)])]

    def frame(self, frame_index: int, offer: Offer) -> Value | Making:
        """Return a frame in a representation.

        Raises
        ------
        NotFound, UnsupportedInstance
            If it is not there.
        """
        if offer.is_stored or not is_compressed(offer):
            return self._known(frame_index, offer)
        self.pixel_data.frame(frame_index)  # raises if it, or its end, is not there: no answer has begun yet
        target = offer.transfer_syntax_uid
        return partial(self.transcoding.frame, self.document, self.pixel_data, frame_index, target)

    def _known(self, frame_index: int, offer: Offer) -> Value:
        """Return a frame as it is stored, or decoded."""
        if offer.is_stored:
            return self.pixel_data.frame(frame_index)
        self.pixel_data.frame(frame_index)
        return self.transcoding.decoded(self.document, self.pixel_data, frame_index)

    def tag(self, offer: Offer, what: str) -> str:
        """Return the entity tag of some frames in a representation."""
        made = "" if offer.is_stored else f"-{offer.transfer_syntax_uid}-{VERSION}"
        named = what if len(what) <= READABLE_NAME else hashlib.sha256(what.encode()).hexdigest()
        return f"{self.document['sha256']}{made}-{named.replace(',', '.')}"
