"""Entity tags of instances (RFC 9110 8.8.3): of which stored bytes, in which transfer syntax, made by which of us."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from radstream.catalog.port import Document
from radstream.retrieval.transcoding import VERSION
from radstream.web.accept import Offer


def entity_tag(document: Document, offer: Offer) -> str:
    """Return the tag of an instance alone; a weak one as multipart, whose boundary is another one each time."""
    made = "" if offer.is_stored else f"-{offer.transfer_syntax_uid or 'stream'}-{VERSION}"
    return f'W/"{document["sha256"]}{made}"' if offer.is_multipart else f'"{document["sha256"]}{made}"'


def tag_of_all(parts: Iterable[tuple[Document, Offer]]) -> str:
    """Return the tag of several instances in one answer."""
    digest = hashlib.sha256()
    for document, offer in parts:
        digest.update(f"{offer.media_type} {document['_id']} {entity_tag(document, offer)}".encode())
    return f'W/"{digest.hexdigest()}"'
