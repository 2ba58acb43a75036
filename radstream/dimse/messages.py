"""Command sets of DIMSE messages: implicit VR little endian, group 0000 (PS3.7 6.3 and Annex E)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from struct import Struct, error
from typing import Any, Final

import msgspec

from radstream.dimse.pdus import ProtocolViolation

NO_DATA_SET: Final = 0x0101
DATA_SET: Final = 0x0001
RESPONSE: Final = 0x8000
"""Bit of the Command Field of every response."""

_ELEMENT: Final = Struct("<HHI")
_US: Final = Struct("<H")
_UL: Final = Struct("<I")


class CommandField(IntEnum):
    """Command Field (0000,0100) of the requests; a response has the bit `RESPONSE` too (PS3.7 E.1)."""

    C_STORE_RQ = 0x0001
    C_GET_RQ = 0x0010
    C_FIND_RQ = 0x0020
    C_MOVE_RQ = 0x0021
    C_ECHO_RQ = 0x0030
    N_EVENT_REPORT_RQ = 0x0100
    N_GET_RQ = 0x0110
    N_SET_RQ = 0x0120
    N_ACTION_RQ = 0x0130
    N_CREATE_RQ = 0x0140
    N_DELETE_RQ = 0x0150
    C_CANCEL_RQ = 0x0FFF


class Command(msgspec.Struct, frozen=True):
    """A command set; what it does not hold is None.

    Parameters
    ----------
    command_field : int
        See `CommandField`.
    command_data_set_type : int
        `NO_DATA_SET`, or anything else if a data set follows.
    offending_element, attribute_identifier_list : tuple of int
        Tags, as 0xGGGGEEEE.
    """

    command_field: int
    command_data_set_type: int = NO_DATA_SET
    message_id: int | None = None
    message_id_being_responded_to: int | None = None
    affected_sop_class_uid: str | None = None
    requested_sop_class_uid: str | None = None
    affected_sop_instance_uid: str | None = None
    requested_sop_instance_uid: str | None = None
    move_destination: str | None = None
    priority: int | None = None
    status: int | None = None
    offending_element: tuple[int, ...] | None = None
    error_comment: str | None = None
    error_id: int | None = None
    event_type_id: int | None = None
    attribute_identifier_list: tuple[int, ...] | None = None
    action_type_id: int | None = None
    number_of_remaining_suboperations: int | None = None
    number_of_completed_suboperations: int | None = None
    number_of_failed_suboperations: int | None = None
    number_of_warning_suboperations: int | None = None
    move_originator_application_entity_title: str | None = None
    move_originator_message_id: int | None = None

    @property
    def has_data_set(self) -> bool:
        """Whether a data set follows (PS3.7 E.1)."""
        return self.command_data_set_type != NO_DATA_SET

    @property
    def is_response(self) -> bool:
        """Whether this is the answer to a request."""
        return bool(self.command_field & RESPONSE)

    @property
    def sop_class_uid(self) -> str | None:
        """The affected SOP class, or the requested one of the N-services that have none."""
        return self.affected_sop_class_uid or self.requested_sop_class_uid


_ELEMENTS: Final[Mapping[int, tuple[str, str]]] = {  # element of group 0000: field of `Command`, VR
    0x0002: ("affected_sop_class_uid", "UI"),
    0x0003: ("requested_sop_class_uid", "UI"),
    0x0100: ("command_field", "US"),
    0x0110: ("message_id", "US"),
    0x0120: ("message_id_being_responded_to", "US"),
    0x0600: ("move_destination", "AE"),
    0x0700: ("priority", "US"),
    0x0800: ("command_data_set_type", "US"),
    0x0900: ("status", "US"),
    0x0901: ("offending_element", "AT"),
    0x0902: ("error_comment", "LO"),
    0x0903: ("error_id", "US"),
    0x1000: ("affected_sop_instance_uid", "UI"),
    0x1001: ("requested_sop_instance_uid", "UI"),
    0x1002: ("event_type_id", "US"),
    0x1005: ("attribute_identifier_list", "AT"),
    0x1008: ("action_type_id", "US"),
    0x1020: ("number_of_remaining_suboperations", "US"),
    0x1021: ("number_of_completed_suboperations", "US"),
    0x1022: ("number_of_failed_suboperations", "US"),
    0x1023: ("number_of_warning_suboperations", "US"),
    0x1030: ("move_originator_application_entity_title", "AE"),
    0x1031: ("move_originator_message_id", "US"),
}
_REQUIRED: Final = ("command_field", "command_data_set_type")


Response = tuple[Command, bytes]
"""The command set and data set of a response."""


def decode_command(data: bytes | bytearray) -> Command:
    """Return the command set in `data`; retired and unknown elements are skipped.

    Raises
    ------
    ProtocolViolation
        If it is malformed, or does not say what it is or whether a data set follows.
    """
    found: dict[str, Any] = {}
    offset, end = 0, len(data)
    try:
        while offset < end:
            group, element, length = _ELEMENT.unpack_from(data, offset)
            offset += 8 + length
            if group or offset > end:
                raise ProtocolViolation("an element of a command set is not of group 0000 or does not fit")
            if length and element in _ELEMENTS:
                name, vr = _ELEMENTS[element]
                found[name] = _decode_value(vr, bytes(data[offset - length : offset]))
    except (error, ValueError) as reason:
        raise ProtocolViolation("a value of a command set does not fit its VR") from reason
    if any(name not in found for name in _REQUIRED):
        raise ProtocolViolation("a command set lacks its Command Field or Command Data Set Type")
    return Command(**found)


def encode_command(command: Command) -> bytes:
    """Return the command set, its group length first."""
    parts: list[bytes] = []
    for element, (name, vr) in _ELEMENTS.items():
        value = getattr(command, name)
        if value is not None:
            encoded = _encode_value(vr, value)
            parts += (_ELEMENT.pack(0, element, len(encoded)), encoded)
    body = b"".join(parts)
    return _ELEMENT.pack(0, 0, 4) + _UL.pack(len(body)) + body


def _decode_value(vr: str, value: bytes) -> Any:
    if vr == "US":
        return _US.unpack(value)[0]
    if vr == "AT":
        groups_and_elements = Struct(f"<{len(value) // 2}H").unpack(value)
        pairs = zip(groups_and_elements[::2], groups_and_elements[1::2], strict=True)
        return tuple(group << 16 | element for group, element in pairs)
    return value.decode("latin-1").strip("\0 ")


def _encode_value(vr: str, value: Any) -> bytes:
    if vr == "US":
        return _US.pack(value)
    if vr == "AT":
        return b"".join(_US.pack(tag >> 16) + _US.pack(tag & 0xFFFF) for tag in value)
    encoded = value.encode("ascii", "replace")
    return encoded + (b"\0" if vr == "UI" else b" ") * (len(encoded) % 2)
