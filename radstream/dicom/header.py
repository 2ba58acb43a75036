"""Finds, while the bytes of a data set arrive, its UIDs and where its Pixel Data begins. Memory does not grow."""

from __future__ import annotations

from typing import Final

from radstream.contract.errors import RejectedInstance
from radstream.dicom.deflate import Inflater
from radstream.dicom.elements import Buffer, reader_of
from radstream.dicom.structure import WANTED_TAGS, Structure
from radstream.dicom.syntaxes import encoding_of

HEADER_LIMIT_BYTES: Final = 64 << 20
"""Of a header longer than this nobody reads more than the beginning; ingest announces its length as unknown."""

_PIECE_BYTES = 1 << 16
_INFLATED_LIMIT_BYTES: Final = 1 << 24  # the UIDs are in groups 0008 and 0020: long before this


class HeaderScanner:
    """Reads a data set in pieces of any size, up to its Pixel Data.

    What is wrong inside a value of defined length ends with it; elements out of order are fine; of an attribute that
    comes twice the first counts, as in `radstream.dicom.json`.

    Parameters
    ----------
    transfer_syntax_uid : str

    Attributes
    ----------
    is_done : bool
        Pixel Data was reached, or, in a deflated data set, all UIDs were found.
    pixel_data_offset : int or None
        Offset in bytes of the Pixel Data element (also Float and Double Float) in the data set; None as long as it was
        not reached, and always in a deflated data set.
    values : dict of int to bytes
        By tag, the UIDs of SOP Class, SOP Instance, Study and Series (not those inside of sequences), without padding,
        not checked; at most 256 bytes each.

    References
    ----------
    PS3.5 7 The Data Set.
    """

    def __init__(self, transfer_syntax_uid: str) -> None:
        encoding = encoding_of(transfer_syntax_uid)
        self.is_done = False
        self.pixel_data_offset: int | None = None
        self._structure = Structure(reader_of(encoding))
        self._inflater = Inflater() if encoding.is_deflated else None
        self._offset = 0  # of the first byte that is not parsed yet, in the (inflated) data set
        self._rest = b""  # the bytes from there on: too few to be parsed
        self._skip = 0  # how many bytes from there on are of no interest

    @property
    def values(self) -> dict[int, bytes]:
        """The UIDs found so far."""
        return self._structure.values

    def feed(self, data: Buffer) -> None:
        """Take the next bytes of the data set; costs nothing once `is_done`.

        Raises
        ------
        RejectedInstance
            If sequences are nested deeper than 64, or a deflated data set is damaged or hides its UIDs.
        """
        if self.is_done:
            return
        if self._inflater is not None:
            self._feed_deflated(self._inflater, bytes(data))
            return
        self._feed_plain(memoryview(data))
        self.pixel_data_offset = self._structure.pixel_data_offset
        self.is_done = self.pixel_data_offset is not None

    def finish(self) -> None:
        """Take note that the data set is over.

        Raises
        ------
        RejectedInstance
            If it ended inside an element of its header. A few NULs at its end are padding.
        """
        if self.is_done:
            return
        if self._inflater is not None and not self._inflater.is_complete:
            raise RejectedInstance("the deflated data set ends early")
        if self._skip or any(self._rest) or not self._structure.is_whole(self._offset):
            raise RejectedInstance("the data set ends inside an element of its header")

    def _feed_deflated(self, inflater: Inflater, data: bytes) -> None:
        """Inflate in bounded pieces until all UIDs are found; the rest stays deflated."""
        inflated = bytes(_PIECE_BYTES)
        while not self.is_done and (data or len(inflated) == _PIECE_BYTES):
            inflated, data = inflater.inflate(data, _PIECE_BYTES)
            self._feed_plain(memoryview(inflated))
            self.is_done = self._structure.pixel_data_offset is not None or self.values.keys() == WANTED_TAGS
            if self._offset > _INFLATED_LIMIT_BYTES:
                raise RejectedInstance("the deflated data set does not name its UIDs near its beginning")

    def _feed_plain(self, data: memoryview) -> None:
        """Skip what is of no interest, parse the rest; copy only where an element is split between two pieces."""
        while data and self._structure.pixel_data_offset is None:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            self._offset += skipped
            data = data[skipped:]
            if self._rest:
                piece = self._rest + data[:_PIECE_BYTES]
                self._scan(piece, len(piece))
                data = data[_PIECE_BYTES:]
            elif data:
                self._scan(data, len(data))
                return

    def _scan(self, data: Buffer, size: int) -> None:
        """Follow what is whole in the first `size` bytes of `data`, and remember what is left over."""
        position = self._structure.walk(data, size, self._offset)
        self._offset += min(position, size)
        self._skip = max(0, position - size)
        self._rest = bytes(data[position:size])
