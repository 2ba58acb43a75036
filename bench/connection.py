"""A client so cheap that the server is what is measured: HTTP/1.1 on one socket, nothing parsed that is not needed.

Segments are acknowledged at once (TCP_QUICKACK, set anew before each read, as the kernel forgets it) and sent at once
(TCP_NODELAY): a server that writes head and body apart would else wait for up to 40 ms for the client's delayed
acknowledgement, which is a matter of two settings and not of the server's speed.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

PIECE_BYTES = 1 << 20
TIMEOUT_S = 120


@dataclass(frozen=True)
class Answer:
    """An answer; its body is as it came, decoded neither from gzip nor from multipart."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    size_bytes: int


class Connection:
    """A connection that is kept until it is closed.

    Parameters
    ----------
    base : str
        ``http://host:port/path``, which every path is below.
    """

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        assert parts.hostname is not None
        self._host, self._path = parts.netloc, parts.path.rstrip("/")
        self._address = parts.hostname, parts.port or 80
        self._piece = memoryview(bytearray(PIECE_BYTES))
        self._unread = b""
        self._socket = self._open()

    def _open(self) -> socket.socket:
        opened = socket.create_connection(self._address, timeout=TIMEOUT_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def renew(self) -> None:
        """Connect again if the server has closed the connection, as Orthanc does after a second or a long answer."""
        self._socket.setblocking(False)
        try:
            is_closed = not self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            is_closed = False
        self._socket.settimeout(TIMEOUT_S)
        if is_closed:
            self._socket.close()
            self._socket = self._open()

    def get(self, path: str, headers: Mapping[str, str], *, keep: bool = True) -> Answer:
        """Return the answer to a GET.

        Parameters
        ----------
        keep : bool
            False to count the bytes of the body only.

        Raises
        ------
        ConnectionError
            If the answer ends early.
        """
        lines = [f"GET {self._path}/{path} HTTP/1.1", f"Host: {self._host}", *map(": ".join, headers.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        first, *others = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        named = (line.partition(":") for line in others)
        known = {name.lower(): value.strip() for name, _, value in named}
        if known.get("transfer-encoding") == "chunked":
            body, size = self._chunks(keep)
        elif "content-length" in known:
            size = int(known["content-length"])
            body = self._exactly(size, keep)
        else:
            body, size = self._rest(keep)
        return Answer(int(first.split()[1]), known, body, size)

    def _chunks(self, keep: bool) -> tuple[bytes, int]:
        pieces, total = [], 0
        while size := int(self._until(b"\r\n").split(b";")[0], 16):
            pieces.append(self._exactly(size, keep))
            total += size
            self._exactly(2, keep=False)
        self._until(b"\r\n")
        return b"".join(pieces), total

    def _until(self, end: bytes) -> bytes:
        while end not in self._unread:
            self._unread += self._piece[: self._receive(PIECE_BYTES)]
        found, self._unread = self._unread.split(end, 1)
        return found

    def _exactly(self, size: int, keep: bool) -> bytes:
        """Return the next `size` bytes, or none of them if they are not to be kept."""
        pieces, self._unread = [self._unread[:size]], self._unread[size:]
        left = size - len(pieces[0])
        while left:
            received = self._receive(min(left, PIECE_BYTES))
            left -= received
            if keep:
                pieces.append(bytes(self._piece[:received]))
        return b"".join(pieces) if keep else b""

    def _rest(self, keep: bool) -> tuple[bytes, int]:
        """Return all that comes until the server closes the connection."""
        pieces, total = [self._unread] if keep else [], len(self._unread)
        self._unread = b""
        while received := self._receive(PIECE_BYTES, may_end=True):
            total += received
            if keep:
                pieces.append(bytes(self._piece[:received]))
        return b"".join(pieces), total

    def _receive(self, most: int, *, may_end: bool = False) -> int:
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        received = self._socket.recv_into(self._piece, most)
        if not received and not may_end:
            raise ConnectionError("the answer ended early")
        return received
