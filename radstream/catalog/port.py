"""The catalog as every service sees it: documents in collections, found by their declared fields.

An adapter promises: `apply` is durable on return and atomic per document, every operation may be repeated without
further effect, and a document has exactly the fields that its collection declares (a missing one reads as None, a
missing list as []). The key is unique. Finding by an indexed field does not slow down as the collection grows.

The key is a text field like others, named ``_id``: it may be asked for in `fields`, matched by every predicate and
sorted by. In what is written it is passed over; the key of the operation counts.

Any Unicode text is kept as it is, NUL and noncharacters included. A value that its field cannot keep (of another kind,
an integer of more than 64 bits, a lone surrogate) is refused when written; when asked for, no document has it.
Text sorts by its code points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from radstream.catalog.filters import Predicate

Document = dict[str, Any]
"""The key as ``_id`` and the fields that were asked for. Values: str, int, list of str, bytes, None."""


@dataclass(frozen=True)
class Put:
    """Store `document` under `key`, replacing what is there."""

    collection: str
    key: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class PutEarliest:
    """Write the fields in `document` under `key` unless a document with a smaller ``order`` is there; atomic.

    Fields not in `document` keep their values, so that computed ones survive. The collection must declare the text
    field ``order``. If it declares the list field ``others`` too, the ``order`` of whichever of two different ones
    loses is added to the ``others`` of the one that stays (once, sorted). So the outcome is the same in whatever order
    documents with the same fields arrive, and however often. Of two with the same ``order`` the later arrival stays:
    it is the same instance, read again.
    """

    collection: str
    key: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Set:
    """Change some `fields` of the document under `key`; no effect if there is none."""

    collection: str
    key: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Delete:
    """Remove the document under `key`; no effect if there is none."""

    collection: str
    key: str


Operation = Put | PutEarliest | Set | Delete


class Catalog(Protocol):
    """The catalog."""

    async def create_collections(self) -> None:
        """Make sure that every collection and index of `contract.documents` exists; idempotent, adds new fields."""

    async def apply(self, operations: Sequence[Operation]) -> None:
        """Carry out `operations` in order; all are durable on return.

        Raises
        ------
        Unavailable
            If not all of them could be made durable. Some may have been: apply them again.
        TypeError, ValueError
            If one of them does not fit its collection, or there is no such collection; none is carried out.
        """

    async def find(
        self,
        collection: str,
        where: Predicate,
        *,
        fields: Sequence[str],
        sort: Sequence[str] = (),
        skip: int = 0,
        limit: int | None = None,
    ) -> list[Document]:
        """Return the documents for which `where` holds, with ``_id`` and `fields`.

        Parameters
        ----------
        sort : sequence of str
            Names of text or integer fields, "-name" for descending; None sorts first when ascending. The key is always
            the last one, so that pages neither overlap nor leave gaps.

        Raises
        ------
        Unavailable
        MalformedRequest
            If a pattern is longer than 1024 characters, or a bound of a range is no Unicode text.
        ValueError
            If there is no such collection or field, the field is of a kind that the predicate or the sort is not for,
            or `skip` or `limit` is negative.
        """

    async def count(self, collection: str, where: Predicate) -> int:
        """Return for how many documents `where` holds; errors as of `find`."""

    async def check(self) -> None:
        """Return if the catalog answers; raise `Unavailable` if not."""

    async def close(self) -> None:
        """Release everything."""
