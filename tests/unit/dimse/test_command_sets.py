"""Command sets: pydicom and pynetdicom read ours, and we read theirs."""

from __future__ import annotations

from io import BytesIO
from struct import pack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pynetdicom import dimse_messages, dimse_primitives
from pynetdicom.dsutils import decode, encode

from radstream.dimse.messages import (
    _ELEMENTS,
    DATA_SET,
    NO_DATA_SET,
    Command,
    CommandField,
    decode_command,
    encode_command,
)
from radstream.dimse.pdus import ProtocolViolation

US = st.integers(0, 0xFFFF)
UIDS = st.lists(st.integers(0, 9999), min_size=2, max_size=9).map(lambda parts: ".".join(map(str, parts)))
TEXT = st.text("ABCxyz019_-", min_size=1, max_size=16)
TAGS = st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=4).map(tuple)
BY_VR = {"US": US, "UI": UIDS, "AE": TEXT, "LO": TEXT, "AT": TAGS}
REQUIRED = ("command_field", "command_data_set_type")
COMMANDS = st.builds(
    Command,
    **{name: BY_VR[vr] if name in REQUIRED else st.none() | BY_VR[vr] for name, vr in _ELEMENTS.values()},
)
KEYWORDS = {
    "message_id": "MessageID",
    "affected_sop_class_uid": "AffectedSOPClassUID",
    "affected_sop_instance_uid": "AffectedSOPInstanceUID",
    "error_id": "ErrorID",
    "event_type_id": "EventTypeID",
    "action_type_id": "ActionTypeID",
    "requested_sop_class_uid": "RequestedSOPClassUID",
    "requested_sop_instance_uid": "RequestedSOPInstanceUID",
    "message_id_being_responded_to": "MessageIDBeingRespondedTo",
    "move_originator_message_id": "MoveOriginatorMessageID",
}


def keyword(name: str) -> str:
    return KEYWORDS.get(name) or "".join(word.capitalize() for word in name.split("_"))


def as_data_set(command: Command) -> Dataset:
    data_set = Dataset()
    for name, _ in _ELEMENTS.values():
        value = getattr(command, name)
        if value is not None:
            setattr(data_set, keyword(name), list(value) if isinstance(value, tuple) else value)
    return data_set


def test_every_field_of_a_command_has_its_element() -> None:
    assert set(Command.__struct_fields__) == {name for name, _ in _ELEMENTS.values()}


@settings(max_examples=200, deadline=None)
@given(COMMANDS)
def test_pydicom_writes_the_same_bytes_and_we_read_them_back(command: Command) -> None:
    encoded = encode_command(command)
    data_set = as_data_set(command)
    data_set.CommandGroupLength = len(encode(data_set, True, True) or b"")
    assert encoded == encode(data_set, True, True)
    assert decode_command(encoded) == command


def requests() -> list[Any]:
    store = dimse_primitives.C_STORE()
    store.MessageID, store.Priority = 7, 1
    store.AffectedSOPClassUID, store.AffectedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5"
    store.MoveOriginatorApplicationEntityTitle, store.MoveOriginatorMessageID = "MOVER", 3
    echo = dimse_primitives.C_ECHO()
    echo.MessageID, echo.AffectedSOPClassUID = 8, "1.2.840.10008.1.1"
    action = dimse_primitives.N_ACTION()
    action.MessageID, action.ActionTypeID = 9, 2
    action.RequestedSOPClassUID, action.RequestedSOPInstanceUID = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
    get = dimse_primitives.N_GET()
    get.MessageID, get.AttributeIdentifierList = 10, [0x00080018, 0x00100010]
    get.RequestedSOPClassUID, get.RequestedSOPInstanceUID = "1.2.3", "1.2.3.4"
    return [
        (dimse_messages.C_STORE_RQ(), store),
        (dimse_messages.C_ECHO_RQ(), echo),
        (dimse_messages.N_ACTION_RQ(), action),
        (dimse_messages.N_GET_RQ(), get),
    ]


@pytest.mark.parametrize(("message", "primitive"), requests(), ids=lambda value: type(value).__name__)
def test_requests_of_pynetdicom_are_read_and_written_as_they_are(message: Any, primitive: Any) -> None:
    message.primitive_to_message(primitive)
    encoded = encode(message.command_set, True, True)
    assert encoded is not None
    command = decode_command(encoded)
    for name, _ in _ELEMENTS.values():
        theirs = message.command_set.get(keyword(name))
        ours = getattr(command, name)
        if theirs is None or theirs == "":
            assert ours is None
        else:
            assert ours == (tuple(theirs) if isinstance(ours, tuple) else theirs)
    assert decode_command(encode_command(command)) == command


def test_pynetdicom_reads_our_responses() -> None:
    response = Command(
        CommandField.C_MOVE_RQ | 0x8000,
        message_id_being_responded_to=5,
        affected_sop_class_uid="1.2.840.10008.5.1.4.1.2.2.2",
        status=0xB000,
        number_of_failed_suboperations=1,
        offending_element=(0x00100010,),
        error_comment="one failed",
    )
    data_set = decode(BytesIO(encode_command(response)), True, True)
    assert data_set.NumberOfFailedSuboperations == 1
    assert data_set.Status == 0xB000
    assert data_set.OffendingElement == 0x00100010
    assert data_set.ErrorComment == "one failed"


def element(number: int, value: bytes, group: int = 0) -> bytes:
    return pack("<HHI", group, number, len(value)) + value


ESSENTIAL = element(0x0100, pack("<H", 0x30)) + element(0x0800, pack("<H", NO_DATA_SET))


def test_unknown_retired_and_empty_elements_are_skipped() -> None:
    extra = element(0x0001, pack("<I", 9)) + element(0x0002, b"") + element(0x5110, b"old")
    assert decode_command(ESSENTIAL + extra) == Command(CommandField.C_ECHO_RQ)


def test_anything_but_0101_says_that_a_data_set_follows() -> None:
    for value in (0x0000, DATA_SET, 0x0102, 0xFFFF):
        assert decode_command(element(0x0100, pack("<H", 1)) + element(0x0800, pack("<H", value))).has_data_set
    assert not decode_command(ESSENTIAL).has_data_set


def test_padding_and_odd_characters_of_a_uid_are_kept_for_the_check_of_the_uid() -> None:
    command = decode_command(ESSENTIAL + element(0x1000, b"1.2.3\xe4\0"))
    assert command.affected_sop_instance_uid == "1.2.3\xe4"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0",
        element(0x0100, pack("<H", 1)),
        element(0x0800, pack("<H", 1)),
        ESSENTIAL + element(0x0110, b"\1"),
        ESSENTIAL + element(0x0110, b"\1\0\0\0"),
        ESSENTIAL + element(0x0901, b"\1\0"),
        ESSENTIAL + element(0x0901, b"\1\0\0"),
        ESSENTIAL + element(0x0010, b"", group=8),
        ESSENTIAL + pack("<HHI", 0, 0x0110, 0xFFFFFFFF),
        ESSENTIAL[:-1],
    ],
)
def test_a_malformed_command_set_is_a_violation(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        decode_command(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for candidate in (data, ESSENTIAL + data):
        try:
            assert isinstance(decode_command(candidate), Command)
        except ProtocolViolation:
            continue
