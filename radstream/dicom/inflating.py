"""The header of a deflated data set, inflated as it is read: what lies behind it stays deflated, however long it is."""

from __future__ import annotations

from typing import Final

from radstream.dicom.deflate import Inflater
from radstream.dicom.header import HEADER_LIMIT_BYTES, HeaderScanner
from radstream.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN

_PIECE_BYTES: Final = 1 << 18
_ELEMENT_HEAD_BYTES: Final = 12


class InflatedHeader:
    """Takes a deflated data set in pieces of any size, up to the head of its Pixel Data element.

    Attributes
    ----------
    data : bytearray
        What is inflated until now: the header, and a little of what follows it.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self._inflater = Inflater()
        self._scanner = HeaderScanner(EXPLICIT_VR_LITTLE_ENDIAN)

    @property
    def pixel_data_offset(self) -> int | None:
        """Offset of the Pixel Data element in the inflated data set; None if it has not been reached."""
        return self._scanner.pixel_data_offset

    @property
    def is_too_long(self) -> bool:
        """Whether the header is longer than `HEADER_LIMIT_BYTES`."""
        return self.pixel_data_offset is None and len(self.data) >= HEADER_LIMIT_BYTES

    @property
    def is_done(self) -> bool:
        """Whether no more is needed, or wanted."""
        offset = self.pixel_data_offset
        return self.is_too_long or (offset is not None and len(self.data) >= offset + _ELEMENT_HEAD_BYTES)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the header is missing."""
        return not self.is_too_long and (self.pixel_data_offset is not None or self._inflater.is_complete)

    def feed(self, deflated: bytes) -> None:
        """Take the next bytes.

        Raises
        ------
        RejectedInstance
            If the stream is damaged, or sequences are nested deeper than 64; `data` keeps what came before.
        """
        inflated = bytes(_PIECE_BYTES)
        while not self.is_done and (deflated or len(inflated) == _PIECE_BYTES):
            inflated, deflated = self._inflater.inflate(deflated, _PIECE_BYTES)
            self.data += inflated
            self._scanner.feed(inflated)
