"""The DIMSE doors as the settings have them: addresses, TLS, known AE titles and limits, followed while running."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from radstream.contract.errors import UnsafeConfiguration
from radstream.dimse.ae_titles import read_ae_table
from radstream.dimse.door import ContextSource
from radstream.dimse.limits import Limits
from radstream.dimse.recognition import AETitlePolicy
from radstream.dimse.reloading import follow
from radstream.dimse.routes import AnyRoute
from radstream.dimse.server import DimseServer
from radstream.dimse.tls import server_context
from radstream.settings import Settings, is_loopback


@asynccontextmanager
async def reception(settings: Settings, routes: Sequence[AnyRoute]) -> AsyncIterator[DimseServer]:
    """Listen on the doors of `settings` and serve `routes`; at the end let running messages end in their time.

    The AE table and the certificates are read again whenever they change; associations that run go on.

    Raises
    ------
    UnsafeConfiguration
        If a file cannot be used, or an address is in use or not one of this machine.
    """
    contexts = Contexts(settings) if settings.tls_certificate else None
    server = _server(settings, routes, contexts)
    following = [asyncio.create_task(follow(*followed)) for followed in _followed(settings, server, contexts)]
    try:
        await _start(server, settings)
        yield server
    finally:
        for task in following:
            task.cancel()
        await server.close(settings.drain_s)


def ae_titles(settings: Settings) -> AETitlePolicy:
    """Return whom we answer, and by which names: closed, unless told otherwise or on this machine only."""
    entities = read_ae_table(Path(settings.ae_table)) if settings.ae_table else {}
    anybody_here = ("*",) if is_loopback(settings.dimse_address) and not entities else ()
    return AETitlePolicy(
        called=frozenset({settings.ae_title, *settings.called_ae_titles}),
        calling=frozenset(settings.calling_ae_titles or anybody_here),
        entities=entities,
    )


def limits(settings: Settings) -> Limits:
    """Return how much is taken of whom."""
    return Limits(
        max_associations=settings.max_associations,
        max_associations_per_host=settings.max_associations_per_host,
        max_associations_per_ae_title=settings.max_associations_per_ae_title,
    )


class Contexts:
    """The TLS context of the next handshake, from the files that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self.files = [
            Path(name) for name in (settings.tls_certificate, settings.tls_key, settings.tls_client_ca) if name
        ]
        self._client_ca = Path(settings.tls_client_ca) if settings.tls_client_ca else None
        self.read()

    def read(self) -> None:
        """Read the files again; `UnsafeConfiguration` if they cannot be used, and the context stays."""
        self._current = server_context(self.files[0], self.files[1], self._client_ca)

    def current(self) -> ssl.SSLContext:
        """Return the context."""
        return self._current


def _server(settings: Settings, routes: Sequence[AnyRoute], contexts: Contexts | None) -> DimseServer:
    doors: list[tuple[int, ContextSource | None]] = []
    if settings.dimse_plain:
        doors.append((settings.dimse_port, None))
    if settings.dimse_tls_port and contexts is not None:
        doors.append((settings.dimse_tls_port, contexts.current))
    (port, context), *others = doors
    policy = ae_titles(settings)
    host = settings.dimse_address
    server = DimseServer(host, port, routes=routes, ae_title=policy, limits=limits(settings), ssl=context)
    for port, context in others:
        server.add_door(host, port, context)
    return server


def _followed(
    settings: Settings, server: DimseServer, contexts: Contexts | None
) -> list[tuple[str, list[Path], Callable[[], None]]]:
    followed: list[tuple[str, list[Path], Callable[[], None]]] = []
    if settings.ae_table:
        followed.append(("ae_table", [Path(settings.ae_table)], lambda: server.recognize(ae_titles(settings))))
    if contexts is not None:
        followed.append(("tls_certificate", contexts.files, contexts.read))
    return followed


async def _start(server: DimseServer, settings: Settings) -> None:
    try:
        await server.start(reuse_port=settings.share_dimse_port)
    except OSError as error:
        ports = " or ".join(map(str, settings.dimse_ports))
        raise UnsafeConfiguration(
            f"cannot listen on {settings.dimse_address} port {ports} ({os.strerror(error.errno or 0)}); "
            "set RADSTREAM_DIMSE_HOST, RADSTREAM_DIMSE_PORT or RADSTREAM_DIMSE_TLS_PORT"
        ) from error
