"""Instances as they are stored, in Part 10 files or blobs, on their way to a peer: as a stream, never whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from radstream.contract.errors import RejectedInstance
from radstream.dicom.header import HeaderScanner
from radstream.dicom.part10 import FileMeta, parse_meta

_SOP_CLASS_UID: Final = 0x00080016
_SOP_INSTANCE_UID: Final = 0x00080018
_IDENTITY: Final = frozenset({_SOP_CLASS_UID, _SOP_INSTANCE_UID})


@dataclass(frozen=True)
class StoredInstance:
    """An instance whose Part 10 file can be read from its beginning, as often as need be; an `Outgoing`.

    Parameters
    ----------
    part10 : callable
        Returns the file in pieces of any size, such as ``partial(blobs.stream, key)``.
    priority : int
        0 medium, 1 high, 2 low (PS3.7 9.1.1.1.5).
    move_originator : (str, int), optional
        AE title and Message ID of the C-MOVE that this is a part of.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    part10: Callable[[], AsyncGenerator[bytes, None] | AsyncIterator[bytes]] = field(repr=False)
    priority: int = 0
    move_originator: tuple[str, int] | None = None

    async def open(self) -> AsyncGenerator[bytes, None]:
        """Yield the data set; raise `RejectedInstance` if there is none, and what the file's reader raises."""
        async with aclosing(_as_generator(self.part10())) as chunks:
            meta, rest = await _read_meta(chunks)
            yield rest[meta.data_set_offset :]
            async for chunk in chunks:
                yield chunk


async def stored_instance(part10: Callable[[], AsyncIterator[bytes]]) -> StoredInstance:
    """Return the instance in a file, as its data set names it: the meta group of a file that was changed may not.

    Raises
    ------
    RejectedInstance
        If this is no Part 10 file, or it does not say what it is.
    """
    async with aclosing(_as_generator(part10())) as chunks:
        meta, rest = await _read_meta(chunks)
        scanner = HeaderScanner(meta.transfer_syntax_uid)
        scanner.feed(memoryview(rest)[meta.data_set_offset :])
        while not scanner.is_done and not scanner.values.keys() >= _IDENTITY and (chunk := await anext(chunks, b"")):
            scanner.feed(chunk)
    sop_class_uid, sop_instance_uid = (
        scanner.values.get(tag, b"").decode("latin-1") for tag in (_SOP_CLASS_UID, _SOP_INSTANCE_UID)
    )
    if not (sop_class_uid and sop_instance_uid and meta.transfer_syntax_uid):
        raise RejectedInstance("the file does not say what the instance is")
    return StoredInstance(sop_class_uid, sop_instance_uid, meta.transfer_syntax_uid, part10)


async def _read_meta(chunks: AsyncIterator[bytes]) -> tuple[FileMeta, bytes]:
    """Return the meta group, and everything that was read to find its end."""
    head = b""
    async for chunk in chunks:
        head = head + chunk if head else chunk
        meta = parse_meta(head)
        if meta is not None:
            return meta, head
    raise RejectedInstance("the file ends before its data set")


async def _as_generator(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield `chunks`, and close what they come from when closed."""
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
