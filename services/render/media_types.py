"""As which media type a picture is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from radstream.web.accept import Offer, choose_of, weight
from radstream.web.media_types import MediaType
from services.render.encode import MEDIA_TYPES

OFFERS: Final = tuple(map(Offer, MEDIA_TYPES))
_ANY: Final = frozenset({"image/*", "*/*"})


def choose_picture(accepted: Sequence[Sequence[MediaType]], offers: Sequence[Offer] = OFFERS) -> Offer:
    """Return what a picture is sent as: what the client likes best, and JPEG if it likes anything as well.

    Browsers name the media types that they know, then ``image/*`` with the same weight: they leave it to the server.

    Raises
    ------
    UnsupportedInstance
        (406) If the client accepts none of them.
    """
    return choose_of([_wildcards_first(ranges) for ranges in accepted], offers)


def _wildcards_first(ranges: Sequence[MediaType]) -> list[MediaType]:
    """Return `ranges`, most wanted first, with wildcards in front of all that are wanted as much."""
    return sorted(ranges, key=lambda wanted: (-weight(wanted), wanted.name not in _ANY))
