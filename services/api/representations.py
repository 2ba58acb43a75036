"""In which media types Pixel Data is sent, stored as it is or made anew, and what they may be called in a request.

References
----------
PS3.18 8.7.3.3 and 8.7.3.5: each media type has a default transfer syntax, that of octets is Explicit VR Little Endian.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from radstream.dicom.media import OCTET_STREAM, media_type_of, media_types_of
from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from radstream.web.accept import Offer

_ENCAPSULATED_UNCOMPRESSED: Final = "1.2.840.10008.1.2.1.98"


@lru_cache(256)
def offers(
    transfer_syntax_uid: str, *, is_encapsulated: bool, may_be_alone: bool, targets: tuple[str, ...] = ()
) -> tuple[Offer, ...]:
    """Return the representations of Pixel Data, the one for ``*/*`` first.

    Native frames, and compressed ones that can be decoded, are sent as octets in the order of Explicit VR Little
    Endian. Compressed frames are sent as they are under their own media type, which ``transfer-syntax=*`` means; and
    in the other `targets`, of which a media type without ``transfer-syntax`` means the first. All of these are also
    ``application/octet-stream`` to whoever names the UID.

    Parameters
    ----------
    may_be_alone : bool
        There is one part only, so that it may be sent without multipart.
    targets : tuple of str
        UIDs of the transfer syntaxes that can be made.
    """
    is_native = not is_encapsulated or transfer_syntax_uid == _ENCAPSULATED_UNCOMPRESSED
    stored = EXPLICIT_VR_LITTLE_ENDIAN if is_native else transfer_syntax_uid
    made = [target for target in targets if target != stored]
    default = [EXPLICIT_VR_LITTLE_ENDIAN] if EXPLICIT_VR_LITTLE_ENDIAN in (stored, *made) else []
    found: list[Offer] = []
    for syntax in dict.fromkeys((*default, stored, *made)):
        is_meant = not any(offer.media_type == media_type_of(syntax) for offer in found)
        found += _of_syntax(syntax, is_stored=syntax == stored, is_meant=is_meant)
    alone = [replace(offer, is_multipart=False) for offer in found] if may_be_alone else []
    return (*found, *alone)


def is_compressed(offer: Offer) -> bool:
    """Tell whether each frame is sent in a part of its own."""
    return offer.transfer_syntax_uid != EXPLICIT_VR_LITTLE_ENDIAN


def _of_syntax(syntax: str, *, is_stored: bool, is_meant: bool) -> list[Offer]:
    """Return what frames in a transfer syntax are called; `is_meant` where the media type alone means it."""
    if syntax == EXPLICIT_VR_LITTLE_ENDIAN:
        return [Offer(OCTET_STREAM, True, syntax, is_stored=is_stored)]
    name, *others = media_types_of(syntax)
    needs = name == OCTET_STREAM or not is_meant
    return [
        Offer(name, True, syntax, tuple(others), needs_transfer_syntax=needs, is_stored=is_stored),
        Offer(name, True, syntax, (OCTET_STREAM,), needs_transfer_syntax=True, is_stored=is_stored),
    ]
