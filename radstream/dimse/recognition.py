"""Who may associate: which AE titles are recognized, from where, and with which proof (PS3.8 9.3.4). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from radstream.dimse.ae_titles import ApplicationEntity, is_within
from radstream.dimse.associate import APPLICATION_CONTEXT_NAME, AssociateReject, AssociateRequest
from radstream.dimse.tls import PeerCertificate

NO_REASON: Final = AssociateReject(1, 1, 1)
APPLICATION_CONTEXT_NOT_SUPPORTED: Final = AssociateReject(1, 1, 2)
CALLING_AE_TITLE_NOT_RECOGNIZED: Final = AssociateReject(1, 1, 3)
CALLED_AE_TITLE_NOT_RECOGNIZED: Final = AssociateReject(1, 1, 7)
PROTOCOL_VERSION_NOT_SUPPORTED: Final = AssociateReject(1, 2, 2)
LOCAL_LIMIT_EXCEEDED: Final = AssociateReject(2, 3, 2)

REASONS: Final = {
    NO_REASON: "user identity not accepted",
    APPLICATION_CONTEXT_NOT_SUPPORTED: "application context not supported",
    CALLING_AE_TITLE_NOT_RECOGNIZED: "calling AE title not recognized",
    CALLED_AE_TITLE_NOT_RECOGNIZED: "called AE title not recognized",
    PROTOCOL_VERSION_NOT_SUPPORTED: "protocol version not supported",
    LOCAL_LIMIT_EXCEEDED: "local limit exceeded",
}
"""For logs and metrics."""

ANY: Final = "*"


@dataclass(frozen=True)
class Caller:
    """What is known of a peer before it says its name.

    Parameters
    ----------
    host : str
        Its IP address; empty if it has none.
    certificate : PeerCertificate, optional
        That it proved to own.
    """

    host: str = ""
    certificate: PeerCertificate | None = None


@dataclass(frozen=True)
class AETitlePolicy:
    """Which AE titles are recognized; "*" stands for any.

    Parameters
    ----------
    called : collection of str
        What we are called.
    calling : collection of str
        Who may call beside `entities`.
    entities : mapping of str to ApplicationEntity
        The application entities of the site's table, by AE title.
    """

    called: Collection[str] = (ANY,)
    calling: Collection[str] = (ANY,)
    entities: Mapping[str, ApplicationEntity] = field(default_factory=dict)

    @property
    def knows_some(self) -> bool:
        """Whether there are AE titles that go before others."""
        return bool(self.entities) or any(title != ANY for title in self.calling)

    def knows(self, ae_title: str) -> bool:
        """Tell whether `ae_title` itself is named."""
        return ae_title in self.entities or (ae_title != ANY and ae_title in self.calling)

    def knows_host(self, host: str) -> bool:
        """Tell whether an address is one that an application entity is said to call from."""
        return any(entity.hosts and is_within(host, entity.hosts) for entity in self.entities.values())

    def refusal(self, request: AssociateRequest, caller: Caller) -> AssociateReject | None:
        """Return why `request` is refused for its AE titles; None if it is not.

        A peer that may not use its calling AE title is told the same as one whose title is unknown.
        """
        if ANY not in self.called and request.called_ae_title not in self.called:
            return CALLED_AE_TITLE_NOT_RECOGNIZED
        title = request.calling_ae_title
        entity = self.entities.get(title)
        if entity is None:
            is_recognized = (ANY in self.calling or self.knows(title)) and is_bound(title, (), caller.certificate)
        else:
            is_recognized = entity.calls_from(caller.host) and is_bound(title, entity.certificates, caller.certificate)
        return None if is_recognized else CALLING_AE_TITLE_NOT_RECOGNIZED


def is_bound(ae_title: str, certificates: Collection[str], shown: PeerCertificate | None) -> bool:
    """Tell whether a peer with the certificate `shown` may call itself `ae_title`.

    Parameters
    ----------
    certificates : collection of str
        What the AE title is bound to: fingerprints and names; "*" is any verified one. Without it nobody who shows no
        certificate is refused, and who shows one must be named in it by the AE title.
    """
    if shown is None:
        return not certificates
    return ANY in certificates or shown.is_one_of(certificates or (ae_title,))


def refusal(request: AssociateRequest, ae_titles: AETitlePolicy, caller: Caller) -> AssociateReject | None:
    """Return why no association comes about; None if one does (PS3.8 9.3.4)."""
    if not request.protocol_version & 1:  # each bit is a version; ours is the first
        return PROTOCOL_VERSION_NOT_SUPPORTED
    if request.application_context_name != APPLICATION_CONTEXT_NAME:
        return APPLICATION_CONTEXT_NOT_SUPPORTED
    return ae_titles.refusal(request, caller)
