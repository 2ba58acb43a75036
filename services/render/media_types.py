"""As which media type pictures are sent: one alone, several in parts, or as a moving picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from radstream.web.accept import Offer, choose_of, weight
from radstream.web.media_types import MediaType
from services.render.encode import MEDIA_TYPES, is_moving

OFFERS: Final = tuple(map(Offer, MEDIA_TYPES))
IN_PARTS: Final = tuple(Offer(media_type, is_multipart=True) for media_type in MEDIA_TYPES)
_MOVING: Final = tuple(offer for offer in OFFERS if is_moving(offer.media_type))
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


def choose_pictures(accepted: Sequence[Sequence[MediaType]], *, may_move: bool) -> Offer:
    """Return what several pictures are sent as: in parts, of the media type that the client likes best.

    A media type of a single part means nothing here (PS3.18 10.4.4), whatever the number of pictures turns out to be.

    Parameters
    ----------
    may_move : bool
        They may be shown one after the other in one moving picture, if the client asks for that.

    Raises
    ------
    UnsupportedInstance
        (406) If the client accepts none of it.
    """
    return choose_picture(accepted, (*IN_PARTS, *(_MOVING if may_move else ())))


def _wildcards_first(ranges: Sequence[MediaType]) -> list[MediaType]:
    """Return `ranges`, most wanted first, with wildcards in front of all that are wanted as much."""
    return sorted(ranges, key=lambda wanted: (-weight(wanted), wanted.name not in _ANY))
