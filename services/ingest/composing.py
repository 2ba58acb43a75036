"""Instances that come as metadata and bulk data, in parts of their own: put together, and taken in when whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from radstream.blobs.port import BlobStore, Buffer
from radstream.contract.errors import RadstreamError, RejectedInstance, Unavailable
from radstream.dicom.from_json import Piece
from radstream.dicom.media import OCTET_STREAM, media_types_of
from radstream.dicom.recognition import codestream_place, recognize
from services.ingest.accept import Accepting
from services.ingest.composed import compose
from services.ingest.described import TRANSFER_SYNTAX_UID, Came, Described
from services.ingest.file import Outcome, accept_data_set
from services.ingest.identity import Origin, Reference
from services.ingest.locations import Base
from services.ingest.metadata import METADATA_LIMIT_BYTES, parse_metadata, read_metadata
from services.ingest.payload import Part
from services.ingest.spool import Spool, Spooled


@dataclass(eq=False)
class _Shared:
    """A value, and how many instances still need it."""

    value: Spooled
    users: int


@dataclass(eq=False)
class _Waiting:
    """A described instance, what of the limit its metadata takes, and the values it holds."""

    described: Described
    size_bytes: int
    values: list[_Shared] = field(default_factory=list)


class Composing:
    """The described instances of one request.

    Each is taken in as soon as all that its metadata refers to has come, so that little waits at a time. Bulk data
    comes after the metadata that refers to it, in any order.

    Parameters
    ----------
    cache : BlobStore
        Where long values wait.
    base : Base
        What locations are relative to.
    """

    def __init__(self, accepting: Accepting, origin: Origin, cache: BlobStore, base: Base) -> None:
        self._accepting = accepting
        self._origin = origin
        self._base = base
        self._spool = Spool(cache, accepting.site, accepting.max_instance_bytes)
        self._left_bytes = METADATA_LIMIT_BYTES
        self._waiting: dict[str, list[_Waiting]] = {}
        self._kept: set[_Shared] = set()

    async def describe(self, part: Part) -> list[Outcome]:
        """Take metadata, and return what became of the instances that need nothing else.

        Raises
        ------
        MalformedRequest, OversizedRequest
            If the part is not of its media type, or more metadata waits than is held.
        """
        text = await read_metadata(part.chunks, self._left_bytes)
        try:
            found = await asyncio.to_thread(_described, text, part.name, self._base)
        except RejectedInstance as error:
            return [self._refused(None, error)]
        share = len(text) // max(1, len(found))
        return [outcome for each in found for outcome in await self._await(each, share)]

    async def take(self, part: Part) -> list[Outcome]:
        """Take bulk data, and return what became of the instances that were waiting for nothing else.

        Returns
        -------
        list of Outcome
            Or why the part is of no use: nothing refers to it, or it cannot be stored. Whatever its chunks raise goes
            through.
        """
        location = next((each for each in self._base.locations(part.headers) if each in self._waiting), None)
        if part.is_encoded:
            return [self._refused(None, RejectedInstance("a part is encoded for transfer"))]
        if location is None:
            return [self._refused(None, RejectedInstance("a part is bulk data that no metadata before it refers to"))]
        waiting = self._waiting[location]
        try:
            value, head = await self._spool.keep(part.chunks)
        except (RejectedInstance, Unavailable) as error:
            return [await self._forget(each, error) for each in list(waiting)]
        shared = _Shared(value, len(waiting))
        self._kept.add(shared)
        return [outcome for each in list(waiting) for outcome in await self._came(each, location, part, shared, head)]

    async def finish(self) -> list[Outcome]:
        """Return what became of the instances that are still waiting: some of their bulk data is not there."""
        left = {id(each): each for waiting in self._waiting.values() for each in waiting}
        return [await self._store(each) for each in left.values()]

    async def close(self) -> None:
        """Forget all values that are still held."""
        for shared in self._kept:
            await self._spool.drop(shared.value)

    async def _await(self, described: Described | None, share_bytes: int) -> list[Outcome]:
        """Wait for the bulk data of an instance, if it has any."""
        if described is None:
            return [self._refused(None, RejectedInstance("an instance is no DICOM JSON object"))]
        waiting = _Waiting(described, share_bytes)
        self._left_bytes -= share_bytes
        for location in waiting.described.tags:
            self._waiting.setdefault(location, []).append(waiting)
        return [await self._store(waiting)] if waiting.described.is_complete else []

    async def _came(self, waiting: _Waiting, location: str, part: Part, shared: _Shared, head: bytes) -> list[Outcome]:
        """Give an instance what it was waiting for."""
        described, value = waiting.described, shared.value
        waiting.values.append(shared)
        try:
            came = _recognized(part, value, head, described) if described.is_pixel_data(location) else Came(value)
            described.take(location, came)
        except RejectedInstance as error:
            return [await self._forget(waiting, error)]
        return [await self._store(waiting)] if described.is_complete else []

    async def _store(self, waiting: _Waiting) -> Outcome:
        """Take an instance in, or say why it is not."""
        described = waiting.described
        self._leave(waiting)
        try:
            composed = await asyncio.to_thread(compose, described, datetime.now(UTC))
            origin = replace(self._origin, transfer_syntax_uid=composed.transfer_syntax_uid)
            outcome = await accept_data_set(self._accepting, origin, _chunks(composed.pieces))
            return replace(outcome, reference=outcome.reference or described.reference, warning=composed.warning)
        except RejectedInstance as error:
            return self._refused(described.reference, error)
        finally:
            await self._release(waiting)

    async def _forget(self, waiting: _Waiting, error: RadstreamError) -> Outcome:
        """Refuse an instance, some of whose bulk data is of no use."""
        self._leave(waiting)
        await self._release(waiting)
        return self._refused(waiting.described.reference, error)

    def _leave(self, waiting: _Waiting) -> None:
        """Note that an instance waits no more."""
        self._left_bytes += waiting.size_bytes
        for location in waiting.described.tags:
            others = self._waiting[location]
            others.remove(waiting)
            if not others:
                del self._waiting[location]

    async def _release(self, waiting: _Waiting) -> None:
        """Drop the values that nobody needs but this instance."""
        for shared in waiting.values:
            shared.users -= 1
            if not shared.users:
                self._kept.discard(shared)
                await self._spool.drop(shared.value)

    def _refused(self, reference: Reference | None, error: RadstreamError) -> Outcome:
        self._accepting.count_refusal(self._origin, error)
        return Outcome(reference, error=error)


def _described(text: bytes, media_type: str, base: Base) -> list[Described | None]:
    """Return the instances in a text, None for what is no object; errors as of `parse_metadata`."""
    return [Described(each, base) if isinstance(each, dict) else None for each in parse_metadata(text, media_type)]


def _recognized(part: Part, value: Spooled, head: bytes, described: Described) -> Came:
    """Return Pixel Data and what it is; its transfer syntax may be named by the part or by the metadata."""
    syntax = part.transfer_syntax_uid
    if not syntax and part.name in media_types_of(named := described.text(TRANSFER_SYNTAX_UID)) != (OCTET_STREAM,):
        syntax = named
    offset, size_bytes = codestream_place(head, value.size_bytes)
    recognized = recognize(part.name, syntax, head[offset:])
    return Came(value if size_bytes == value.size_bytes else value.part(offset, size_bytes), recognized)


async def _chunks(pieces: Sequence[Piece]) -> AsyncIterator[Buffer]:
    for piece in pieces:
        if isinstance(piece, Spooled):
            async for chunk in piece.stream():
                yield chunk
        else:
            assert isinstance(piece, bytes)  # there is no other kind of value here
            yield piece
