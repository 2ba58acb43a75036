"""What is asked of other application entities, as subcommands: `radstream echo`, `radstream send`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Optional

import typer

from radstream.contract.errors import UnsafeConfiguration
from radstream.process import loop_factory
from radstream.settings import load_settings
from radstream.telemetry import start_logging
from services.command.tools import Home, progress

Host = Annotated[str, typer.Option(help="Of the SCP.")]
Port = Annotated[int, typer.Option(help="Of the SCP.", min=1, max=65535)]
CalledAeTitle = Annotated[str, typer.Option(help="Of the SCP.")]
CallingAeTitle = Annotated[str, typer.Option(help="Ours.")]
TlsCa = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Use TLS; who has signed the SCP's certificate (PEM).", exists=True, dir_okay=False),
]
TlsCertificate = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Our own certificate and its key (PEM), if the SCP asks for it.", exists=True, dir_okay=False),
]


def echo(
    host: Host = "127.0.0.1",
    port: Port = 11112,
    called_ae_title: CalledAeTitle = "RADSTREAM",
    calling_ae_title: CallingAeTitle = "RADSTREAM",
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
) -> None:
    """Verify that an SCP is there and takes associations from us (C-ECHO)."""
    from radstream.dimse.outgoing import Destination
    from services.command.sending import verify

    start_logging("echo", "WARNING")
    context = tls_context(tls_ca, tls_certificate)
    status = asyncio.run(verify(Destination(host, port, called_ae_title, calling_ae_title, context)))
    print(f"C-ECHO answered 0x{status:04X}")
    raise typer.Exit(1 if status else 0)


def send(  # noqa: PLR0913, PLR0917 - each is an option of the command
    paths: Annotated[Optional[list[Path]], typer.Argument(help="Folders, files, ZIPs or DICOMDIR media.")] = None,  # noqa: UP045
    study: Annotated[Optional[list[str]], typer.Option(help="UID of an archived study; repeat for several.")] = None,  # noqa: UP045
    host: Host = "127.0.0.1",
    port: Port = 11112,
    called_ae_title: CalledAeTitle = "RADSTREAM",
    calling_ae_title: CallingAeTitle = "RADSTREAM",
    associations: Annotated[int, typer.Option(help="At once.", min=1, max=64)] = 1,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    home: Home = None,
) -> None:
    """Send instances as they are, from files or the archive, to any SCP; again after failures, until it is certain."""
    from radstream.dimse.outgoing import Destination
    from services.command.sending import SendSummary, send_archived, send_files, to_destination

    if bool(paths) == bool(study):
        raise typer.BadParameter("name either paths or studies")
    start_logging("send", "WARNING")
    context = tls_context(tls_ca, tls_certificate)
    sender = to_destination(Destination(host, port, called_ae_title, calling_ae_title, context), associations)
    with progress() as bar, asyncio.Runner(loop_factory=loop_factory()) as runner:
        task = bar.add_task("sending", total=None)

        def show(summary: SendSummary) -> None:
            bar.update(task, completed=summary.stored)

        work = (
            send_files(sender, paths, show)
            if paths
            else send_archived(sender, load_settings(home=home), study or [], show)
        )
        summary = runner.run(work)
    print(summary)
    raise typer.Exit(1 if summary.failures else 0)


def tls_context(ca: Path | None, certificate: Path | None) -> ssl.SSLContext | None:
    """Return how to use TLS (PS3.15 B), the SCP's certificate verified against its name; None without `ca`.

    Raises
    ------
    UnsafeConfiguration
        If a file is no certificate, or a certificate has no key.
    """
    if ca is None:
        return None
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate)
    except (OSError, ssl.SSLError) as error:
        raise UnsafeConfiguration("a certificate or its key cannot be read: give PEM files") from error
    return context


TOOLS: Final[dict[str, Callable[..., None]]] = {"send": send, "echo": echo}
