"""The user information item of the A-ASSOCIATE PDUs: everything that PS3.7 D.3.3 negotiates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from struct import Struct, error
from typing import Any, Final, NamedTuple

from radstream.contract.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from radstream.dimse.items import counted, encode_item, take, to_uid, walk_items
from radstream.dimse.pdus import ProtocolViolation

DEFAULT_MAX_PDU_BYTES: Final = 16384
"""Assumed of a peer that does not say how much it takes, although it must (PS3.7 D.3.3.1)."""

_MAXIMUM_LENGTH: Final = Struct(">I")
_WINDOW: Final = Struct(">HH")


class Role(NamedTuple):
    """SCP/SCU role selection: whether the *requestor* is, or may be, SCU and SCP (PS3.7 D.3.3.4)."""

    scu: bool
    scp: bool


@dataclass(frozen=True)
class UserIdentity:
    """Who a requestor says its user is (PS3.7 D.3.3.7).

    Parameters
    ----------
    kind : int
        1 user name, 2 user name and passcode, 3 Kerberos ticket, 4 SAML assertion, 5 JSON web token.
    response_requested : bool
    primary_field, secondary_field : bytes
        Never to be logged.
    """

    kind: int
    response_requested: bool
    primary_field: bytes = field(repr=False)
    secondary_field: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class UserInformation:
    """The user information of an A-ASSOCIATE-RQ or -AC.

    Parameters
    ----------
    max_pdu_bytes : int
        Largest P-DATA-TF (without its head) that the sender takes; 0 is any.
    window : tuple of int, optional
        Operations that may be invoked and performed at once (PS3.7 D.3.3.3); not negotiated: one and one.
    roles : mapping of str to Role
        By SOP Class UID.
    extended : mapping of str to bytes
        Service-class-application-information by SOP Class UID (PS3.7 D.3.3.5).
    common_extended : mapping of str to tuple
        Service Class UID and related general SOP Class UIDs by SOP Class UID (PS3.7 D.3.3.6). Needs no answer.
    user_identity : UserIdentity, optional
        Of a request.
    server_response : bytes, optional
        Of an answer: that the identity was verified.
    """

    max_pdu_bytes: int = DEFAULT_MAX_PDU_BYTES
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID
    implementation_version_name: str = IMPLEMENTATION_VERSION_NAME
    window: tuple[int, int] | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    extended: Mapping[str, bytes] = field(default_factory=dict)
    common_extended: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    user_identity: UserIdentity | None = None
    server_response: bytes | None = None


def decode_user_information(value: bytes) -> UserInformation:
    """Return the user information item `value`; unknown sub-items are skipped.

    Raises
    ------
    ProtocolViolation
        If a sub-item is malformed.
    """
    found: dict[str, Any] = {"implementation_class_uid": "", "implementation_version_name": ""}
    try:
        for kind, item in walk_items(value):
            if kind in _DECODERS:
                _DECODERS[kind](found, item)
    except (error, IndexError) as reason:
        raise ProtocolViolation("a sub-item of the user information is too short") from reason
    return UserInformation(**found)


def encode_user_information(user: UserInformation) -> bytes:
    """Return the value of a user information item, its sub-items in the order of their types."""
    parts = [
        encode_item(0x51, _MAXIMUM_LENGTH.pack(user.max_pdu_bytes)),
        encode_item(0x52, user.implementation_class_uid.encode("ascii")),
    ]
    if user.window is not None:
        parts.append(encode_item(0x53, _WINDOW.pack(*user.window)))
    parts += [encode_item(0x54, _uid(uid) + bytes((role.scu, role.scp))) for uid, role in user.roles.items()]
    if user.implementation_version_name:
        parts.append(encode_item(0x55, user.implementation_version_name.encode("ascii")))
    parts += [encode_item(0x56, _uid(uid) + information) for uid, information in user.extended.items()]
    parts += [encode_item(0x57, _encode_common(uid, *common)) for uid, common in user.common_extended.items()]
    if user.user_identity is not None:
        parts.append(encode_item(0x58, _encode_identity(user.user_identity)))
    if user.server_response is not None:
        parts.append(encode_item(0x59, counted(user.server_response)))
    return b"".join(parts)


def _uid(uid: str) -> bytes:
    return counted(uid.encode("ascii"))


def _encode_common(uid: str, service_class_uid: str, related: tuple[str, ...]) -> bytes:
    return _uid(uid) + _uid(service_class_uid) + counted(b"".join(map(_uid, related)))


def _encode_identity(identity: UserIdentity) -> bytes:
    head = bytes((identity.kind, identity.response_requested))
    return head + counted(identity.primary_field) + counted(identity.secondary_field)


def _max_pdu_bytes(found: dict[str, Any], item: bytes) -> None:
    (found["max_pdu_bytes"],) = _MAXIMUM_LENGTH.unpack(item)
    if 0 < found["max_pdu_bytes"] < 8:
        raise ProtocolViolation("the peer's maximum length leaves no room for a fragment")


def _implementation_class_uid(found: dict[str, Any], item: bytes) -> None:
    found["implementation_class_uid"] = to_uid(item)


def _window(found: dict[str, Any], item: bytes) -> None:
    found["window"] = _WINDOW.unpack(item)


def _role(found: dict[str, Any], item: bytes) -> None:
    uid, offset = take(item, 0)
    found.setdefault("roles", {})[to_uid(uid)] = Role(item[offset] == 1, item[offset + 1] == 1)


def _implementation_version_name(found: dict[str, Any], item: bytes) -> None:
    found["implementation_version_name"] = item.strip(b"\0 ").decode("ascii", "replace")


def _extended(found: dict[str, Any], item: bytes) -> None:
    uid, offset = take(item, 0)
    found.setdefault("extended", {})[to_uid(uid)] = item[offset:]


def _common_extended(found: dict[str, Any], item: bytes) -> None:
    uid, offset = take(item, 0)
    service_class_uid, offset = take(item, offset)
    listed, _ = take(item, offset)
    related, offset = [], 0
    while offset < len(listed):
        general, offset = take(listed, offset)
        related.append(to_uid(general))
    found.setdefault("common_extended", {})[to_uid(uid)] = (to_uid(service_class_uid), tuple(related))


def _user_identity(found: dict[str, Any], item: bytes) -> None:
    primary_field, offset = take(item, 2)
    secondary_field, _ = take(item, offset)
    found["user_identity"] = UserIdentity(item[0], item[1] == 1, primary_field, secondary_field)


def _server_response(found: dict[str, Any], item: bytes) -> None:
    found["server_response"], _ = take(item, 0)


_DECODERS: Final[dict[int, Callable[[dict[str, Any], bytes], None]]] = {
    0x51: _max_pdu_bytes,
    0x52: _implementation_class_uid,
    0x53: _window,
    0x54: _role,
    0x55: _implementation_version_name,
    0x56: _extended,
    0x57: _common_extended,
    0x58: _user_identity,
    0x59: _server_response,
}
