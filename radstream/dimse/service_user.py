"""The upper end of the upper layer: what it tells its user, in the service primitives of PS3.8 7."""

from __future__ import annotations

from typing import Protocol

from radstream.dimse.associate import AssociateAccept, AssociateReject, AssociateRequest


class ServiceUser(Protocol):
    """Who is told what the peer wants. Nothing here may raise but `ProtocolViolation`, which aborts."""

    @property
    def is_receiving(self) -> bool:
        """Whether a message is here in part."""

    @property
    def is_busy(self) -> bool:
        """Whether an operation is under way, so that silence means nothing."""

    def on_connected(self) -> None:
        """Note that the transport connection is open."""

    def on_associate_request(self, request: AssociateRequest) -> None:
        """Take an A-ASSOCIATE indication; to be answered with `UpperLayer.accept` or `reject`, now or later."""

    def on_associate_answer(self, answer: AssociateAccept | AssociateReject) -> None:
        """Take an A-ASSOCIATE confirmation."""

    def on_fragment(self, context_id: int, control: int, fragment: memoryview) -> None:
        """Take a P-DATA indication; the view is valid during the call. May `hold` to have no more for now."""

    def on_release_request(self) -> None:
        """Take an A-RELEASE indication; to be answered with `UpperLayer.confirm_release`, now or later."""

    def on_association_ended(self, reason: str) -> None:
        """Note that the association was released, rejected, aborted or lost; told once, before `on_disconnected`."""

    def on_disconnected(self) -> None:
        """Note that the transport connection is closed."""
