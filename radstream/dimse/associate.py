"""A-ASSOCIATE-RQ and A-ASSOCIATE-AC, decoded and encoded in one pass over their bytes (PS3.8 9.3.2, 9.3.3).

Items of unknown type are skipped, as PS3.8 9.3.1 demands.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from radstream.dimse.items import encode_item, to_uid, walk_items
from radstream.dimse.pdus import HEAD, PduType, ProtocolViolation
from radstream.dimse.user_information import UserInformation, decode_user_information, encode_user_information

APPLICATION_CONTEXT_NAME: Final = "1.2.840.10008.3.1.1.1"
"""The DICOM application context (PS3.7 A.2.1)."""

_FIXED: Final = Struct(">H2x16s16s32x")


@dataclass(frozen=True)
class ProposedContext:
    """A presentation context as a requestor proposes it (PS3.8 9.3.2.2)."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True)
class ContextResult:
    """What an acceptor makes of a presentation context (PS3.8 9.3.3.2).

    Parameters
    ----------
    result : int
        0 acceptance, 1 user rejection, 2 no reason, 3 abstract syntax not supported, 4 transfer syntaxes not supported.
    transfer_syntax_uid : str
        Means something only if `result` is 0.
    """

    context_id: int
    result: int
    transfer_syntax_uid: str


@dataclass(frozen=True)
class AssociateRequest:
    """An A-ASSOCIATE-RQ; AE titles without their padding."""

    calling_ae_title: str
    called_ae_title: str
    contexts: tuple[ProposedContext, ...]
    user: UserInformation
    application_context_name: str = APPLICATION_CONTEXT_NAME
    protocol_version: int = 1


@dataclass(frozen=True)
class AssociateAccept:
    """An A-ASSOCIATE-AC; it repeats the AE titles of the request, which nobody may test (PS3.8 9.3.3)."""

    calling_ae_title: str
    called_ae_title: str
    contexts: tuple[ContextResult, ...]
    user: UserInformation
    protocol_version: int = 1


@dataclass(frozen=True)
class AssociateReject:
    """An A-ASSOCIATE-RJ (PS3.8 9.3.4).

    Parameters
    ----------
    result : int
        1 rejected-permanent, 2 rejected-transient.
    source : int
        1 service-user, 2 service-provider (ACSE), 3 service-provider (presentation).
    reason : int
        Means something only together with `source`.
    """

    result: int
    source: int
    reason: int


def decode_request(body: bytes) -> AssociateRequest:
    """Return the A-ASSOCIATE-RQ whose bytes after the head are `body`.

    Raises
    ------
    ProtocolViolation
        If it is malformed, or a presentation context ID is even, repeated, or without an abstract syntax.
    """
    version, called, calling, items = _split(body)
    contexts, user, application_context_name = [], UserInformation(), ""
    for kind, value in items:
        if kind == 0x10:
            application_context_name = to_uid(value)
        elif kind == 0x20:
            contexts.append(_decode_proposed(value))
        elif kind == 0x50:
            user = decode_user_information(value)
    if len({context.context_id for context in contexts}) != len(contexts):
        raise ProtocolViolation("two presentation contexts have the same ID")
    return AssociateRequest(calling, called, tuple(contexts), user, application_context_name, version)


def decode_accept(body: bytes) -> AssociateAccept:
    """Return the A-ASSOCIATE-AC whose bytes after the head are `body`; `ProtocolViolation` if it is malformed."""
    version, called, calling, items = _split(body)
    contexts, user = [], UserInformation()
    for kind, value in items:
        if kind == 0x21:
            contexts.append(_decode_result(value))
        elif kind == 0x50:
            user = decode_user_information(value)
    return AssociateAccept(calling, called, tuple(contexts), user, version)


def decode_reject(body: bytes) -> AssociateReject:
    """Return the A-ASSOCIATE-RJ whose bytes after the head are `body`; `ProtocolViolation` if it is malformed."""
    if len(body) < 4:
        raise ProtocolViolation("an A-ASSOCIATE-RJ without reason")
    return AssociateReject(*body[1:4])


def encode_request(request: AssociateRequest) -> bytes:
    """Return the A-ASSOCIATE-RQ, head included."""
    contexts = [encode_item(0x20, _encode_proposed(context)) for context in request.contexts]
    return _encode(PduType.A_ASSOCIATE_RQ, request, request.application_context_name, contexts)


def encode_accept(accept: AssociateAccept) -> bytes:
    """Return the A-ASSOCIATE-AC, head included."""
    contexts = [encode_item(0x21, _encode_result(context)) for context in accept.contexts]
    return _encode(PduType.A_ASSOCIATE_AC, accept, APPLICATION_CONTEXT_NAME, contexts)


def _split(body: bytes) -> tuple[int, str, str, list[tuple[int, bytes]]]:
    if len(body) < _FIXED.size:
        raise ProtocolViolation("an A-ASSOCIATE PDU ends inside its fixed fields")
    version, called, calling = _FIXED.unpack_from(body)
    return version, _to_ae_title(called), _to_ae_title(calling), list(walk_items(body[_FIXED.size :]))


def _to_ae_title(field: bytes) -> str:
    # Padded with spaces by the Standard, with NUL by some devices.
    return field.decode("ascii", "replace").strip("\0 ")


def _encode(
    kind: PduType, pdu: AssociateRequest | AssociateAccept, application_context_name: str, contexts: list[bytes]
) -> bytes:
    titles = (title.encode("ascii", "replace").ljust(16) for title in (pdu.called_ae_title, pdu.calling_ae_title))
    body = b"".join(
        (
            _FIXED.pack(pdu.protocol_version, *titles),
            encode_item(0x10, application_context_name.encode("ascii")),
            *contexts,
            encode_item(0x50, encode_user_information(pdu.user)),
        )
    )
    return HEAD.pack(kind, len(body)) + body


def _decode_proposed(value: bytes) -> ProposedContext:
    if len(value) < 4 or not value[0] % 2:
        raise ProtocolViolation("the ID of a presentation context is missing or even")
    abstract_syntax, transfer_syntaxes = "", []
    for kind, item in walk_items(value[4:]):
        if kind == 0x30:
            abstract_syntax = to_uid(item)
        elif kind == 0x40:
            transfer_syntaxes.append(to_uid(item))
    if not abstract_syntax or not transfer_syntaxes:
        raise ProtocolViolation("a presentation context lacks its abstract syntax or transfer syntaxes")
    return ProposedContext(value[0], abstract_syntax, tuple(transfer_syntaxes))


def _encode_proposed(context: ProposedContext) -> bytes:
    transfer_syntaxes = (encode_item(0x40, uid.encode("ascii")) for uid in context.transfer_syntaxes)
    abstract_syntax = encode_item(0x30, context.abstract_syntax.encode("ascii"))
    return bytes((context.context_id, 0, 0, 0)) + abstract_syntax + b"".join(transfer_syntaxes)


def _decode_result(value: bytes) -> ContextResult:
    if len(value) < 4:
        raise ProtocolViolation("the answer to a presentation context is too short")
    transfer_syntax_uid = ""
    if value[2] == 0:  # otherwise the sub-item is not significant, and some peers fill it with rubbish
        transfer_syntax_uid = next((to_uid(item) for kind, item in walk_items(value[4:]) if kind == 0x40), "")
    return ContextResult(value[0], value[2], transfer_syntax_uid)


def _encode_result(context: ContextResult) -> bytes:
    item = encode_item(0x40, context.transfer_syntax_uid.encode("ascii"))
    return bytes((context.context_id, 0, context.result, 0)) + item
