"""What a client asks for: pictures of frames, by name or by a presentation state that is about them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from radstream.catalog.port import Document
from services.render.pixels import Wish

RENDERING: Final = "2"
"""Part of every entity tag; raise it when the same instance looks different from now on."""


@dataclass(frozen=True)
class StoredState:
    """A presentation state: its file, and the SHA-256 of its data set."""

    file: bytes
    sha256: str


@dataclass(frozen=True)
class Asked:
    """One picture.

    Parameters
    ----------
    document : Document
        Of the instance.
    more : tuple of int
        Indexes of further frames of a moving picture.
    state : StoredState or None
        That is applied.
    """

    document: Document
    frame_index: int
    wish: Wish
    quality: int
    more: tuple[int, ...] = ()
    state: StoredState | None = None

    def etag(self, media_type: str) -> str:
        """Return a strong entity tag: equal bytes of an instance and equal wishes give equal pictures."""
        state = self.state.sha256 if self.state is not None else ""
        parts = (self.frame_index, self.more, self.wish, media_type, self.quality, state)
        wish = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
        return f'"{self.document["sha256"]}-{wish}-{RENDERING}"'

    @property
    def path(self) -> str:
        """The resource of this picture, below the service's address."""
        study, series = self.document["StudyInstanceUID"], self.document["SeriesInstanceUID"]
        instance = f"studies/{study}/series/{series}/instances/{self.document['SOPInstanceUID']}"
        return f"{instance}/frames/{self.frame_index + 1}/rendered"
