"""A whole instance in the transfer syntax that is asked for: its header written anew, then its frames one by one.

Nothing but the header, one frame and the sizes of the others is in memory. Compressed frames are all made before the
first byte is sent, because their offset table stands in front of them; they are read again from what is kept.

PS3.18 asks for the same instance in another transfer syntax, so the SOP Instance UID stays. That frames have lost
something is said by Image Type and Lossy Image Compression, its ratio and method (PS3.3 C.7.6.1.1.2, C.7.6.1.1.5).
"""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from radstream.blobs.port import BlobStore
from radstream.catalog.port import Document
from radstream.contract.errors import NotFound, RejectedInstance, UnsupportedInstance
from radstream.dicom.compressions import COMPRESSIONS
from radstream.dicom.image_pixel import ImagePixel
from radstream.dicom.native import frame_bits
from radstream.dicom.part10 import encode_meta, parse_meta
from radstream.dicom.rewrite import Changes, encode_head, rewrite
from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, encoding_of
from radstream.retrieval.extent import Blob, Extent
from radstream.retrieval.images import Images
from radstream.retrieval.joined import Joined, Made, Octets
from radstream.retrieval.pixel_data import LOSSY, PixelData, Value
from radstream.retrieval.trailing import trailing
from radstream.retrieval.transcoding import Transcoding

AHEAD: Final = 4
"""Frames that are made at the same time."""

_UNDEFINED: Final = 0xFFFFFFFF
_NATIVE_BYTES: Final = 0xFFFFFFFE
_ITEM: Final = b"\xfe\xff\x00\xe0"
_END: Final = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
_OFFSET_TABLES: Final = (0x7FE00001, 0x7FE00002, 0x7FE00003)


@dataclass(frozen=True)
class MadeInstance:
    """An instance in a transfer syntax."""

    transfer_syntax_uid: str
    value: Value
    is_stored: bool


