"""What is negotiated with pynetdicom, in both directions: users, window, roles, extensions, names, PDU sizes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydicom.uid import CTImageStorage
from pynetdicom import (
    PYNETDICOM_IMPLEMENTATION_UID,
    PYNETDICOM_IMPLEMENTATION_VERSION,
    build_context,
)
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from radstream.contract.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from radstream.dimse.client import AssociationRejected
from radstream.dimse.server import (
    Limits,
    Peer,
    UserIdentity,
    store_route,
)
from radstream.dimse.sop_classes import EXPLICIT_VR_LITTLE_ENDIAN
from radstream.dimse.user_information import Role, UserInformation
from tests.dimse_peers import pynetdicom_association, pynetdicom_scp, sample, serving, to
from tests.dimse_wire import CT_IMAGE_STORAGE, Store
from tests.samples import data_set_of

pytestmark = pytest.mark.e2e


async def test_pynetdicom_negotiates_window_extensions_and_identity() -> None:
    from pynetdicom.pdu_primitives import (
        AsynchronousOperationsWindowNegotiation,
        SOPClassExtendedNegotiation,
        UserIdentityNegotiation,
    )

    def negotiate(port: int) -> tuple[int, bytes, Any]:
        window = AsynchronousOperationsWindowNegotiation()
        window.maximum_number_operations_invoked = window.maximum_number_operations_performed = 5
        extended = SOPClassExtendedNegotiation()
        extended.sop_class_uid, extended.service_class_application_information = CT_IMAGE_STORAGE, b"\2\0\0\0\2\0"
        identity = UserIdentityNegotiation()
        identity.user_identity_type, identity.primary_field = 1, b"user"
        identity.positive_response_requested = True
        items = [window, extended, identity]
        with pynetdicom_association(port, [build_context(CTImageStorage)], ext_neg=items) as association:
            acceptor = association.acceptor
            return (
                acceptor.asynchronous_operations,
                acceptor.sop_class_extended[CT_IMAGE_STORAGE],
                acceptor.user_identity,
            )

    async with serving(Store()) as server:
        window, information, identity = await asyncio.to_thread(negotiate, server.port)
    assert window == (1, 1)
    assert information == b"\2\0\3\0\0\0"
    assert identity is None


IDENTITIES = [
    (1, b"user", b""),
    (2, b"user", b"passcode"),
    (3, bytes(range(256)), b""),
    (4, b"<saml/>", b""),
    (5, b"head.body.signature", b""),
]


@pytest.mark.parametrize(("kind", "primary", "secondary"), IDENTITIES)
@pytest.mark.parametrize("is_verified", [True, False])
async def test_pynetdicoms_user_is_verified_by_us(
    kind: int, primary: bytes, secondary: bytes, is_verified: bool
) -> None:
    async def verify(identity: UserIdentity, peer: Peer) -> bytes | None:
        assert (identity.kind, identity.primary_field, identity.secondary_field) == (kind, primary, secondary)
        assert peer.calling_ae_title == "PYNETDICOM"
        return (b"" if kind < 3 else b"answer") if is_verified else None

    def negotiate(port: int) -> tuple[bool, bytes | None]:
        identity = UserIdentityNegotiation()
        identity.user_identity_type, identity.primary_field = kind, primary
        if secondary:
            identity.secondary_field = secondary
        identity.positive_response_requested = True
        with pynetdicom_association(port, [build_context(CTImageStorage)], ext_neg=[identity]) as association:
            answer = association.acceptor.user_identity
            return association.is_established, answer and answer.server_response

    async with serving(Store(), verifier=verify) as server:
        is_established, response = await asyncio.to_thread(negotiate, server.port)
    assert is_established == is_verified
    assert response == ((b"" if kind < 3 else b"answer") if is_verified else None)


@pytest.mark.parametrize(("kind", "primary", "secondary"), IDENTITIES)
@pytest.mark.parametrize("is_verified", [True, False])
async def test_our_user_is_verified_by_pynetdicom(
    kind: int, primary: bytes, secondary: bytes, is_verified: bool
) -> None:
    seen: list[tuple[int, bytes, bytes]] = []

    def verify(event: Any) -> tuple[bool, bytes | None]:
        seen.append((event.user_id_type, event.primary_field, event.secondary_field or b""))
        return is_verified, b"answer"

    user = UserInformation(user_identity=UserIdentity(kind, True, primary, secondary))
    with pynetdicom_scp(EVT_USER_ID=verify) as port:
        if is_verified:
            async with to(port, user=user) as association:
                assert await association.c_echo() == 0
                # It leaves the sub-item out where it would be empty.
                assert association.accept.user.server_response == (b"answer" if kind > 2 else None)
        else:
            with pytest.raises(AssociationRejected, match="no reason given"):
                async with to(port, user=user):
                    raise AssertionError("must not be entered")
    assert seen == [(kind, primary, secondary)]


async def test_pynetdicom_grants_one_operation_at_a_time_and_gets_no_more() -> None:
    under_way = most = 0
    data_set = data_set_of(sample("CT_small.dcm").read_bytes())

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        yield data_set

    with pynetdicom_scp(EVT_C_STORE=lambda _: 0, EVT_ASYNC_OPS=lambda _: (5, 5)) as port:
        async with to(port, user=UserInformation(window=(5, 1))) as association:
            assert association.accept.user.window == (1, 1)

            async def store(number: int) -> int:
                nonlocal under_way
                stored = (CT_IMAGE_STORAGE, f"1.2.3.{number}", EXPLICIT_VR_LITTLE_ENDIAN)
                status = await association.c_store(*stored, chunks())
                under_way -= 1
                return status

            assert await asyncio.gather(*map(store, range(12))) == [0] * 12
    assert most == 1


async def test_roles_and_extensions_and_names_are_negotiated_with_pynetdicom() -> None:
    seen: dict[str, Any] = {}

    def on_extended(event: Any) -> dict[str, bytes]:
        seen["extended"] = event.app_info
        return {CT_IMAGE_STORAGE: b"\2\0\3\0\0\0"}

    def on_common(event: Any) -> dict[str, Any]:
        seen["common"] = {
            uid: (item.service_class_uid, tuple(item.related_general_sop_class_identification))
            for uid, item in event.items.items()
        }
        return {}

    def on_accepted(event: Any) -> None:
        seen["names"] = (
            event.assoc.requestor.implementation_class_uid,
            event.assoc.requestor.implementation_version_name,
        )

    user = UserInformation(
        extended={CT_IMAGE_STORAGE: b"\2\0\0\0\2\0"},
        common_extended={CT_IMAGE_STORAGE: ("1.2.840.10008.4.2", ("1.2.840.10008.5.1.4.1.1.88.22",))},
    )
    handlers = {"EVT_SOP_EXTENDED": on_extended, "EVT_SOP_COMMON": on_common, "EVT_ESTABLISHED": on_accepted}
    with pynetdicom_scp(**handlers) as port:
        async with to(port, user=user) as association:
            answer = association.accept.user
            assert await association.c_echo() == 0
    assert seen["extended"] == user.extended
    assert seen["common"] == user.common_extended
    assert seen["names"] == (IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME)
    assert answer.extended == {CT_IMAGE_STORAGE: b"\2\0\3\0\0\0"}
    assert answer.implementation_class_uid == PYNETDICOM_IMPLEMENTATION_UID
    assert answer.implementation_version_name == PYNETDICOM_IMPLEMENTATION_VERSION


async def test_pynetdicom_stores_in_us_on_the_association_that_we_asked_for() -> None:
    store, accepted = Store(), asyncio.Event()
    loop = asyncio.get_running_loop()
    acceptors: list[Any] = []

    def on_established(event: Any) -> None:
        acceptors.append(event.assoc)
        loop.call_soon_threadsafe(accepted.set)

    user = UserInformation(roles={CT_IMAGE_STORAGE: Role(scu=False, scp=True)})
    with pynetdicom_scp(scp_role=True, EVT_ESTABLISHED=on_established) as port:
        async with to(port, user=user, routes=(store_route(store),)) as association:
            await accepted.wait()
            assert association.accepted_syntaxes(CT_IMAGE_STORAGE) == frozenset()
            status = await asyncio.to_thread(acceptors[0].send_c_store, sample("CT_small.dcm"))
            assert status.Status == 0
    assert bytes(store.sinks[0].received) == data_set_of(sample("CT_small.dcm").read_bytes())


@pytest.mark.parametrize("ours", [4 << 10, 1 << 20])
@pytest.mark.parametrize("theirs", [0, 4 << 10, 1 << 20])
async def test_pdus_of_any_agreed_size_go_both_ways(ours: int, theirs: int) -> None:
    received: list[bytes] = []

    def on_store(event: Any) -> int:
        received.append(event.request.DataSet.getvalue())
        return 0

    data_set = data_set_of(sample("JPEG-LL.dcm").read_bytes()) * 3
    with pynetdicom_scp(max_pdu_bytes=theirs, EVT_C_STORE=on_store) as port:
        async with to(port, limits=Limits(max_pdu_bytes=ours)) as association:
            assert association.layer.max_fragment_bytes <= (theirs or 1 << 20)
            stored = (CT_IMAGE_STORAGE, "1.2.3", EXPLICIT_VR_LITTLE_ENDIAN)
            assert await association.c_store(*stored, data_set) == 0
    assert received == [data_set]
    store = Store()

    def send(port: int) -> int:
        contexts = [build_context(CTImageStorage, EXPLICIT_VR_LITTLE_ENDIAN)]
        with pynetdicom_association(port, contexts, max_pdu=theirs) as association:
            return int(association.send_c_store(sample("CT_small.dcm")).Status)

    async with serving(store, limits=Limits(max_pdu_bytes=ours)) as server:
        assert await asyncio.to_thread(send, server.port) == 0
    assert bytes(store.sinks[0].received) == data_set_of(sample("CT_small.dcm").read_bytes())
