"""The bytes of one data set on their way into the blob store: read as they pass, never altered.

Nothing reaches the store before the SOP Class and Instance UID are known, since the meta group in front of the data
set names them; they stand at its start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from radstream.blobs.port import BlobInfo, BlobStore, BlobWriter, Buffer, Stored
from radstream.contract.blob_keys import InstanceKey
from radstream.contract.errors import RadstreamError, RejectedInstance
from radstream.contract.uids import parse_uid
from radstream.dicom.header import HEADER_LIMIT_BYTES, HeaderScanner
from radstream.dicom.part10 import encode_meta, parse_meta
from radstream.dicom.syntaxes import encoding_of
from services.ingest.identity import (
    MISMATCH,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    Identity,
    Reference,
    identity_in,
    reference_in,
)

HELD_LIMIT_BYTES: Final = 1 << 20
"""How much is held until the SOP Class and Instance UID are known; they stand within the first kilobyte or two."""

TOO_LONG: Final = 0xA700
"""Refused: out of resources (PS3.4 B.2.3). Nothing is wrong with the data set, and who sets the limit may raise it."""

META_READ_BYTES: Final = 4096
"""More than any meta group that `encode_meta` writes."""


@dataclass(frozen=True)
class Kept:
    """A data set that is durable in the blob store.

    Parameters
    ----------
    info : BlobInfo
    is_new : bool
        False if the same bytes were there before.
    sha256 : str
        Of the data set.
    transfer_syntax_uid : str
        That the blob names.
    header_bytes : int
        As in `InstanceEvent`.
    """

    identity: Identity
    info: BlobInfo
    is_new: bool
    sha256: str
    transfer_syntax_uid: str
    header_bytes: int


class Arrival:
    """One data set that is arriving; exactly one of `keep` and `drop` ends it, `drop` may follow either.

    Parameters
    ----------
    transfer_syntax_uid : str
        That it is encoded in.
    max_bytes : int
        A longer one is refused.

    Attributes
    ----------
    refusal : RadstreamError or None
        Why it cannot be kept, as soon as that is known; what comes after is forgotten.
    """

    def __init__(self, blobs: BlobStore, transfer_syntax_uid: str, max_bytes: int) -> None:
        self.refusal: RadstreamError | None = None
        self._blobs = blobs
        self._transfer_syntax_uid = transfer_syntax_uid
        self._left_bytes = max_bytes
        self._scanner = HeaderScanner(transfer_syntax_uid)
        self._held = bytearray()
        self._prefix = b""
        self._writer: BlobWriter | None = None
        self._placed: BlobWriter | None = None

    @property
    def reference(self) -> Reference | None:
        """The SOP Class and Instance UID, None as long as they are not known."""
        try:
            return reference_in(self._scanner.values)
        except RejectedInstance:
            return None

    def write(self, data: Buffer) -> None:
        """Take the next bytes; errors become the `refusal`."""
        if self.refusal is None:
            try:
                self._take(data)
            except RadstreamError as error:
                self._refuse(error)

    async def drain(self) -> None:
        """Wait until the blob store can take more; errors become the `refusal`."""
        if self.refusal is None and self._writer is not None:
            try:
                await self._writer.drain()
            except RadstreamError as error:
                self._refuse(error)
        if self.refusal is not None:
            await self.drop()

    def complete(self) -> Identity:
        """Return which instance it is, now that all bytes are here.

        Raises
        ------
        RejectedInstance, Unavailable
            The `refusal`, or what only the end shows: a missing UID, a header that ends inside an element.
        """
        if self.refusal is not None:
            raise self.refusal
        self._scanner.finish()
        if self._writer is None:
            self._open_if_known()
        return identity_in(self._scanner.values)

    async def keep(self, site: str, identity: Identity) -> Kept:
        """Make the data set durable and give it its key; that the key is durable too, `settle` says.

        Raises
        ------
        Unavailable
            If the blob store cannot take it; nothing is visible.
        """
        writer, self._writer = self._writer, None
        assert writer is not None  # opened at the latest by `complete`, which raises if there is no identity
        self._placed = writer
        place = (identity.study_instance_uid, identity.series_instance_uid, identity.sop_instance_uid)
        stored = await writer.place(lambda sha256: str(InstanceKey(site, *place, sha256)))
        syntax, header_bytes = await self._layout(stored)
        return Kept(identity, stored.info, stored.created, stored.sha256, syntax, header_bytes)

    async def settle(self) -> None:
        """Wait, after `keep`, until the key is durable too.

        Raises
        ------
        Unavailable
            If that is not known.
        """
        assert self._placed is not None
        await self._placed.settle()

    async def drop(self) -> None:
        """Forget what is not kept yet."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.abort()

    def _take(self, data: Buffer) -> None:
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise RejectedInstance("the data set is longer than is stored here", TOO_LONG)
        self._scanner.feed(data)
        if self._writer is None and not self._open_if_known():
            self._hold(data)
        elif self._writer is not None:
            self._writer.write(data)

    def _hold(self, data: Buffer) -> None:
        if self._scanner.is_done or len(self._held) + len(data) > HELD_LIMIT_BYTES:
            raise RejectedInstance("no SOP Class and SOP Instance UID at the start of the data set", MISMATCH)
        self._held += data

    def _open_if_known(self) -> bool:
        """Begin the blob, with what was held until now, as soon as its meta group can be written."""
        if not {SOP_CLASS_UID, SOP_INSTANCE_UID} <= self._scanner.values.keys():
            return False
        reference = reference_in(self._scanner.values)
        syntax = parse_uid(self._transfer_syntax_uid)
        self._prefix = encode_meta(reference.sop_class_uid, reference.sop_instance_uid, syntax)
        self._writer = self._blobs.writer(prefix=self._prefix)
        self._writer.write(self._held)
        self._held = bytearray()
        return True

    async def _layout(self, stored: Stored) -> tuple[str, int]:
        """Return the transfer syntax that the blob in the store names, and the length of its header."""
        if not stored.created:  # the first one's meta group stays, even if it named another transfer syntax
            meta = parse_meta(await self._blobs.read(stored.info.key, 0, META_READ_BYTES))
            if meta is not None and meta.transfer_syntax_uid != self._transfer_syntax_uid:
                return meta.transfer_syntax_uid, 0
        return self._transfer_syntax_uid, self._header_bytes(stored.info.size_bytes)

    def _header_bytes(self, size_bytes: int) -> int:
        if encoding_of(self._transfer_syntax_uid).is_deflated:
            return 0
        offset = self._scanner.pixel_data_offset
        header_bytes = size_bytes if offset is None else len(self._prefix) + offset
        return header_bytes if header_bytes <= HEADER_LIMIT_BYTES else 0

    def _refuse(self, error: RadstreamError) -> None:
        self.refusal = error
        self._held = bytearray()
