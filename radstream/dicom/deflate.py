"""Deflated data sets (PS3.5 A.5), inflated with a limit: a few kB may otherwise become gigabytes."""

from __future__ import annotations

import zlib

from radstream.contract.errors import RejectedInstance


class Inflater:
    """Inflates a deflated data set piece by piece.

    Some writers wrap the stream in zlib's frame (RFC 1950) although the Standard wants the bare one (RFC 1951). A bare
    stream that begins with 0x78 would have a stored block with padding bits set, which nobody writes.
    """

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the end of the deflated stream has been seen."""
        return self._stream is not None and self._stream.eof

    def inflate(self, data: bytes, max_bytes: int) -> tuple[bytes, bytes]:
        """Return at most `max_bytes` (> 0) of inflated bytes, and the rest of `data`, to be given again.

        Raises
        ------
        RejectedInstance
            If the stream is damaged.
        """
        if self._stream is None and data:
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if data[0] == 0x78 else -zlib.MAX_WBITS)
        if self._stream is None or self._stream.eof:
            return b"", b""
        try:
            inflated = self._stream.decompress(data, max_bytes)
        except zlib.error as error:
            raise RejectedInstance("the deflated data set is damaged") from error
        return inflated, self._stream.unconsumed_tail


def inflate(data: bytes, limit_bytes: int) -> bytes:
    """Return the inflated data set.

    Parameters
    ----------
    data : bytes
        The deflated data set, without the meta group; bytes after its end (padding) are ignored.
    limit_bytes : int
        The largest result that is acceptable.

    Raises
    ------
    RejectedInstance
        If the stream is damaged or ends early, or the result would be longer than `limit_bytes`.

    References
    ----------
    PS3.5 A.5 DICOM Deflated Little Endian Transfer Syntax.
    """
    inflater = Inflater()
    inflated, _ = inflater.inflate(data, limit_bytes + 1)
    if len(inflated) > limit_bytes:
        raise RejectedInstance("the deflated data set is longer than is accepted")
    if not inflater.is_complete:
        raise RejectedInstance("the deflated data set ends early")
    return inflated
