"""Fetching exactly the header of a blob, and what it says; a data set that nobody can read is a `Reading` with flags.

With the header comes the beginning of the Pixel Data, for its tag, VR and length: one read does for most instances.

Memory is bounded: a header is read whole up to `HEADER_LIMIT_BYTES`, of a longer one only the beginning.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Final, TypeVar

from radstream.blobs.port import BlobStore
from radstream.contract.errors import RejectedInstance
from radstream.contract.events import InstanceEvent
from radstream.dicom.dictionary import PIXEL_DATA_TAGS, standard_vr
from radstream.dicom.elements import ReadElement, read_explicit_little, reader_of, true_reader
from radstream.dicom.frames import build_frame_table
from radstream.dicom.header import HEADER_LIMIT_BYTES, HeaderScanner
from radstream.dicom.inflating import InflatedHeader
from radstream.dicom.json import Header, pixel_data_reference, read_header
from radstream.dicom.part10 import FileMeta, parse_meta
from radstream.dicom.syntaxes import encoding_of
from radstream.dicom.walk import TOO_LONG
from services.index.document import Reading, identified
from services.index.values import Attributes

BEGINNING_BYTES: Final = 4 << 20
"""What is read of a header that is longer than that."""

PIXEL_DATA_HEAD_BYTES: Final = 32
META_BYTES: Final = 1 << 14
FIRST_STEP_BYTES: Final = 1 << 16
LAST_STEP_BYTES: Final = 1 << 22
LONG_BYTES: Final = 1 << 18
"""A longer header is parsed in a thread: it takes more than some milliseconds."""

T = TypeVar("T")


async def read_instance(blobs: BlobStore, event: InstanceEvent) -> Reading:
    """Return what the header of the blob of `event` says.

    Raises
    ------
    RejectedInstance
        If the blob is not the Part 10 file that ingest wrote: the store has damaged it.
    NotFound, Unavailable
        If the blob is not there, or the store does not answer.
    """
    head = await blobs.read(event.blob_key, 0, (event.header_bytes or META_BYTES) + PIXEL_DATA_HEAD_BYTES)
    meta = _meta(head)
    if meta is None:
        raise RejectedInstance("the blob is damaged: its File Meta Information is not what ingest wrote")
    if encoding_of(meta.transfer_syntax_uid).is_deflated:
        return await _read_deflated(blobs, event, meta)
    if event.header_bytes:
        return await _read(blobs, event, meta, head, event.header_bytes)
    header_bytes = await find_header_bytes(blobs, event.blob_key, event.size_bytes, meta)
    head = await blobs.read(event.blob_key, 0, (header_bytes or BEGINNING_BYTES) + PIXEL_DATA_HEAD_BYTES)
    return await _read(blobs, event, meta, head, header_bytes)


async def find_header_bytes(blobs: BlobStore, blob_key: str, size_bytes: int, meta: FileMeta) -> int:
    """Return where the Pixel Data begins in a blob, as `InstanceEvent.header_bytes` has it."""
    if encoding_of(meta.transfer_syntax_uid).is_deflated:
        return 0
    scanner = HeaderScanner(meta.transfer_syntax_uid)
    position, step = meta.data_set_offset, FIRST_STEP_BYTES
    try:
        while position < min(size_bytes, HEADER_LIMIT_BYTES) and not scanner.is_done:
            scanner.feed(await blobs.read(blob_key, position, step))
            position, step = position + step, min(2 * step, LAST_STEP_BYTES)
    except RejectedInstance:
        return 0
    offset = scanner.pixel_data_offset
    header_bytes = size_bytes if offset is None else meta.data_set_offset + offset
    return header_bytes if header_bytes <= HEADER_LIMIT_BYTES else 0


def _meta(head: bytes) -> FileMeta | None:
    try:
        return parse_meta(head)
    except RejectedInstance:
        return None


async def _read_deflated(blobs: BlobStore, event: InstanceEvent, meta: FileMeta) -> Reading:
    """Return the reading of a deflated data set, as far as it can be inflated."""
    syntax = meta.transfer_syntax_uid
    inflated, is_damaged = await _inflate(blobs, event, meta)
    offset = inflated.pixel_data_offset
    data_set = bytes(inflated.data[: BEGINNING_BYTES if inflated.is_too_long else offset])
    try:
        header = await aside(len(data_set), lambda: read_header(data_set, syntax))
    except RejectedInstance:
        return _unreadable(event, syntax, 0, "deflated unreadable")
    attributes = header.attributes
    if offset is not None:
        attributes = attributes | _pixel_data(bytes(inflated.data[offset:]), 0, read_explicit_little)
    flags = dict.fromkeys(header.flags)
    if is_damaged:
        flags["deflated unreadable"] = None
    elif not inflated.is_whole:
        flags[TOO_LONG if inflated.is_too_long else "truncated"] = None
    return Reading(_identified(event, attributes), tuple(flags), syntax, 0, b"")


async def _inflate(blobs: BlobStore, event: InstanceEvent, meta: FileMeta) -> tuple[InflatedHeader, bool]:
    """Return the header of a deflated data set, and whether it is damaged somewhere."""
    inflated = InflatedHeader()
    position = meta.data_set_offset
    try:
        while position < event.size_bytes and not inflated.is_done:
            deflated = await blobs.read(event.blob_key, position, LONG_BYTES)
            await asyncio.to_thread(inflated.feed, deflated)
            position += LONG_BYTES
    except RejectedInstance:
        return inflated, True
    return inflated, False


async def _read(blobs: BlobStore, event: InstanceEvent, meta: FileMeta, head: bytes, header_bytes: int) -> Reading:
    """Return the reading of a blob that begins with `head`; `header_bytes` is 0 if that is not the whole header."""
    syntax = meta.transfer_syntax_uid
    data_set = head[meta.data_set_offset : header_bytes or len(head)]
    try:
        header = await aside(len(data_set), lambda: read_header(data_set, syntax))
    except RejectedInstance:
        return _unreadable(event, syntax, header_bytes, "header unreadable")
    if not header_bytes:
        flags = dict.fromkeys((*header.flags, TOO_LONG))
        return Reading(_identified(event, header.attributes), tuple(flags), syntax, 0, b"")
    frames, frame_flags = await _frames(blobs, event, header, syntax, header_bytes, head)
    read = true_reader(data_set, 0, reader_of(encoding_of(syntax)))
    attributes = header.attributes | _pixel_data(head, header_bytes, read)
    return Reading(_identified(event, attributes), header.flags + frame_flags, syntax, header_bytes, frames)


def _pixel_data(head: bytes, header_bytes: int, read: ReadElement) -> dict[str, dict[str, Any]]:
    """Return the attribute that refers to the Pixel Data, if there is one behind the header."""
    try:
        tag, vr, _, _ = read(head, header_bytes)
    except struct.error:
        return {}
    return pixel_data_reference(tag, vr or standard_vr(tag)) if tag in PIXEL_DATA_TAGS else {}


async def _frames(
    blobs: BlobStore, event: InstanceEvent, header: Header, syntax: str, header_bytes: int, head: bytes
) -> tuple[bytes, tuple[str, ...]]:
    """Return the encoded frame table, empty if there is none, and what is wrong with the Pixel Data."""

    async def read(offset: int, length: int) -> bytes:
        known = head[offset : offset + length]
        return known if len(known) == length else await blobs.read(event.blob_key, offset, length)

    try:
        table = await build_frame_table(header.attributes, syntax, header_bytes, event.size_bytes, read)
    except (RejectedInstance, struct.error):  # struct: a Number of Frames that no table can hold
        return b"", ("7FE00010 frames",)
    return (b"" if table is None else table.encode()), ()


def _identified(event: InstanceEvent, attributes: Attributes) -> Attributes:
    return identified(attributes, event.instance_key, event.sop_class_uid)


def _unreadable(event: InstanceEvent, syntax: str, header_bytes: int, flag: str) -> Reading:
    """Return what is known without the header: an instance is never lost because it cannot be read."""
    return Reading(_identified(event, {}), (flag,), syntax, header_bytes, b"")


async def aside(size_bytes: int, work: Callable[[], T]) -> T:
    """Return what `work` returns; in a thread if there is much to do, so that the loop goes on."""
    return work() if size_bytes <= LONG_BYTES else await asyncio.to_thread(work)
