"""Which of the representations on offer a client gets: the `accept` query parameter first, then the Accept header.

References
----------
PS3.18 8.3.3.1 (query parameter), 8.7.3 (DICOM media types), 8.7.8 (selection); RFC 9110 12.5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from starlette.requests import Request

from radstream.contract.errors import UnsupportedInstance
from radstream.web.media_types import MediaType, parse_media_types
from radstream.web.parameters import may_have, parameters_of

MAX_RANGES = 64
"""Media ranges of one request that are looked at; the rest of an absurd list is ignored."""

_ANYTHING = MediaType("*/*")


@dataclass(frozen=True)
class Offer:
    """One representation that can be sent.

    Parameters
    ----------
    media_type : str
        Of the payload, or of each part; what the answer says.
    is_multipart : bool
        Sent as multipart/related.
    transfer_syntax_uid : str
        Empty if the media type has no such parameter.
    other_names : tuple of str
        Media types by which it may be asked for too.
    needs_transfer_syntax : bool
        Not what a client means that names its media type without a ``transfer-syntax`` parameter.
    is_stored : bool
        What ``transfer-syntax=*`` means first of all: nothing has to be made for it.
    """

    media_type: str
    is_multipart: bool = False
    transfer_syntax_uid: str = ""
    other_names: tuple[str, ...] = ()
    needs_transfer_syntax: bool = False
    is_stored: bool = False

    def __str__(self) -> str:
        syntax = f"; transfer-syntax={self.transfer_syntax_uid}" if self.transfer_syntax_uid else ""
        return f'multipart/related; type="{self.media_type}"{syntax}' if self.is_multipart else self.media_type + syntax


def accepted(request: Request) -> list[list[MediaType]]:
    """Return the media ranges of the query parameter and of the header, each in order of preference.

    Raises
    ------
    MalformedRequest
        If either cannot be read.
    """
    return _ranges(_texts(request))


def _ranges(texts: tuple[str, str]) -> list[list[MediaType]]:
    return [parse_accept(text) for text in texts if text.strip()] or [[_ANYTHING]]


def _texts(request: Request) -> tuple[str, str]:
    """Return what the query parameter and the header say."""
    named = parameters_of(request) if may_have(request, "accept") else []
    headers = [value.decode("latin-1") for name, value in request.scope["headers"] if name == b"accept"]
    return ",".join(value for name, value in named if name == "accept"), ",".join(headers)


def parse_accept(text: str) -> list[MediaType]:
    """Return the media ranges of `text`, the most wanted first; equally wanted ones stay in their order.

    Raises
    ------
    MalformedRequest
        If it is no list of media ranges.
    """
    return list(_parsed(text))


@lru_cache(256)  # a client says the same each time
def _parsed(text: str) -> tuple[MediaType, ...]:
    return tuple(sorted(parse_media_types(text)[:MAX_RANGES], key=lambda wanted: -weight(wanted)))


def choose(request: Request, offers: Sequence[Offer]) -> Offer:
    """Return the offer that the client likes best; of those it likes equally, the one that stands first.

    Raises
    ------
    UnsupportedInstance
        (406) If it accepts none of them; the text lists them.
    MalformedRequest
        If what it accepts cannot be read.
    """
    return _chosen(_texts(request), tuple(offers))


@lru_cache(1024)  # a client says the same each time
def _chosen(texts: tuple[str, str], offers: tuple[Offer, ...]) -> Offer:
    return choose_of(_ranges(texts), offers)


def choose_of(accepted_ranges: Sequence[Sequence[MediaType]], offers: Sequence[Offer]) -> Offer:
    """Return the best offer by several lists of media ranges, the first of which counts first; errors as of `choose`.

    Parameters
    ----------
    accepted_ranges : sequence of sequence of MediaType
        Each in order of preference, see `parse_accept`.
    """
    for ranges in accepted_ranges:
        refused = [unwanted for unwanted in ranges if weight(unwanted) == 0 and unwanted.name != "*/*"]
        left = [offer for offer in offers if not any(fits(unwanted, offer) for unwanted in refused)]
        for wanted in ranges:
            fitting = [offer for offer in left if weight(wanted) > 0 and fits(wanted, offer)]
            if fitting:
                return _preferred(wanted, fitting)
    listed = ", ".join(dict.fromkeys(map(str, offers)))
    raise UnsupportedInstance(f"nothing that the client accepts can be made of this; there is: {listed}")


def _preferred(wanted: MediaType, fitting: Sequence[Offer]) -> Offer:
    stored = [offer for offer in fitting if offer.is_stored]
    return stored[0] if stored and wanted.parameters.get("transfer-syntax") == "*" else fitting[0]


def fits(wanted: MediaType, offer: Offer) -> bool:
    """Tell whether `offer` is something that the media range `wanted` means."""
    name, is_multipart = wanted.name, None if wanted.name == "*/*" else False
    if name in {"multipart/related", "multipart/*"}:
        name, is_multipart = wanted.parameters.get("type", "*/*").lower(), True
    if is_multipart not in {None, offer.is_multipart}:
        return False
    return _names(name, offer) and _has_syntax(wanted, offer)


def _names(name: str, offer: Offer) -> bool:
    kind, _, subtype = name.partition("/")
    if subtype == "*":
        return kind in {"*", offer.media_type.partition("/")[0]}
    return name == offer.media_type.lower() or name in offer.other_names


def _has_syntax(wanted: MediaType, offer: Offer) -> bool:
    """Tell whether the transfer syntax that was asked for, or meant by saying nothing, is the offered one."""
    asked_for = wanted.parameters.get("transfer-syntax", "")
    if not asked_for:
        return not offer.needs_transfer_syntax
    return asked_for in {"*", offer.transfer_syntax_uid}


def weight(wanted: MediaType) -> float:
    """Return the weight of a media range, 0 to 1; one that cannot be read counts as 1 (RFC 9110 12.4.2)."""
    text = wanted.parameters.get("q", "1")
    return min(float(text), 1.0) if text.replace(".", "", 1).isdecimal() and text.isascii() else 1.0
