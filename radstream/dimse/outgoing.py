"""What is sent to whom, how patiently, and what became of it: the words of `radstream.dimse.sender`."""

from __future__ import annotations

import ssl as tls
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

from radstream.bus.retry import Retry
from radstream.contract.errors import RadstreamError


class Kind(NamedTuple):
    """What needs a presentation context of its own."""

    sop_class_uid: str
    transfer_syntax_uid: str


class Outgoing(Protocol):
    """An instance that is to be stored in a peer."""

    @property
    def sop_class_uid(self) -> str:
        """(0008,0016)."""

    @property
    def sop_instance_uid(self) -> str:
        """(0008,0018)."""

    @property
    def transfer_syntax_uid(self) -> str:
        """What its data set is encoded in."""

    @property
    def priority(self) -> int:
        """0 medium, 1 high, 2 low."""

    @property
    def move_originator(self) -> tuple[str, int] | None:
        """AE title and Message ID of the C-MOVE that this is a part of, if it is of one."""

    def open(self) -> AsyncIterator[bytes]:
        """Return the data set from its beginning, without meta group, in pieces; called for each attempt.

        It may raise errors of `radstream.contract.errors`: then this instance alone has failed, or is tried again if
        the error is `Unavailable`.
        """


OutgoingT = TypeVar("OutgoingT", bound=Outgoing)

Convert = Callable[[OutgoingT, Collection[str]], Awaitable[OutgoingT]]
"""Returns an instance in one of the transfer syntaxes that the peer accepts for its SOP class (not its own); raises
`UnsupportedInstance` if that cannot be."""


def kind_of(instance: Outgoing) -> Kind:
    """Return what presentation context `instance` needs."""
    return Kind(instance.sop_class_uid, instance.transfer_syntax_uid)


@dataclass(frozen=True)
class Destination:
    """The SCP that instances go to, and who we say that we are.

    Parameters
    ----------
    ssl : ssl.SSLContext, optional
        TLS, with the peer verified as the context says (PS3.15 B).
    """

    host: str
    port: int
    called_ae_title: str = "RADSTREAM"
    calling_ae_title: str = "RADSTREAM"
    ssl: tls.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Patience:
    """How long and how often it is tried.

    Parameters
    ----------
    attempts : int
        How often one instance is sent, at most: to a peer that dies of it, or that says it may succeed later.
    peer_s : float
        How long the peer may accept nothing at all before everything that is left is given up.
    timeout_s : float
        For connecting, for the answer to the association request, and for the release.
    response_timeout_s : float
        For a C-STORE response, once the data set is sent.
    retry : Retry
        How long to wait after a failure.
    """

    attempts: int = 5
    peer_s: float = 60.0
    timeout_s: float = 10.0
    response_timeout_s: float = 60.0
    retry: Retry = field(default_factory=lambda: Retry(first_delay_s=0.1, longest_delay_s=5.0))


@dataclass(frozen=True)
class Delivery(Generic[OutgoingT]):
    """What became of one instance; told once it is certain.

    Parameters
    ----------
    instance : Outgoing
        As it was sent, that is converted if it had to be.
    status : int or None
        Of the last C-STORE response (PS3.4 B.2.3); None if there was none.
    attempts : int
        How often it was sent, in whole or in part.
    error : RadstreamError or None
        Why the peer does not have it; None if it has promised to keep it (success or a warning). `Unavailable` if
        another time it may take it, `UnsupportedInstance` if it takes no such instance, `RejectedInstance` if it has
        refused this one; what `Outgoing.open` raised if there was nothing to send.
    """

    instance: OutgoingT
    status: int | None
    attempts: int
    error: RadstreamError | None = None