class Instances:
    """Gives instances in any transfer syntax that can be made."""

    def __init__(self, blobs: BlobStore, images: Images, transcoding: Transcoding) -> None:
        self._blobs = blobs
        self._images = images
        self._transcoding = transcoding

    def stored(self, document: Document) -> Value:
        """Return the Part 10 file as it is stored."""
        return Extent(Blob(self._blobs, document["blob_key"]), ((0, document["size_bytes"]),))

    async def wanted(self, document: Document, transfer_syntax_uid: str) -> MadeInstance:
        """Return the instance for who asks for one transfer syntax: "" means the default, ``*`` the stored one.

        What cannot be made in the default one is given as it is stored (PS3.18 8.7.3.4).

        Raises
        ------
        UnsupportedInstance
            If another one is asked for, and cannot be made.
        NotFound, Unavailable
        """
        stored = document["TransferSyntaxUID"]
        if not transfer_syntax_uid:
            return await self.made_or_stored(document, EXPLICIT_VR_LITTLE_ENDIAN)
        target = stored if transfer_syntax_uid == "*" else transfer_syntax_uid
        return MadeInstance(target, await self.instance(document, target), target == stored)

    async def made_or_stored(self, document: Document, target: str) -> MadeInstance:
        """Return the instance in `target`, or as it is stored if that cannot be made."""
        stored = document["TransferSyntaxUID"]
        try:
            return MadeInstance(target, await self.instance(document, target), target == stored)
        except UnsupportedInstance:
            return MadeInstance(stored, self.stored(document), True)

    async def instance(self, document: Document, target: str) -> Value:
        """Return the Part 10 file of the instance whose `document` has `images.FIELDS`, in `target`.

        Raises
        ------
        UnsupportedInstance
            If it cannot be made; the text says why.
        NotFound, Unavailable
        """
        if target == document["TransferSyntaxUID"]:
            return self.stored(document)
        try:
            pixel_data = await self._images.pixel_data(document)
        except NotFound:
            return await self._without_pixels(document, target)
        header = await self._header(document, pixel_data.offset)
        rest = await self._rest(pixel_data)
        if pixel_data.table.is_encapsulated or target != EXPLICIT_VR_LITTLE_ENDIAN:
            return await self._transcoded(document, pixel_data, target, header, rest)
        whole = pixel_data.whole()
        head = self._head(document, target, header, {})
        return Joined([head, *_native(pixel_data, _native_vr(pixel_data), whole), rest])

    async def _without_pixels(self, document: Document, target: str) -> Value:
        """Return an instance that is nothing but header."""
        if target != EXPLICIT_VR_LITTLE_ENDIAN:
            raise UnsupportedInstance("the instance has no frames that could be compressed")
        header = await self._header(document, document["header_bytes"])
        return self._head(document, target, header, {})

    async def _transcoded(
        self, document: Document, pixel_data: PixelData, target: str, header: bytes, rest: Value
    ) -> Value:
        form = self._transcoding.form(pixel_data, target)
        count = pixel_data.table.number_of_frames
        frames = [partial(self._transcoding.frame, document, pixel_data, index, target) for index in range(count)]
        if target == EXPLICIT_VR_LITTLE_ENDIAN:
            await frames[0]()  # that nothing can be decoded shows before anything is sent
            decoded = Joined([Made(frame_bits(form) // 8, frame) for frame in frames])
            vr = "OW" if form.bits_allocated > 8 else "OB"
            head = self._head(document, target, header, _relabelled(form))
            return Joined([head, *_native(pixel_data, vr, decoded), rest])
        sizes = await _sizes(frames)
        changes = _relabelled(form) | _losses(pixel_data, form, target, sum(sizes))
        table, more_changes = _offset_table(sizes)
        items = [Made(8 + size, partial(_item, frame)) for size, frame in zip(sizes, frames, strict=True)]
        head = self._head(document, target, header, {**changes, **more_changes})
        start = Octets(encode_head(0x7FE00010, "OB", _UNDEFINED) + table)
        return Joined([head, start, *items, Octets(_END), rest])

    def _head(self, document: Document, target: str, header: bytes, changes: Changes) -> Octets:
        """Return the file up to Pixel Data."""
        meta = encode_meta(document["SOPClassUID"] or "", document["_id"], target)
        without_tables: Changes = dict.fromkeys(_OFFSET_TABLES)
        try:
            return Octets(meta + rewrite(header, document["TransferSyntaxUID"], {**without_tables, **changes}))
        except RejectedInstance as error:
            raise UnsupportedInstance(f"the header cannot be written in another way: {error}") from error

    async def _header(self, document: Document, end: int) -> bytes:
        """Return the data set up to its Pixel Data, inflated if it was deflated."""
        if encoding_of(document["TransferSyntaxUID"]).is_deflated:
            data = await self._images.inflated(document)
            return data[: end or len(data)]
        if not end:
            raise UnsupportedInstance("the header is too long to be written in another way")
        file = await self._blobs.read(document["blob_key"], 0, end)
        try:
            meta = parse_meta(file + b"\xff\xff")  # two bytes of any other group, where the data set is empty
        except RejectedInstance as error:
            raise UnsupportedInstance(str(error)) from error
        return file[meta.data_set_offset :] if meta is not None else b""

    async def _rest(self, pixel_data: PixelData) -> Value:
        """Return what stands behind Pixel Data: signatures, padding."""
        behind = await trailing(pixel_data)
        try:
            return Octets(rewrite(behind, pixel_data.transfer_syntax_uid) if behind else b"")
        except RejectedInstance:
            return Octets(b"")


async def _sizes(frames: Sequence[partial[Any]]) -> list[int]:
    """Have all frames made, some at a time, and return how long each one is."""
    sizes: list[int] = []
    for start in range(0, len(frames), AHEAD):
        made = await asyncio.gather(*(frame() for frame in frames[start : start + AHEAD]))
        sizes += map(len, made)
    return sizes


async def _item(frame: partial[Any]) -> bytes:
    data: bytes = await frame()
    return _ITEM + struct.pack("<I", len(data)) + data


def _offset_table(sizes: Sequence[int]) -> tuple[bytes, Changes]:
    """Return the item of the Basic Offset Table; an extended one, and an empty item, if it cannot hold the offsets.

    References
    ----------
    PS3.5 A.4 Transfer Syntaxes For Encapsulation of Encoded Pixel Data; PS3.3 C.7.6.3.1.8 Extended Offset Table.
    """
    offsets = [0, *itertools.accumulate(8 + size for size in sizes[:-1])]
    if offsets[-1] <= _UNDEFINED:
        return _ITEM + struct.pack(f"<I{len(sizes)}I", 4 * len(sizes), *offsets), {}
    extended = struct.pack(f"<{len(sizes)}Q", *offsets), struct.pack(f"<{len(sizes)}Q", *sizes)
    return _ITEM + bytes(4), {0x7FE00001: ("OV", extended[0]), 0x7FE00002: ("OV", extended[1])}


def _native(pixel_data: PixelData, vr: str, value: Value) -> list[Value]:
    """Return the element of native Pixel Data with `value`."""
    length = value.size_bytes + value.size_bytes % 2
    if length > _NATIVE_BYTES:
        raise UnsupportedInstance("the Pixel Data is too long for Explicit VR Little Endian")
    return [Octets(encode_head(int(pixel_data.tag, 16), vr, length)), value, Octets(bytes(length - value.size_bytes))]


def _native_vr(pixel_data: PixelData) -> str:
    """Return the VR of native Pixel Data in explicit VR; where it was implicit it was always OW (PS3.5 A.1)."""
    floating = {"7FE00008": "OF", "7FE00009": "OD"}
    return floating.get(pixel_data.tag, "OB" if pixel_data.vr == "OB" else "OW")


def _relabelled(form: ImagePixel) -> dict[int, tuple[str, bytes]]:
    label = form.photometric_interpretation.encode("ascii")
    changes = {0x00280004: ("CS", label + b" " * (len(label) % 2))}
    if form.samples_per_pixel > 1:
        changes[0x00280006] = ("US", struct.pack("<H", form.planar_configuration))
    return changes


def _losses(pixel_data: PixelData, form: ImagePixel, target: str, size_bytes: int) -> dict[int, tuple[str, bytes]]:
    """Return what says that the frames have lost something, after what they had lost before."""
    compression = COMPRESSIONS[target]
    if not compression.is_lossy:
        return {}
    kinds, ratios, methods = (
        [str(value) for value in pixel_data.attributes.get(tag, {}).get("Value") or []] for tag in LOSSY
    )
    native_bytes = frame_bits(form) // 8 * pixel_data.table.number_of_frames
    ratio = f"{native_bytes / max(1, size_bytes):.2f}"
    return {
        0x00080008: ("CS", _text(["DERIVED", *kinds[1:]] if len(kinds) > 1 else ["DERIVED", "PRIMARY"])),
        0x00282110: ("CS", b"01"),
        0x00282112: ("DS", _text([*ratios, ratio])),
        0x00282114: ("CS", _text([*methods, compression.method])),
    }


def _text(values: Sequence[str]) -> bytes:
    text = "\\".join(values).encode("ascii", "replace")
    return text + b" " * (len(text) % 2)
