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
from radstream.dicom.pictures import PICTURES
from radstream.dicom.recognition import Recognized, codestream_place, recognize
from services.ingest.accept import Accepting
from services.ingest.composed import compose
from services.ingest.described import SAMPLES_PER_PIXEL, TRANSFER_SYNTAX_UID, Came, Described
from services.ingest.file import Outcome, accept_data_set
from services.ingest.identity import Origin, Reference
from services.ingest.locations import Base
from services.ingest.metadata import METADATA_LIMIT_BYTES, parse_metadata, read_metadata
from services.ingest.payload import Part
from services.ingest.pictures import Pictures
from services.ingest.spool import Spool, Spooled


@dataclass(eq=False)
class _Shared:
    """A value, and how many instances still need it."""

    value: Spooled
    users: int


@dataclass(frozen=True)
class _Coming:
    """A value on its way to the instances that wait for it: how it came, and what it is if it was a picture."""

    part: Part
    location: str
    shared: _Shared
    head: bytes
    picture: Recognized | None

    def came(self, described: Described) -> Came:
        """Return what it is to an instance; Pixel Data may have its transfer syntax from the part or the metadata."""
        value, part = self.shared.value, self.part
        if self.picture or not described.is_pixel_data(self.location):
            return Came(value, self.picture)
        syntax = part.transfer_syntax_uid
        if not syntax and part.name in media_types_of(named := described.text(TRANSFER_SYNTAX_UID)) != (OCTET_STREAM,):
            syntax = named
        offset, size_bytes = codestream_place(self.head, value.size_bytes)
        recognized = recognize(part.name, syntax, self.head[offset:])
        return Came(value if size_bytes == value.size_bytes else value.part(offset, size_bytes), recognized)


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
    pictures : Pictures
        What decodes PNG and GIF.
    """

    def __init__(self, accepting: Accepting, origin: Origin, cache: BlobStore, base: Base, pictures: Pictures) -> None:
        self._accepting = accepting
        self._origin = origin
        self._base = base
        self._pictures = pictures
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
            value, picture = await self._decoded(part, value, waiting[0].described, location)
        except (RejectedInstance, Unavailable) as error:
            return [await self._forget(each, error) for each in list(waiting)]
        shared = _Shared(value, len(waiting))
        self._kept.add(shared)
        coming = _Coming(part, location, shared, head, picture)
        return [outcome for each in list(waiting) for outcome in await self._came(each, coming)]

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

    async def _decoded(
        self, part: Part, value: Spooled, described: Described, location: str
    ) -> tuple[Spooled, Recognized | None]:
        """Return the pixels in place of a picture, and what they are; else the value as it came."""
        if part.name not in PICTURES or not described.is_pixel_data(location):
            return value, None
        try:
            return await self._pictures.decode(value, part.name, described.number(SAMPLES_PER_PIXEL), self._spool)
        finally:
            await self._spool.drop(value)

    async def _came(self, waiting: _Waiting, coming: _Coming) -> list[Outcome]:
        """Give an instance what it was waiting for."""
        described = waiting.described
        waiting.values.append(coming.shared)
        try:
            described.take(coming.location, coming.came(described))
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


async def _chunks(pieces: Sequence[Piece]) -> AsyncIterator[Buffer]:
    for piece in pieces:
        if isinstance(piece, Spooled):
            async for chunk in piece.stream():
                yield chunk
        else:
            assert isinstance(piece, bytes)  # there is no other kind of value here
            yield piece
