"""A Part 10 file on its way in: its meta group says the transfer syntax, the rest is the data set.

The meta group itself is not kept: the blob has one of our own, and where the two disagree the data set is right.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

from radstream.blobs.port import Buffer
from radstream.contract.errors import RejectedInstance, Unavailable, UnsupportedInstance
from radstream.contract.uids import parse_uid
from radstream.dicom.part10 import FileMeta, parse_meta
from services.ingest.accept import Acceptance, Accepted, Accepting
from services.ingest.identity import Origin, Reference

HEAD_LIMIT_BYTES: Final = 1 << 20
"""How much is held until the meta group is complete; it seldom has more than 500 bytes."""


@dataclass(frozen=True)
class Outcome:
    """What became of a file: accepted, or refused with an error.

    Parameters
    ----------
    reference : Reference or None
        The instance, as far as it is known.
    warning : int
        The Warning Reason (PS3.18 table I.2-1) of one that is accepted; 0 if there is none.
    """

    reference: Reference | None
    accepted: Accepted | None = None
    error: Exception | None = None
    warning: int = 0


async def accept_file(accepting: Accepting, origin: Origin, chunks: AsyncIterator[Buffer]) -> Outcome:
    """Take in a Part 10 file (PS3.10 7.1) that comes in `chunks`; stops reading them once it is refused.

    Parameters
    ----------
    origin : Origin
        Its transfer syntax is replaced by that of the file.

    Returns
    -------
    Outcome
        With the error, if the instance or the blob store was at fault. Any other error, such as one of `chunks`
        itself, goes through to the caller, and nothing is stored.
    """
    try:
        meta, head = await _read_meta(chunks)
    except (RejectedInstance, UnsupportedInstance) as error:
        accepting.count_refusal(origin, error)
        return Outcome(None, error=error)
    origin = replace(origin, transfer_syntax_uid=meta.transfer_syntax_uid)
    return await accept_data_set(accepting, origin, _joined(memoryview(head)[meta.data_set_offset :], chunks))


async def accept_data_set(accepting: Accepting, origin: Origin, chunks: AsyncIterator[Buffer]) -> Outcome:
    """Take in a data set that comes in `chunks`, as `accept_file`; its transfer syntax is that of `origin`."""
    acceptance = accepting.begin(origin)
    try:
        await _feed(acceptance, chunks)
        accepted = await acceptance.finish()
    except (RejectedInstance, UnsupportedInstance, Unavailable) as error:
        return Outcome(acceptance.reference, error=error)
    finally:
        await acceptance.abort()
    return Outcome(acceptance.reference, accepted)


async def _read_meta(chunks: AsyncIterator[Buffer]) -> tuple[FileMeta, bytearray]:
    """Return the meta group, and all that was read until it was complete."""
    head = bytearray()
    async for chunk in chunks:
        head += chunk
        meta = parse_meta(head)
        if meta is not None:
            return _usable(meta), head
        if len(head) > HEAD_LIMIT_BYTES:
            break
    raise RejectedInstance("not a Part 10 file: its File Meta Information does not end")


def _usable(meta: FileMeta) -> FileMeta:
    """Return `meta` if it says how the data set is encoded; guessing may be wrong, and would be kept for ever."""
    try:
        parse_uid(meta.transfer_syntax_uid)
    except RejectedInstance as error:
        raise RejectedInstance("the file does not say its transfer syntax") from error
    return meta


async def _joined(first: Buffer, chunks: AsyncIterator[Buffer]) -> AsyncIterator[Buffer]:
    yield first
    async for chunk in chunks:
        yield chunk


async def _feed(acceptance: Acceptance, chunks: AsyncIterator[Buffer]) -> None:
    async for chunk in chunks:
        if acceptance.is_refused:
            return
        acceptance.write(chunk)
        await acceptance.drain()
