"""A-ASSOCIATE PDUs: ours and pynetdicom's codec read one another, and nothing malformed gets further than an error."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom import pdu as oracle
from pynetdicom import pdu_primitives
from pynetdicom.presentation import PresentationContext

from radstream.dimse.associate import (
    APPLICATION_CONTEXT_NAME,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    ProposedContext,
    decode_accept,
    decode_reject,
    decode_request,
    encode_accept,
    encode_request,
)
from radstream.dimse.items import encode_item
from radstream.dimse.pdus import ProtocolViolation, encode_abort, encode_rejection
from radstream.dimse.user_information import (
    Role,
    UserIdentity,
    UserInformation,
    decode_user_information,
    encode_user_information,
)

HEAD_BYTES = 6
UIDS = st.lists(st.integers(0, 9999), min_size=2, max_size=9).map(lambda parts: ".".join(map(str, parts)))
TITLES = st.text("ABCxyz019_- ", min_size=1, max_size=16).map(str.strip).filter(bool)
ROLES = st.builds(Role, st.booleans(), st.booleans())
IDENTITIES = st.builds(
    UserIdentity, st.integers(1, 5), st.booleans(), st.binary(min_size=1, max_size=40), st.binary(max_size=9)
)
USERS = st.builds(
    UserInformation,
    max_pdu_bytes=st.one_of(st.just(0), st.integers(8, 0xFFFFFFFF)),
    window=st.one_of(st.none(), st.tuples(st.integers(0, 65535), st.integers(0, 65535))),
    roles=st.dictionaries(UIDS, ROLES, max_size=3),
    extended=st.dictionaries(UIDS, st.binary(max_size=8), max_size=3),
    common_extended=st.dictionaries(UIDS, st.tuples(UIDS, st.lists(UIDS, max_size=3).map(tuple)), max_size=3),
    user_identity=st.one_of(st.none(), IDENTITIES),
)
CONTEXTS = st.lists(
    st.tuples(st.integers(0, 127), UIDS, st.lists(UIDS, min_size=1, max_size=4).map(tuple)),
    min_size=1,
    max_size=5,
    unique_by=lambda context: context[0],
).map(lambda found: tuple(ProposedContext(2 * number + 1, *rest) for number, *rest in found))
REQUESTS = st.builds(AssociateRequest, calling_ae_title=TITLES, called_ae_title=TITLES, contexts=CONTEXTS, user=USERS)


@settings(max_examples=100, deadline=None)
@given(REQUESTS)
def test_a_request_survives_encoding_and_decoding(request: AssociateRequest) -> None:
    assert decode_request(encode_request(request)[HEAD_BYTES:]) == request


@settings(max_examples=60, deadline=None)
@given(REQUESTS)
def test_pynetdicom_reads_and_writes_our_request_the_same(request: AssociateRequest) -> None:
    encoded = encode_request(request)
    pdu = oracle.A_ASSOCIATE_RQ()
    pdu.decode(encoded)
    assert (pdu.called_ae_title, pdu.calling_ae_title) == (request.called_ae_title, request.calling_ae_title)
    assert pdu.application_context_name == APPLICATION_CONTEXT_NAME
    found = [(item.context_id, item.abstract_syntax, tuple(item.transfer_syntax)) for item in pdu.presentation_context]
    assert found == [(item.context_id, item.abstract_syntax, item.transfer_syntaxes) for item in request.contexts]
    user = pdu.user_information
    assert user.maximum_length == request.user.max_pdu_bytes
    assert {uid: Role(item.scu == 1, item.scp == 1) for uid, item in user.role_selection.items()} == request.user.roles
    assert {item.sop_class_uid: item.app_info for item in user.ext_neg} == request.user.extended
    common = {item.sop_class_uid: item for item in user.common_ext_neg}
    for uid, (service_class_uid, related) in request.user.common_extended.items():
        assert common[uid].service_class_uid == service_class_uid
        assert tuple(common[uid].related_general_sop_class_identification) == related
    if request.user.user_identity is not None:
        assert user.user_identity.primary_field == request.user.user_identity.primary_field
    assert decode_request(pdu.encode()[HEAD_BYTES:]) == request


def test_a_request_of_pynetdicoms_own_making_is_read() -> None:
    primitive = pdu_primitives.A_ASSOCIATE()
    primitive.application_context_name = APPLICATION_CONTEXT_NAME
    primitive.calling_ae_title, primitive.called_ae_title = "SCANNER", "RADSTREAM"
    primitive.maximum_length_received = 16382
    primitive.implementation_class_uid = "1.2.3"
    context = PresentationContext()
    context.context_id = 1
    context.abstract_syntax = "1.2.840.10008.1.1"
    context.transfer_syntax = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]
    primitive.presentation_context_definition_list = [context]
    request = decode_request(oracle.A_ASSOCIATE_RQ(primitive).encode()[HEAD_BYTES:])
    proposed = ProposedContext(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1"))
    assert request.contexts == (proposed,)
    assert (request.calling_ae_title, request.called_ae_title) == ("SCANNER", "RADSTREAM")
    assert (request.user.max_pdu_bytes, request.user.implementation_class_uid) == (16382, "1.2.3")


@settings(max_examples=60, deadline=None)
@given(USERS, st.lists(st.tuples(st.integers(0, 127), st.integers(0, 4), UIDS), max_size=4, unique_by=lambda r: r[0]))
def test_an_accept_survives_and_pynetdicom_reads_it(user: UserInformation, results: list[tuple[int, int, str]]) -> None:
    contexts = tuple(ContextResult(2 * number + 1, result, uid) for number, result, uid in results)
    encoded = encode_accept(AssociateAccept("SCANNER", "RADSTREAM", contexts, user))
    decoded = decode_accept(encoded[HEAD_BYTES:])
    assert decoded.user == user
    assert [(found.context_id, found.result) for found in decoded.contexts] == [
        (context.context_id, context.result) for context in contexts
    ]
    pdu = oracle.A_ASSOCIATE_AC()
    pdu.decode(encoded)
    accepted = {item.context_id: item.transfer_syntax for item in pdu.presentation_context if item.result == 0}
    assert accepted == {item.context_id: item.transfer_syntax_uid for item in contexts if item.result == 0}


@pytest.mark.parametrize("response", [b"", b"ticket"])
def test_a_server_response_survives(response: bytes) -> None:
    user = UserInformation(server_response=response)
    assert decode_user_information(encode_user_information(user)) == user


@pytest.mark.parametrize("triple", [(1, 1, 3), (2, 3, 2), (1, 2, 2)])
def test_pynetdicom_reads_our_rejections_and_aborts(triple: tuple[int, int, int]) -> None:
    encoded = encode_rejection(*triple)
    rejection = oracle.A_ASSOCIATE_RJ()
    rejection.decode(encoded)
    assert (rejection.result, rejection.source, rejection.reason_diagnostic) == triple
    assert decode_reject(encoded[HEAD_BYTES:]) == AssociateReject(*triple)
    abort = oracle.A_ABORT_RQ()
    abort.decode(encode_abort(2, 6))
    assert (abort.source, abort.reason_diagnostic) == (2, 6)


def body(*, called: bytes = b"RADSTREAM".ljust(16), items: bytes = b"") -> bytes:
    return pack(">H2x16s16s32x", 1, called, b"SCANNER".ljust(16)) + items


CONTEXT_ITEM = encode_item(0x20, b"\1\0\0\0" + encode_item(0x30, b"1.2.3") + encode_item(0x40, b"1.2.840.10008.1.2"))


def test_titles_padded_with_nul_and_uids_padded_with_nul_are_understood() -> None:
    padded = encode_item(0x20, b"\1\0\0\0" + encode_item(0x30, b"1.2.3\0") + encode_item(0x40, b"1.2.4 "))
    request = decode_request(body(called=b"RADSTREAM".ljust(16, b"\0"), items=padded))
    assert request.called_ae_title == "RADSTREAM"
    assert request.contexts == (ProposedContext(1, "1.2.3", ("1.2.4",)),)


def test_items_of_unknown_type_are_skipped_at_every_level() -> None:
    unknown = encode_item(0x7E, b"?")
    inner = encode_item(0x20, b"\3\0\0\0" + unknown + encode_item(0x30, b"1.2.3") + encode_item(0x40, b"1.2.4"))
    user = encode_item(0x50, unknown + encode_item(0x51, pack(">I", 4096)) + encode_item(0x5A, b"later"))
    request = decode_request(body(items=unknown + inner + user))
    assert request.contexts == (ProposedContext(3, "1.2.3", ("1.2.4",)),)
    assert request.user.max_pdu_bytes == 4096


def user_item(kind: int, value: bytes) -> bytes:
    return encode_item(0x50, encode_item(kind, value))


@pytest.mark.parametrize(
    "items",
    [
        b"\x20\0\0",
        b"\x20\0\xff\xff\1",
        encode_item(0x20, b"\1\0\0"),
        encode_item(0x20, b"\2\0\0\0" + encode_item(0x30, b"1.2") + encode_item(0x40, b"1.2")),
        encode_item(0x20, b"\1\0\0\0" + encode_item(0x40, b"1.2")),
        encode_item(0x20, b"\1\0\0\0" + encode_item(0x30, b"1.2")),
        encode_item(0x20, b"\1\0\0\0" + encode_item(0x30, b"1" * 65) + encode_item(0x40, b"1.2")),
        encode_item(0x20, b"\1\0\0\0" + encode_item(0x30, b"1.\xff") + encode_item(0x40, b"1.2")),
        CONTEXT_ITEM * 2,
        user_item(0x51, b"\0\0\1"),
        user_item(0x51, pack(">I", 7)),
        user_item(0x53, b"\0\1"),
        user_item(0x54, pack(">H", 5) + b"1.2.3" + b"\1"),
        user_item(0x54, pack(">H", 50) + b"1.2.3"),
        user_item(0x56, b"\0"),
        user_item(0x57, pack(">H", 3) + b"1.2"),
        user_item(0x58, b"\1"),
        user_item(0x58, b"\1\1" + pack(">H", 9) + b"short"),
    ],
)
def test_a_malformed_request_is_a_violation(items: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        decode_request(body(items=items))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for decode in (decode_request, decode_accept, decode_reject):
        for candidate in (data, body() + data):
            try:
                decode(candidate)
            except ProtocolViolation as violation:
                assert violation.reason == 6  # noqa: PT017 - that nothing else is raised is the point


def test_a_request_cut_anywhere_is_a_violation_or_an_earlier_end() -> None:
    whole = encode_request(
        AssociateRequest("A", "B", (ProposedContext(1, "1.2.3", ("1.2.4",)),), UserInformation(window=(1, 1)))
    )[HEAD_BYTES:]
    ends = []
    for size in range(len(whole)):
        try:
            decode_request(whole[:size])
            ends.append(size)
        except ProtocolViolation:
            continue
    assert len(ends) == 3  # before each of the three items


def test_credentials_do_not_show_in_a_log() -> None:
    assert "secret" not in repr(UserIdentity(2, True, b"secret", b"secret"))
