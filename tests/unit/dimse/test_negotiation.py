"""Who may associate, and in which presentation contexts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from pydicom.uid import UID
from pynetdicom.presentation import SCP_SCU_ROLES

from radstream.contract.errors import Unavailable
from radstream.dimse.associate import ContextResult, ProposedContext, decode_accept, encode_request
from radstream.dimse.messages import CommandField
from radstream.dimse.negotiation import Acceptor, Context, accepted_by_peer
from radstream.dimse.pdus import PduType
from radstream.dimse.recognition import AETitlePolicy
from radstream.dimse.routes import MessageRoute, Reply, Request, store_route, verification_route
from radstream.dimse.server import Peer
from radstream.dimse.sop_classes import (
    ALL_TRANSFER_SYNTAXES,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    STORAGE_SOP_CLASSES,
    VERIFICATION,
)
from radstream.dimse.user_information import Role, UserIdentity, UserInformation
from radstream.telemetry import ASSOCIATIONS, ASSOCIATIONS_REFUSED
from tests.dimse_wire import (
    CT_IMAGE_STORAGE,
    RELEASE_RQ,
    Store,
    Wire,
    associate,
    connect,
    make_house,
    make_request,
    settle,
    store_house,
)

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"


async def find(_request: Request, identifier: bytes) -> AsyncIterator[Reply]:
    yield Reply(0xFF00, identifier)


def negotiate(*proposed: ProposedContext, **user: object) -> tuple[dict[int, Context], UserInformation, list[int]]:
    routes = (
        store_route(Store(), ["1.3.12.2.1107"]),
        verification_route(),
        MessageRoute(
            abstract_syntaxes={FIND},
            command_field=CommandField.C_FIND_RQ,
            handler=find,
            answer_extended=lambda asked: bytes(byte & 1 for byte in asked),
        ),
    )
    request = make_request(contexts=proposed, user=UserInformation(**user))  # type: ignore[arg-type]
    contexts, accept = Acceptor(routes, {CT_IMAGE_STORAGE}, 1 << 16).negotiate(request)
    return contexts, accept.user, [result.result for result in accept.contexts]


def result_of(abstract_syntax: str, *transfer_syntaxes: str, **user: object) -> tuple[int, str]:
    contexts, _, (result,) = negotiate(ProposedContext(1, abstract_syntax, transfer_syntaxes), **user)
    return result, contexts[1].transfer_syntax_uid if contexts else ""


def test_the_first_proposed_transfer_syntax_that_is_taken_is_accepted() -> None:
    proposed = ("1.2.3", JPEG_BASELINE, IMPLICIT_VR_LITTLE_ENDIAN)
    assert result_of(CT_IMAGE_STORAGE, *proposed) == (0, JPEG_BASELINE)
    assert result_of(CT_IMAGE_STORAGE, *reversed(proposed)) == (0, IMPLICIT_VR_LITTLE_ENDIAN)


def test_unknown_syntaxes_are_rejected_each_with_its_result() -> None:
    assert result_of("1.2.3", IMPLICIT_VR_LITTLE_ENDIAN) == (3, "")
    assert result_of(CT_IMAGE_STORAGE, "1.2.3", "1.2.4") == (4, "")
    assert result_of(FIND, JPEG_BASELINE) == (4, "")


def test_one_abstract_syntax_may_be_proposed_often_with_different_outcomes() -> None:
    contexts, _, results = negotiate(
        ProposedContext(1, CT_IMAGE_STORAGE, (JPEG_BASELINE,)),
        ProposedContext(3, CT_IMAGE_STORAGE, (EXPLICIT_VR_LITTLE_ENDIAN,)),
        ProposedContext(5, CT_IMAGE_STORAGE, ("1.2.3",)),
    )
    assert results == [0, 0, 4]
    assert {number: context.transfer_syntax_uid for number, context in contexts.items()} == {
        1: JPEG_BASELINE,
        3: EXPLICIT_VR_LITTLE_ENDIAN,
    }


def test_private_storage_sop_classes_are_taken_only_if_configured() -> None:
    assert result_of("1.3.12.2.1107", IMPLICIT_VR_LITTLE_ENDIAN)[0] == 0
    assert result_of("1.3.12.2.1108", IMPLICIT_VR_LITTLE_ENDIAN)[0] == 3
    any_private = store_route(Store(), ["*"]).abstract_syntaxes
    assert "1.3.12.2.1108" in any_private
    assert FIND not in any_private


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.5.1.4.1.1.2",
        "1.2.840.10008.5.1.4.1.1.3",  # Ultrasound Multi-frame, retired
        "1.2.840.10008.5.1.4.1.1.6",  # Ultrasound, retired
        "1.2.840.10008.5.1.4.1.1.77.1.6",
        "1.2.840.10008.5.1.4.1.1.481.3",
        "1.2.840.10008.5.1.4.1.1.104.1",
    ],
)
def test_storage_sop_classes_of_all_times_are_known(uid: str) -> None:
    assert uid in STORAGE_SOP_CLASSES


def test_every_storage_sop_class_is_one_and_no_other_service_is() -> None:
    assert len(STORAGE_SOP_CLASSES) > 170
    names = {UID(uid).name for uid in STORAGE_SOP_CLASSES}
    assert not [name for name in names if "Commitment" in name or "FIND" in name or "Directory" in name]


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.55",
        "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81",
        "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.102",
        "1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112",
        "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203", "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.8.1",
    ],
)  # fmt: skip
def test_transfer_syntaxes_of_all_times_are_taken_for_storage(uid: str) -> None:
    assert uid in ALL_TRANSFER_SYNTAXES
    assert result_of(CT_IMAGE_STORAGE, uid) == (0, uid)


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.6.1", "1.2.840.10008.1.2.6.2", "1.2.840.10008.1.20"])
def test_what_is_no_encoding_of_a_data_set_is_not(uid: str) -> None:
    assert result_of(CT_IMAGE_STORAGE, uid) == (4, "")


@pytest.mark.parametrize("scu", [True, False])
@pytest.mark.parametrize("scp", [True, False])
@pytest.mark.parametrize("abstract_syntax", [CT_IMAGE_STORAGE, VERIFICATION])
def test_roles_are_answered_as_the_standard_has_it(abstract_syntax: str, scu: bool, scp: bool) -> None:
    proposed = Role(scu, scp)
    contexts, user, (result,) = negotiate(
        ProposedContext(1, abstract_syntax, (IMPLICIT_VR_LITTLE_ENDIAN,)), roles={abstract_syntax: proposed}
    )
    ours = (True, abstract_syntax == CT_IMAGE_STORAGE)  # which roles of the requestor we can face
    _, _, may_invoke, may_perform = SCP_SCU_ROLES[tuple(proposed)][ours]
    if may_invoke or may_perform:
        assert result == 0
        assert (contexts[1].may_invoke, contexts[1].may_perform) == (may_invoke, may_perform)
        assert user.roles == {abstract_syntax: Role(scu and ours[0], scp and ours[1])}
    else:
        assert result in (1, 3)
        assert user.roles == {}


def test_without_a_role_item_the_requestor_is_scu_and_none_is_answered() -> None:
    contexts, user, _ = negotiate(ProposedContext(1, CT_IMAGE_STORAGE, (IMPLICIT_VR_LITTLE_ENDIAN,)))
    assert (contexts[1].may_perform, contexts[1].may_invoke) == (True, False)
    assert user.roles == {}


def test_extended_negotiation_is_answered_by_the_route_and_only_for_accepted_classes() -> None:
    _, user, _ = negotiate(
        ProposedContext(1, CT_IMAGE_STORAGE, (IMPLICIT_VR_LITTLE_ENDIAN,)),
        ProposedContext(3, FIND, (IMPLICIT_VR_LITTLE_ENDIAN,)),
        ProposedContext(5, VERIFICATION, (IMPLICIT_VR_LITTLE_ENDIAN,)),
        ProposedContext(7, "1.2.3", (IMPLICIT_VR_LITTLE_ENDIAN,)),
        extended={CT_IMAGE_STORAGE: b"\2\0\1\0\2\0", FIND: b"\1\1\0", VERIFICATION: b"\1", "1.2.3": b"\1"},
        common_extended={CT_IMAGE_STORAGE: ("1.2.840.10008.4.2", ())},
    )
    assert user.extended == {CT_IMAGE_STORAGE: b"\2\0\3\0\0\0", FIND: b"\1\1\0"}
    assert user.common_extended == {}


@pytest.mark.parametrize(("proposed", "answered"), [(None, None), ((0, 0), (1, 1)), ((8, 5), (1, 1))])
def test_the_window_is_one_and_answered_only_if_proposed(
    proposed: tuple[int, int] | None, answered: tuple[int, int] | None
) -> None:
    context = ProposedContext(1, VERIFICATION, (IMPLICIT_VR_LITTLE_ENDIAN,))
    _, user, _ = negotiate(context, window=proposed)
    assert user.window == answered
    assert user.max_pdu_bytes == 1 << 16


def test_a_requestor_takes_only_what_it_proposed() -> None:
    request = make_request()
    accept = Acceptor((store_route(Store()), verification_route()), (), 1 << 16).negotiate(request)[1]
    assert set(accepted_by_peer(request, accept)) == {1, 3}
    strange = (
        ContextResult(1, 0, JPEG_BASELINE),
        ContextResult(3, 4, ""),
        ContextResult(99, 0, IMPLICIT_VR_LITTLE_ENDIAN),
    )
    assert accepted_by_peer(request, type(accept)("A", "B", strange, accept.user)) == {}


# --- rejections on the wire -----------------------------------------------------------------------------------------


def rejection(wire: Wire) -> tuple[int, int, int]:
    (kind, body), *rest = wire.take_pdus()
    assert kind == PduType.A_ASSOCIATE_RJ
    assert rest == []
    return body[1], body[2], body[3]


OURS = AETitlePolicy(called=frozenset({"RADSTREAM", "ARCHIVE"}), calling=frozenset({"SCANNER"}))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"called_ae_title": "OTHER"}, (1, 1, 7)),
        ({"called_ae_title": "radstream"}, (1, 1, 7)),
        ({"called_ae_title": ""}, (1, 1, 7)),
        ({"calling_ae_title": "STRANGER"}, (1, 1, 3)),
        ({"application_context_name": "1.2.3"}, (1, 1, 2)),
        ({"protocol_version": 2}, (1, 2, 2)),
        ({"protocol_version": 0}, (1, 2, 2)),
    ],
)
async def test_a_refused_association_is_rejected_with_its_reason(
    changes: dict[str, object], expected: tuple[int, int, int]
) -> None:
    session, wire = connect(store_house(Store(), ae_title=OURS))
    wire.feed(encode_request(make_request(**changes)))
    assert rejection(wire) == expected
    assert not session.is_established
    wire.feed(b"\4\0\0\0\0\0")
    assert wire.take_pdus() == []


@pytest.mark.parametrize("changes", [{}, {"called_ae_title": "ARCHIVE"}, {"protocol_version": 3}])
async def test_known_titles_and_later_protocol_versions_are_accepted(changes: dict[str, object]) -> None:
    session, _ = associate(store_house(Store(), ae_title=OURS), make_request(**changes))
    assert session.is_established


async def test_open_and_refused_associations_are_counted() -> None:
    def refused(reason: str) -> float:
        return float(ASSOCIATIONS_REFUSED.labels(reason)._value.get())

    title, aborted, before = "called AE title not recognized", "aborted", ASSOCIATIONS._value.get()
    counts = refused(title), refused(aborted)
    _, wire = associate(store_house(Store()))
    assert ASSOCIATIONS._value.get() == before + 1
    wire.feed(RELEASE_RQ)
    assert ASSOCIATIONS._value.get() == before
    _, wire = connect(store_house(Store(), ae_title=OURS))
    wire.feed(encode_request(make_request(called_ae_title="OTHER")))
    connect(store_house(Store()))[1].transport.close()
    await settle()
    assert (refused(title), refused(aborted)) == (counts[0] + 1, counts[1])
    associate(store_house(Store()))[1].transport.close()
    await settle()
    assert (refused(title), refused(aborted)) == (counts[0] + 1, counts[1] + 1)


# --- user identity --------------------------------------------------------------------------------------------------

USER_NAME = UserIdentity(2, True, b"user", b"passcode")


async def verify(identity: UserIdentity, peer: Peer) -> bytes | None:
    assert peer.calling_ae_title == "SCANNER"
    if identity.primary_field == b"away":
        raise Unavailable("the directory does not answer")
    return b"response" if identity.secondary_field == b"passcode" else None


async def answer_to(identity: UserIdentity | None, *, with_verifier: bool) -> tuple[int, bytes]:
    house = make_house(store_route(Store()), verification_route(), verifier=verify if with_verifier else None)
    _, wire = connect(house)
    wire.feed(encode_request(make_request(user=UserInformation(user_identity=identity))))
    await settle()
    ((kind, body),) = wire.take_pdus()
    return kind, body


async def test_without_a_verifier_an_identity_is_accepted_and_not_answered() -> None:
    kind, body = await answer_to(USER_NAME, with_verifier=False)
    assert kind == PduType.A_ASSOCIATE_AC
    assert decode_accept(body).user.server_response is None


@pytest.mark.parametrize(("is_requested", "response"), [(True, b"response"), (False, None)])
async def test_a_verified_identity_is_answered_if_an_answer_is_requested(
    is_requested: bool, response: bytes | None
) -> None:
    kind, body = await answer_to(UserIdentity(2, is_requested, b"user", b"passcode"), with_verifier=True)
    assert kind == PduType.A_ASSOCIATE_AC
    assert decode_accept(body).user.server_response == response


@pytest.mark.parametrize("identity", [None, UserIdentity(2, True, b"user", b"wrong"), UserIdentity(1, True, b"away")])
async def test_with_a_verifier_nobody_else_comes_in(identity: UserIdentity | None) -> None:
    kind, body = await answer_to(identity, with_verifier=True)
    assert kind == PduType.A_ASSOCIATE_RJ
    assert tuple(body[1:]) == (1, 1, 1)


async def test_a_peer_that_leaves_while_it_is_verified_is_not_answered() -> None:
    may_answer = asyncio.Event()

    async def verify_slowly(identity: UserIdentity, peer: Peer) -> bytes | None:
        await may_answer.wait()
        return await verify(identity, peer)

    before = ASSOCIATIONS._value.get()
    session, wire = connect(make_house(store_route(Store()), verifier=verify_slowly))
    wire.feed(encode_request(make_request(user=UserInformation(user_identity=USER_NAME))))
    wire.transport.close()
    await settle()
    may_answer.set()
    await settle()
    assert wire.take_pdus() == []
    assert not session.is_established
    assert ASSOCIATIONS._value.get() == before


def test_nothing_of_pynetdicom_prints_what_it_sees() -> None:
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("pynetdicom")]
    handlers = [handler for logger in loggers for handler in logger.handlers]
    assert loggers
    assert all(isinstance(handler, logging.NullHandler) for handler in handlers)
