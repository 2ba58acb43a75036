"""A modality that costs little, so that the receiver is what is measured: prebuilt messages whose UIDs change.

``python -m bench.sending`` reads one order after the other from standard input (JSON, see `Order`), carries it out and
prints how many seconds it took, from the first byte of the first C-STORE to the last answer.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from bench.data import ct_slice
from radstream.dicom.part10 import parse_meta
from radstream.dimse import pdus
from radstream.dimse.associate import AssociateAccept, AssociateRequest, ProposedContext, decode_accept, encode_request
from radstream.dimse.messages import DATA_SET, Command, CommandField, decode_command, encode_command
from radstream.dimse.pdus import COMMAND, LAST, PduType
from radstream.dimse.user_information import UserInformation

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
LARGEST_PDU_BYTES = 128 << 10
"""As `storescu -pdu 131072`, the most that DCMTK sends."""

BOUNDARY = "bench-boundary"
STOW_HEADERS = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'}
HEAD = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True)
class Order:
    """What to send.

    Parameters
    ----------
    protocol : {"dimse", "stow"}
    port : int
        On loopback; both doors of all peers are there.
    size : int
        Rows and columns of each image, of 16 bit.
    senders : int
        Associations, or HTTP connections, at once.
    count : int
        Instances of each of them, in one study.
    giant_bytes : int
        If not 0, one instance of about so many bytes is sent instead.
    """

    protocol: str
    port: int
    ae_title: str
    size: int
    senders: int
    count: int
    giant_bytes: int = 0


def new_uid() -> str:
    """Return a UID of always 44 characters."""
    return f"2.25.{10**38 + uuid.uuid4().int % 10**38}"


class Message:
    """Bytes that are sent again and again, with another SOP Instance UID each time."""

    def __init__(self, data: bytes, sop_instance_uid: str) -> None:
        self.data = bytearray(data)
        self._places = list(_find_all(data, sop_instance_uid.encode()))

    def renew(self) -> bytearray:
        uid = new_uid().encode()
        for place in self._places:
            self.data[place : place + len(uid)] = uid
        return self.data


def _find_all(data: bytes, what: bytes) -> Iterator[int]:
    place = data.find(what)
    while place >= 0:
        yield place
        place = data.find(what, place + 1)


def template(size: int) -> tuple[bytes, str]:
    """Return a file of a new study, and its SOP Instance UID."""
    uid = new_uid()
    return ct_slice(new_uid(), new_uid(), 1, size=size, sop_instance_uid=uid), uid


def data_set(file: bytes) -> bytes:
    meta = parse_meta(file)
    assert meta is not None
    return file[meta.data_set_offset :]


def command(sop_instance_uid: str) -> bytes:
    return encode_command(
        Command(
            command_field=CommandField.C_STORE_RQ,
            command_data_set_type=DATA_SET,
            message_id=1,
            priority=0,
            affected_sop_class_uid=CT_IMAGE_STORAGE,
            affected_sop_instance_uid=sop_instance_uid,
        )
    )


def store_request(size: int, max_fragment_bytes: int) -> Message:
    """Return a whole C-STORE request: its command and its data set, cut into PDUs."""
    file, uid = template(size)
    encoded, data = command(uid), data_set(file)
    parts = [pdus.encode_p_data_head(1, COMMAND | LAST, len(encoded)), encoded]
    for start in range(0, len(data), max_fragment_bytes):
        fragment = data[start : start + max_fragment_bytes]
        is_last = start + len(fragment) == len(data)
        parts += (pdus.encode_p_data_head(1, LAST if is_last else 0, len(fragment)), fragment)
    return Message(b"".join(parts), uid)


class Association:
    """A blocking association with one presentation context."""

    def __init__(self, order: Order) -> None:
        self._socket = socket.create_connection(("127.0.0.1", order.port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        contexts = (ProposedContext(1, CT_IMAGE_STORAGE, (EXPLICIT_VR_LITTLE_ENDIAN,)),)
        user = UserInformation(max_pdu_bytes=LARGEST_PDU_BYTES)
        self._socket.sendall(encode_request(AssociateRequest("BENCH", order.ae_title, contexts, user)))
        self.max_fragment_bytes = self._agreed(*self._read())

    def _agreed(self, kind: int, body: bytes) -> int:
        if kind != PduType.A_ASSOCIATE_AC:
            raise RuntimeError("the association was refused")
        accept: AssociateAccept = decode_accept(body)
        return pdus.fragment_bytes(min(accept.user.max_pdu_bytes or LARGEST_PDU_BYTES, LARGEST_PDU_BYTES))

    def send(self, data: bytes | bytearray | memoryview) -> None:
        self._socket.sendall(data)

    def expect_success(self) -> None:
        """Read the response; its command set may come in any number of PDUs."""
        found = bytearray()
        while True:
            kind, body = self._read()
            if kind != PduType.P_DATA_TF:
                raise RuntimeError("the association was aborted")
            _, control, fragment, _ = pdus.read_pdv(memoryview(body), 0)
            found += fragment
            if control & LAST:
                break
        if (status := decode_command(found).status) != 0:
            raise RuntimeError(f"refused with status {status:#06x}")

    def release(self) -> None:
        self._socket.sendall(pdus.encode_release(PduType.A_RELEASE_RQ))
        self._read()
        self._socket.close()

    def _read(self) -> tuple[int, bytes]:
        kind, length = pdus.HEAD.unpack(self._receive(pdus.HEAD_BYTES))
        return kind, self._receive(length)

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise RuntimeError("the connection was closed")
            data += piece
        return data


class DimseSender:
    """Sends by C-STORE, each instance after the answer to the one before."""

    def __init__(self, order: Order) -> None:
        self._association = Association(order)
        self._message = store_request(order.size, self._association.max_fragment_bytes)

    def send(self) -> None:
        self._association.send(self._message.renew())
        self._association.expect_success()

    def close(self) -> None:
        self._association.release()


class StowSender:
    """Sends by STOW-RS, one instance a request, over one connection."""

    def __init__(self, order: Order) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", order.port, timeout=120)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file, uid = template(order.size)
        self._message = Message(HEAD + file + TAIL, uid)

    def send(self) -> None:
        self._connection.request("POST", "/dicom-web/studies", self._message.renew(), STOW_HEADERS)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"refused with status {answer.status}")

    def close(self) -> None:
        self._connection.close()


def send_giant(order: Order) -> None:
    """Send one instance whose Pixel Data is as long as it may be asked for; nobody holds it in memory."""
    association = Association(order)
    file, uid = template(8)
    small = data_set(file)
    pixel_data = small.index(b"\xe0\x7f\x10\x00OW")
    encoded, piece = command(uid), bytes(association.max_fragment_bytes)
    head = small[:pixel_data] + struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, order.giant_bytes & ~1)
    association.send(pdus.encode_p_data_head(1, COMMAND | LAST, len(encoded)) + encoded)
    association.send(pdus.encode_p_data_head(1, 0, len(head)) + head)
    rest = order.giant_bytes & ~1
    while rest:
        fragment = memoryview(piece)[:rest]
        rest -= len(fragment)
        association.send(pdus.encode_p_data_head(1, 0 if rest else LAST, len(fragment)))
        association.send(fragment)
    association.expect_success()
    association.release()


def carry_out(order: Order) -> float:
    """Carry out an order and return how many seconds it took."""
    if order.giant_bytes:
        started_at = time.perf_counter()
        send_giant(order)
        return time.perf_counter() - started_at
    kind = DimseSender if order.protocol == "dimse" else StowSender
    senders = [kind(order) for _ in range(order.senders)]
    failures: list[BaseException] = []
    threads = [threading.Thread(target=_send_all, args=(sender, order.count, failures)) for sender in senders]
    started_at = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    duration_s = time.perf_counter() - started_at
    if failures:
        raise failures[0]
    for sender in senders:
        sender.close()
    return duration_s


def _send_all(sender: DimseSender | StowSender, count: int, failures: list[BaseException]) -> None:
    try:
        for _ in range(count):
            sender.send()
    except BaseException as error:  # noqa: BLE001 - given to the thread that waits
        failures.append(error)


def encode_order(order: Order) -> str:
    return json.dumps(asdict(order)) + "\n"


def main() -> None:
    for line in sys.stdin:
        print(carry_out(Order(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
