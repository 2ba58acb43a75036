"""PDUs, items and command sets, whole and damaged, as pynetdicom's codec reads them: the oracle of ours."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pynetdicom import pdu as oracle
from pynetdicom.dsutils import decode

from radstream.dimse import pdus
from radstream.dimse.associate import (
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    ProposedContext,
    decode_accept,
    decode_request,
    encode_accept,
    encode_request,
)
from radstream.dimse.client import AssociationRejected
from radstream.dimse.items import encode_item, walk_items
from radstream.dimse.messages import decode_command, encode_command
from radstream.dimse.pdus import HEAD_BYTES, PduType, ProtocolViolation
from radstream.dimse.user_information import DEFAULT_MAX_PDU_BYTES, Role, UserIdentity, UserInformation
from tests.dimse_wire import make_request, p_data, pdv, store_command

USER = UserInformation(
    window=(3, 1),
    roles={"1.2.3": Role(scu=True, scp=True)},
    extended={"1.2.3": b"\1\0"},
    common_extended={"1.2.3": ("1.2.4", ("1.2.5",))},
    user_identity=UserIdentity(2, True, b"user", b"passcode"),
)
REQUEST = encode_request(make_request(user=USER))
ACCEPT = encode_accept(
    AssociateAccept(
        "SCANNER",
        "RADSTREAM",
        (ContextResult(1, 0, "1.2.840.10008.1.2"), ContextResult(3, 4, "1.2.840.10008.1.2")),
        UserInformation(window=(1, 1), roles={"1.2.3": Role(scu=True, scp=False)}, server_response=b"yes"),
    )
)
DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def damaged(data: bytes, damage: list[tuple[float, int]]) -> bytes:
    """Return `data` with some bytes replaced, none of them in the head of the PDU."""
    result = bytearray(data)
    for where, value in damage:
        result[HEAD_BYTES + int(where * (len(data) - HEAD_BYTES))] = value
    return bytes(result)


def theirs(kind: type[Any], data: bytes) -> Any:
    """Return the PDU as pynetdicom reads it, None if it cannot."""
    found = kind()
    try:
        found.decode(data)
        # Much of a PDU it looks at only when asked.
        _ = found.presentation_context, found.user_information.maximum_length, found.application_context_name
        [(one.context_id, one.transfer_syntax) for one in found.presentation_context]
    except Exception:  # noqa: BLE001 - it raises whatever comes its way
        return None
    return found


def ours(decoder: Any, data: bytes) -> Any:
    try:
        return decoder(data[HEAD_BYTES:])
    except ProtocolViolation:
        return None


def bare(uid: object) -> str:
    """Return a UID without what is around it: the oracle drops more than the padding."""
    return str(uid).strip("\0 \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0")


def longest(pdu: Any) -> int:
    """Return the maximum length that the oracle read; where it is not said, what is assumed of all who do not."""
    found: int | None = pdu.user_information.maximum_length
    return DEFAULT_MAX_PDU_BYTES if found is None else found


def said(contexts: Iterable[Any]) -> list[tuple[int, str, list[str]]]:
    return [(one.context_id, bare(one.abstract_syntax), [*map(bare, uids_of(one))]) for one in contexts]


def uids_of(context: Any) -> Iterable[object]:
    """Return the transfer syntaxes of a context of ours, or of the oracle's."""
    uids: Iterable[object] = (
        context.transfer_syntaxes if isinstance(context, ProposedContext) else context.transfer_syntax
    )
    return uids


@settings(max_examples=150, deadline=None)
@given(DAMAGE)
def test_a_damaged_request_that_both_can_read_says_the_same_to_both(damage: list[tuple[float, int]]) -> None:
    data = damaged(REQUEST, damage)
    with quiet():
        mine, other = ours(decode_request, data), theirs(oracle.A_ASSOCIATE_RQ, data)
        assume(mine is not None and other is not None)
        assert isinstance(mine, AssociateRequest)
        assert mine.user.max_pdu_bytes == longest(other)
        assert bare(mine.application_context_name) == bare(other.application_context_name)
        assert said(mine.contexts) == said(other.presentation_context)


@settings(max_examples=150, deadline=None)
@given(DAMAGE)
def test_a_damaged_answer_that_both_can_read_says_the_same_to_both(damage: list[tuple[float, int]]) -> None:
    data = damaged(ACCEPT, damage)
    with quiet():
        mine, other = ours(decode_accept, data), theirs(oracle.A_ASSOCIATE_AC, data)
        assume(mine is not None and other is not None)
        assert isinstance(mine, AssociateAccept)
        assert mine.user.max_pdu_bytes == longest(other)
        results = [(one.context_id, one.result) for one in other.presentation_context]
        assert [(one.context_id, one.result) for one in mine.contexts] == results


