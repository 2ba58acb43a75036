"""P-DATA-TF PDUs whose values lie, and command sets that are none (PS3.8 9.3.5 and E, PS3.7 6.3)."""

from __future__ import annotations

import random
from struct import pack

from radstream.dimse.messages import RESPONSE, CommandField
from radstream.dimse.pdus import COMMAND, LAST
from tests.dimse_wire import (
    RELEASE_RQ,
    command_pdu,
    p_data,
    pdv,
    store_command,
    store_rq,
)
from tests.malformed.attacks import (
    ESTABLISHED,
    IN_COMMAND,
    IN_DATA_SET,
    OPEN,
    malformed,
)


@malformed("abort", *ESTABLISHED)
def pdv_length_lies(chance: random.Random) -> bytes:
    lying = pack(">IBB", chance.choice((0, 1, 103, 1000, 0x7FFFFFFF, 0xFFFFFFFF)), 3, 0) + bytes(100)
    return p_data(lying)


@malformed("abort", *ESTABLISHED)
def pdv_cut(chance: random.Random) -> bytes:
    return p_data(pdv(3, 0, bytes(10))[: chance.randint(1, 5)])


@malformed("abort", *ESTABLISHED)
def context_not_accepted(chance: random.Random) -> bytes:
    return p_data(pdv(chance.choice((0, 2, 4, 5, 77, 254, 255)), chance.randrange(4), bytes(10)))


@malformed("abort", IN_COMMAND, IN_DATA_SET)
def context_changes(chance: random.Random) -> bytes:
    return p_data(pdv(1, chance.randrange(4), bytes(10)))


@malformed("abort", IN_DATA_SET)
@malformed("abort", OPEN)
def fragment_after_the_last(chance: random.Random) -> bytes:
    return p_data(pdv(3, LAST, bytes(10)), pdv(3, chance.choice((0, LAST)), bytes(10)))


def _command(fields: bytes) -> bytes:
    return p_data(pdv(3, COMMAND | LAST, fields))


def _element(number: int, value: bytes, length: int | None = None) -> bytes:
    return pack("<HHI", 0, number, len(value) if length is None else length) + value


@malformed("abort", OPEN)
def command_element_lies(chance: random.Random) -> bytes:
    return _command(_element(0x0100, b"\1\0", chance.choice((3, 100, 0x7FFFFFFF, 0xFFFFFFFF))))


@malformed("abort", OPEN)
def command_value_lies(chance: random.Random) -> bytes:
    return _command(_element(0x0100, chance.randbytes(chance.choice((1, 3, 4, 60)))) + _element(0x0800, b"\1\0"))


@malformed("abort", OPEN)
def command_of_another_group(chance: random.Random) -> bytes:
    return _command(pack("<HHI", chance.choice((2, 8, 0xFFFF)), 0x0100, 2) + b"\1\0")


@malformed("abort", OPEN)
@malformed("abort", IN_DATA_SET)
def command_without_field(chance: random.Random) -> bytes:
    return _command(
        chance.choice((b"", _element(0x0110, b"\1\0"), _element(0x0100, b"\1\0"), _element(0x0800, b"\1\1")))
    )


@malformed("abort", OPEN)
def command_too_long(chance: random.Random) -> bytes:
    return p_data(pdv(3, COMMAND, bytes(60_000))) * 2


@malformed("abort", OPEN)
def request_without_message_id(chance: random.Random) -> bytes:
    return command_pdu(store_command(message_id=None), 3)


@malformed("abort", OPEN)
def response_to_nothing(chance: random.Random) -> bytes:
    answer = store_command(
        command_field=CommandField.C_STORE_RQ | RESPONSE, message_id=None, message_id_being_responded_to=9, status=0
    )
    return command_pdu(answer, 3)


@malformed("any", OPEN)
def command_of_no_service(chance: random.Random) -> bytes:
    number = chance.choice((0x0000, 0x0002, 0x0777, 0x7FFF, 0x0FFF))
    return _command(_element(0x0100, pack("<H", number)) + _element(0x0110, b"\1\0") + _element(0x0800, b"\1\1"))


@malformed("any", OPEN)
def store_of_nonsense(chance: random.Random) -> bytes:
    changes = chance.choice(
        (
            {"affected_sop_instance_uid": "../../../x"},
            {"affected_sop_class_uid": "1.2.3"},
            {"affected_sop_instance_uid": "1." * 60},
            {"affected_sop_instance_uid": None, "affected_sop_class_uid": None},
            {"priority": 0xFFFF},
            {"command_data_set_type": 0x0101},
        )
    )
    return store_rq(chance.randbytes(chance.choice((0, 1, 100, 30_000))), **changes)


@malformed("any", OPEN, IN_DATA_SET)
def many_tiny_fragments(chance: random.Random) -> bytes:
    return p_data(*[pdv(3, 0, b"")] * 5000) * 3


@malformed("any", OPEN)
def two_requests_at_once(chance: random.Random) -> bytes:
    return store_rq(bytes(100)) + store_rq(bytes(100)) + RELEASE_RQ + store_rq(bytes(100))
