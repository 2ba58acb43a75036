"""The metadata in a request, as DICOM JSON objects. Read whole, and so of limited length."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson

from radstream.contract.errors import MalformedRequest, OversizedRequest
from radstream.dicom.from_xml import from_xml
from radstream.dicom.walk import MOST_PARTS

DICOM_JSON: Final = "application/dicom+json"
DICOM_XML: Final = "application/dicom+xml"

METADATA_LIMIT_BYTES: Final = 16 << 20
"""The metadata of one request that wait for bulk data at a time, as they come."""


async def read_metadata(chunks: AsyncIterator[bytes], most_bytes: int) -> bytes:
    """Return the text of a part.

    Raises
    ------
    OversizedRequest
        If it is longer than `most_bytes`.
    """
    text = bytearray()
    async for chunk in chunks:
        text += chunk
        if len(text) > most_bytes:
            raise OversizedRequest(
                "the metadata is too long: send fewer instances at once, or long values as bulk data"
            )
    return bytes(text)


def parse_metadata(text: bytes, media_type: str) -> list[Any]:
    """Return the objects in the text of a part: one of XML, any number of JSON.

    Raises
    ------
    MalformedRequest
        If the text is not of its media type.
    RejectedInstance
        If the one instance in XML is broken.
    OversizedRequest
        If it has absurdly many elements: each takes more memory than text.
    """
    marks = b"<" if media_type == DICOM_XML else b"[{,"
    if sum(text.count(mark) for mark in marks) > MOST_PARTS:
        raise OversizedRequest("the metadata has too many elements: send fewer instances at once")
    if media_type == DICOM_XML:
        return [from_xml(text)]
    try:
        found = orjson.loads(text.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise MalformedRequest("a part is no well-formed JSON") from error
    if not isinstance(found, list | dict):
        raise MalformedRequest("a part is neither a DICOM JSON object nor an array of such")
    return [found] if isinstance(found, dict) else found
