"""What the gateway tells the services of the client: X-Forwarded-Proto, -Host, -For and -Prefix.

The services believe it, so it must not be what a client says of itself.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from radstream.settings import Settings

_FORWARDED: Final = frozenset(
    {b"forwarded"} | {b"x-forwarded-" + name for name in (b"proto", b"host", b"for", b"port", b"prefix")}
)

Headers = list[tuple[bytes, bytes]]


class ForwardedHeaders:
    """An application that sees only headers which a gateway of ours has set.

    Parameters
    ----------
    settings : Settings
        With `trust_forwarded` there is another gateway in front (an Ingress): what it says is kept, else thrown away.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._is_trusted = settings.trust_forwarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on with its headers put right."""
        if scope["type"] == "http":
            scope = {**scope, "headers": self._headers(scope)}
        await self._app(scope, receive, send)

    def _headers(self, scope: Scope) -> Headers:
        given: Headers = scope["headers"]
        said = {name for name, _ in given} if self._is_trusted else set()
        kept = [pair for pair in given if self._is_trusted or pair[0] not in _FORWARDED]
        return kept + [pair for pair in _seen(scope) if pair[0] not in said]


def _seen(scope: Scope) -> Headers:
    """Return what we see of the client ourselves."""
    client = (scope.get("client") or ("",))[0]
    host = dict(scope["headers"]).get(b"host", b"")
    seen = [
        (b"x-forwarded-proto", scope["scheme"].encode()),
        (b"x-forwarded-host", host),
        (b"x-forwarded-for", client.encode()),
    ]
    return [pair for pair in seen if pair[1]]
