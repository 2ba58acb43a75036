"""In which presentation contexts, and with which options, an association comes about (PS3.8 9.3.3; PS3.7 D.3). Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from radstream.dimse.associate import (
    AssociateAccept,
    AssociateRequest,
    ContextResult,
    ProposedContext,
)
from radstream.dimse.routes import AnyRoute, routes_of
from radstream.dimse.sop_classes import ALL_TRANSFER_SYNTAXES
from radstream.dimse.user_information import Role, UserInformation

ACCEPTANCE: Final = 0
USER_REJECTION: Final = 1
ABSTRACT_SYNTAX_NOT_SUPPORTED: Final = 3
TRANSFER_SYNTAXES_NOT_SUPPORTED: Final = 4


@dataclass(frozen=True)
class Context:
    """An accepted presentation context, as one end sees it.

    Parameters
    ----------
    may_perform, may_invoke : bool
        Whether we are SCP, and SCU, of the abstract syntax.
    """

    context_id: int
    abstract_syntax: str
    transfer_syntax_uid: str
    may_perform: bool
    may_invoke: bool


@dataclass(frozen=True)
class Acceptor:
    """What an acceptor takes.

    Parameters
    ----------
    routes : sequence of StoreRoute or MessageRoute
        What it performs.
    invokes : container of str
        Abstract syntaxes that it may invoke itself on a requestor that proposes to be SCP, as a C-GET needs.
    max_pdu_bytes : int
    """

    routes: Sequence[AnyRoute]
    invokes: Container[str]
    max_pdu_bytes: int

    def negotiate(
        self, request: AssociateRequest, server_response: bytes | None = None
    ) -> tuple[dict[int, Context], AssociateAccept]:
        """Return the accepted contexts by their ID, and the A-ASSOCIATE-AC that says so."""
        results = [self._context(proposed, request.user.roles) for proposed in request.contexts]
        accepted = {result.context_id: result for result in results if isinstance(result, Context)}
        syntaxes = {context.abstract_syntax for context in accepted.values()}
        user = UserInformation(
            max_pdu_bytes=self.max_pdu_bytes,
            window=None if request.user.window is None else (1, 1),
            roles={uid: self._role(uid, role) for uid, role in request.user.roles.items() if uid in syntaxes},
            extended={
                uid: answer
                for uid, proposed in request.user.extended.items()
                if uid in syntaxes and (answer := self._extended(uid, proposed)) is not None
            },
            server_response=server_response,
        )
        answers = tuple(_to_result(result) for result in results)
        return accepted, AssociateAccept(request.calling_ae_title, request.called_ae_title, answers, user)

    def _context(self, proposed: ProposedContext, roles: Mapping[str, Role]) -> Context | ContextResult:
        routes = routes_of(self.routes, proposed.abstract_syntax)
        wanted = roles.get(proposed.abstract_syntax)
        role = self._role(proposed.abstract_syntax, wanted or Role(scu=True, scp=False))
        if not routes and not role.scp:
            return _rejected(proposed, ABSTRACT_SYNTAX_NOT_SUPPORTED)
        if not role.scu and not role.scp:
            return _rejected(proposed, USER_REJECTION)
        # The proposer's order, not ours: it lists first what it has, and bytes are kept as they come.
        takes = [route.transfer_syntaxes for route in routes] or [ALL_TRANSFER_SYNTAXES]
        for uid in proposed.transfer_syntaxes:
            if any(uid in taken for taken in takes):
                return Context(proposed.context_id, proposed.abstract_syntax, uid, role.scu, role.scp)
        return _rejected(proposed, TRANSFER_SYNTAXES_NOT_SUPPORTED)

    def _role(self, uid: str, proposed: Role) -> Role:
        """Return the roles of the requestor: of those that it proposed, the ones that we can be the other end of."""
        return Role(proposed.scu and bool(routes_of(self.routes, uid)), proposed.scp and uid in self.invokes)

    def _extended(self, uid: str, proposed: bytes) -> bytes | None:
        answering = (route.answer_extended for route in routes_of(self.routes, uid))
        return next((answer(proposed) for answer in answering if answer is not None), None)


def accepted_by_peer(request: AssociateRequest, accept: AssociateAccept) -> dict[int, Context]:
    """Return the contexts that the peer accepted, by their ID, as the requestor of `request` sees them."""
    proposed = {context.context_id: context for context in request.contexts}
    contexts = {}
    for result in accept.contexts:
        context = proposed.get(result.context_id)
        if result.result == ACCEPTANCE and context and result.transfer_syntax_uid in context.transfer_syntaxes:
            role = accept.user.roles.get(context.abstract_syntax, Role(scu=True, scp=False))
            contexts[result.context_id] = Context(
                result.context_id, context.abstract_syntax, result.transfer_syntax_uid, role.scp, role.scu
            )
    return contexts


def _rejected(proposed: ProposedContext, result: int) -> ContextResult:
    # The transfer syntax of a rejected context means nothing, but must be there.
    return ContextResult(proposed.context_id, result, proposed.transfer_syntaxes[0])


def _to_result(result: Context | ContextResult) -> ContextResult:
    if isinstance(result, ContextResult):
        return result
    return ContextResult(result.context_id, ACCEPTANCE, result.transfer_syntax_uid)
