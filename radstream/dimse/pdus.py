"""The protocol data units of PS3.8 9.3, but for A-ASSOCIATE-RQ and -AC (see `associate`): built and read as bytes."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final

from radstream.contract.errors import MalformedRequest

HEAD_BYTES: Final = 6
"""PDU-type, a reserved byte, PDU-length."""

PDV_HEAD_BYTES: Final = 6
"""Item-length, Presentation-context-ID, message control header (PS3.8 9.3.5.1 and Annex E)."""

COMMAND: Final = 0x01
LAST: Final = 0x02
"""Bits of the message control header (PS3.8 E.2)."""

HEAD: Final = Struct(">BxI")
_PDV_HEAD: Final = Struct(">IBB")
_P_DATA_HEAD: Final = Struct(">BxIIBB")


class PduType(IntEnum):
    """PDU-type."""

    A_ASSOCIATE_RQ = 1
    A_ASSOCIATE_AC = 2
    A_ASSOCIATE_RJ = 3
    P_DATA_TF = 4
    A_RELEASE_RQ = 5
    A_RELEASE_RP = 6
    A_ABORT = 7


class AbortReason(IntEnum):
    """Reason/Diag of an A-ABORT whose source is the service-provider (PS3.8 table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PDU_PARAMETER = 4
    UNEXPECTED_PDU_PARAMETER = 5
    INVALID_PDU_PARAMETER_VALUE = 6


class ProtocolViolation(MalformedRequest):
    """What a peer sent is no PDU, or none that may come now; answered with an A-ABORT.

    Parameters
    ----------
    text : str
        For the log.
    reason : AbortReason
        For the peer.
    """

    def __init__(self, text: str, reason: AbortReason = AbortReason.INVALID_PDU_PARAMETER_VALUE) -> None:
        super().__init__(text)
        self.reason = reason


def encode_rejection(result: int, source: int, reason: int) -> bytes:
    """Return an A-ASSOCIATE-RJ (PS3.8 9.3.4)."""
    return HEAD.pack(PduType.A_ASSOCIATE_RJ, 4) + bytes((0, result, source, reason))


def encode_abort(source: int, reason: int) -> bytes:
    """Return an A-ABORT (PS3.8 9.3.8); `source` 0 is the service-user, 2 the service-provider."""
    return HEAD.pack(PduType.A_ABORT, 4) + bytes((0, 0, source, reason))


def encode_release(kind: PduType) -> bytes:
    """Return an A-RELEASE-RQ or -RP (PS3.8 9.3.6, 9.3.7)."""
    return HEAD.pack(kind, 4) + bytes(4)


def encode_p_data_head(context_id: int, control: int, fragment_bytes: int) -> bytes:
    """Return what precedes a fragment that is the only one of its P-DATA-TF (PS3.8 9.3.5)."""
    return _P_DATA_HEAD.pack(PduType.P_DATA_TF, fragment_bytes + 6, fragment_bytes + 2, context_id, control)


def fragment_bytes(max_pdu_bytes: int) -> int:
    """Return the size of the largest fragment of a P-DATA-TF of `max_pdu_bytes`: even, as PS3.8 E.2 has it."""
    return (max_pdu_bytes - PDV_HEAD_BYTES) & ~1


def read_pdv(body: memoryview, offset: int) -> tuple[int, int, memoryview, int]:
    """Return presentation context ID, message control header and fragment of a PDV, and the offset behind it.

    Parameters
    ----------
    body : memoryview
        A P-DATA-TF without its head; the fragment is a view of it.
    offset : int
        Where the PDV begins.

    Raises
    ------
    ProtocolViolation
        If the PDV is shorter than its head or longer than the PDU.
    """
    if len(body) - offset < PDV_HEAD_BYTES:
        raise ProtocolViolation("a P-DATA-TF ends inside the head of a presentation data value")
    length, context_id, control = _PDV_HEAD.unpack_from(body, offset)
    following = offset + 4 + length
    if length < 2 or following > len(body):
        raise ProtocolViolation("the length of a presentation data value does not fit its P-DATA-TF")
    return context_id, control, body[offset + PDV_HEAD_BYTES : following], following