def test_what_we_can_read_undamaged_so_can_the_oracle() -> None:
    assert theirs(oracle.A_ASSOCIATE_RQ, REQUEST) is not None
    assert theirs(oracle.A_ASSOCIATE_AC, ACCEPT) is not None
    assert ours(decode_request, REQUEST) is not None
    assert ours(decode_accept, ACCEPT) is not None


PDVS = st.lists(
    st.tuples(st.integers(0, 127).map(lambda n: 2 * n + 1), st.integers(0, 3), st.binary(max_size=300)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(PDVS)
def test_fragments_are_read_as_the_oracle_reads_them(wanted: list[tuple[int, int, bytes]]) -> None:
    data = p_data(*(pdv(*one) for one in wanted))
    found, offset = [], HEAD_BYTES
    while offset < len(data):
        context_id, control, fragment, offset = pdus.read_pdv(memoryview(data), offset)
        found.append((context_id, control, bytes(fragment)))
    assert found == wanted
    other = oracle.P_DATA_TF()
    other.decode(data)
    items = other.presentation_data_value_items
    assert [(item.presentation_context_id, item.presentation_data_value) for item in items] == [
        (context_id, bytes((control,)) + fragment) for context_id, control, fragment in wanted
    ]
    assert other.encode() == data


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 127).map(lambda n: 2 * n + 1), st.integers(0, 3), st.binary(max_size=500))
def test_the_head_of_a_fragment_is_what_the_oracle_writes(context_id: int, control: int, fragment: bytes) -> None:
    written = pdus.encode_p_data_head(context_id, control, len(fragment)) + fragment
    other = oracle.P_DATA_TF()
    other.decode(written)
    assert other.encode() == written == p_data(pdv(context_id, control, fragment))


@pytest.mark.parametrize("kind", [PduType.A_RELEASE_RQ, PduType.A_RELEASE_RP])
def test_a_release_is_what_the_oracle_writes(kind: PduType) -> None:
    other = oracle.A_RELEASE_RQ() if kind == PduType.A_RELEASE_RQ else oracle.A_RELEASE_RP()
    assert other.encode() == pdus.encode_release(kind)


@pytest.mark.parametrize("source", [0, 2])
@pytest.mark.parametrize("reason", list(pdus.AbortReason))
def test_an_abort_is_what_the_oracle_writes(source: int, reason: pdus.AbortReason) -> None:
    other = oracle.A_ABORT_RQ()
    other.source, other.reason_diagnostic = source, int(reason)
    assert other.encode() == pdus.encode_abort(source, reason)


@pytest.mark.parametrize(
    ("result", "source", "reason"),
    [(r, s, d) for r in (1, 2) for s, ds in ((1, (1, 2, 3, 7)), (2, (1, 2)), (3, (1, 2))) for d in ds],
)
def test_every_rejection_of_the_standard_is_what_the_oracle_writes_and_has_words(
    result: int, source: int, reason: int
) -> None:
    other = oracle.A_ASSOCIATE_RJ()
    other.result, other.source, other.reason_diagnostic = result, source, reason
    assert other.encode() == pdus.encode_rejection(result, source, reason)
    error = AssociationRejected(AssociateReject(result, source, reason))
    assert "does not have" not in str(error)
    assert error.is_permanent == (result == 1)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=60)), max_size=8))
def test_items_are_walked_as_they_were_written(items: list[tuple[int, bytes]]) -> None:
    assert list(walk_items(b"".join(encode_item(*item) for item in items))) == items


COMMAND = encode_command(store_command(priority=1, move_originator_message_id=4))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_command_set_that_both_can_read_says_the_same_to_both(damage: list[tuple[float, int]]) -> None:
    data = bytearray(COMMAND)
    for where, value in damage:
        data[int(where * len(data))] = value
    try:
        mine = decode_command(bytes(data))
    except ProtocolViolation:
        return
    with quiet():
        try:
            other = decode(BytesIO(bytes(data)), True, True)
            said = (other.CommandField, other.CommandDataSetType, other.get("MessageID"), other.get("Priority"))
        except Exception:  # noqa: BLE001 - it raises whatever comes its way
            return
    if all(value is None or isinstance(value, int) for value in said):
        assert said == (mine.command_field, mine.command_data_set_type, mine.message_id, mine.priority)
