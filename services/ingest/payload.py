"""The parts of a Store request, whichever media type it is of (PS3.18 10.5.1.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from radstream.contract.errors import MalformedRequest
from radstream.web.media_types import MediaType, parse_media_type
from radstream.web.multipart import boundary_of, parts
from services.ingest.metadata import DICOM_JSON, DICOM_XML

DICOM: Final = "application/dicom"

STORED: Final = (DICOM, DICOM_JSON, DICOM_XML)
"""Media types of a request: one instance, or metadata, alone, or in parts with others of any kind."""

_PLAIN: Final = frozenset({"", "7bit", "8bit", "binary", "identity"})


@dataclass(frozen=True)
class Part:
    """A part of the request, or the whole of one that has no parts.

    Parameters
    ----------
    media_type : MediaType or None
        None if it cannot be read.
    chunks : async iterator of bytes
        What it holds.
    headers : dict of str to str
        Names in lower case.
    """

    media_type: MediaType | None
    chunks: AsyncIterator[bytes]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its media type without parameters, empty if it cannot be read."""
        return self.media_type.name if self.media_type else ""

    @property
    def transfer_syntax_uid(self) -> str:
        """That its media type names; empty if it does not."""
        return self.media_type.parameters.get("transfer-syntax", "") if self.media_type else ""

    @property
    def is_encoded(self) -> bool:
        """Whether its bytes are not what is meant: base64, for example, which HTTP has no need of."""
        encodings = (self.headers.get(name, "") for name in ("content-transfer-encoding", "content-encoding"))
        return any(encoding.strip().lower() not in _PLAIN for encoding in encodings)


def parts_of(request: Request) -> AsyncIterator[Part] | None:
    """Return the parts of a request, or None if it is of a type that cannot be stored.

    Raises
    ------
    MalformedRequest
        If it has no usable boundary.
    """
    content_type = request.headers.get("content-type", "")
    media_type = _media_type(content_type)
    if media_type is None:
        return None
    if media_type.name in STORED:
        return _alone(request, media_type)
    kind = media_type.parameters.get("type", DICOM).lower()
    if media_type.name == "multipart/related" and kind in STORED:
        return _related(request, boundary_of(content_type), kind)
    return None


def _media_type(text: str) -> MediaType | None:
    try:
        return parse_media_type(text)
    except MalformedRequest:
        return None


async def _alone(request: Request, media_type: MediaType) -> AsyncIterator[Part]:
    yield Part(media_type, _not_empty(request.stream()))


async def _related(request: Request, boundary: str, kind: str) -> AsyncIterator[Part]:
    """Yield the parts; one that does not say its media type is of the `kind` of the whole."""
    async for part in parts(request.stream(), boundary):
        yield Part(_media_type(part.headers.get("content-type", kind)), part.stream(), part.headers)


async def _not_empty(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    is_empty = True
    async for chunk in body:
        is_empty = is_empty and not chunk
        yield chunk
    if is_empty:
        raise MalformedRequest("the request is empty")
