"""`radstream …`: every program and every tool of an operator behind one command."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Optional

import typer

from radstream import __version__
from radstream.contract.errors import RadstreamError
from radstream.process import run_service
from radstream.settings import load_settings
from services.command import dead_letters, peers, tools

Home = Annotated[Optional[Path], typer.Option(help="Folder of the embedded engines.  [~/.radstream]")]  # noqa: UP045
Host = Annotated[Optional[str], typer.Option(help="Address that the doors bind to.  [127.0.0.1]")]  # noqa: UP045
HttpPort = Annotated[Optional[int], typer.Option(help="Port of the web door.  [8042]")]  # noqa: UP045
DimsePort = Annotated[Optional[int], typer.Option(help="Port of the DIMSE door.  [11112]")]  # noqa: UP045
AllowOpen = Annotated[bool, typer.Option("--allow-open", help="Bind beyond loopback although nobody is asked who.")]
Niceness = Annotated[int, typer.Option(hidden=True, min=0, max=19, help="Stand back while the processors are busy.")]
Supervised = Annotated[bool, typer.Option("--supervised", hidden=True, help="Stop when standard input ends.")]

SERVICES: Final = {
    # name: (module and function, what it does, hidden from the help)
    "up": ("services.command.up:run", "Run the whole system on this machine.", False),
    "ingest": ("services.ingest.__main__:run", "Take instances in: C-STORE, C-ECHO, STOW-RS.", False),
    "index": ("services.index.__main__:run", "Catalog what was stored.", False),
    "render": ("services.render.__main__:run", "Make pictures: previews by event, /rendered, /thumbnail.", False),
    "api": ("services.api.__main__:run", "Give instances out: QIDO-RS, WADO-RS, the start page.", False),
    "gateway": ("services.command.edge:run", "Hand each URL to the service that owns it.", False),
    "cluster": (
        "services.command.cluster:run",
        "Run each service as several processes behind a gateway.",
        False,
    ),
    "dimse": ("services.command.embedded:dimse", "The DIMSE door alone.", True),
    "catalog": ("services.command.embedded:catalog", "The catalog alone.", True),
    "previews": ("services.command.embedded:previews", "The previews alone.", True),
    "web": ("services.command.embedded:web", "Every web door in one process.", True),
}


def make_app() -> typer.Typer:
    """Return the command with all its subcommands."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True, help="Radstream, a picture archiving and communication system.")(_version)
    for name, (target, summary, is_hidden) in SERVICES.items():
        app.command(name, help=summary, hidden=is_hidden)(_service(name, target))
    for name, tool in (tools.TOOLS | peers.TOOLS).items():
        app.command(name)(tool)
    app.add_typer(dead_letters.make_app(), name="dead-letters", help="What no service could handle.")
    return app


def _version(
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")] = False,
) -> None:
    if version:
        print(f"radstream {__version__}")
        raise typer.Exit


def _service(name: str, target: str) -> Callable[..., None]:
    """Return the subcommand that runs a service."""

    def command(
        home: Home = None,
        host: Host = None,
        http_port: HttpPort = None,
        dimse_port: DimsePort = None,
        allow_open: AllowOpen = False,
        supervised: Supervised = False,
        niceness: Niceness = 0,
    ) -> None:
        settings = load_settings(
            home=home, host=host, http_port=http_port, dimse_port=dimse_port, allow_open=allow_open or None
        )
        module, function = target.split(":")
        run = getattr(importlib.import_module(module), function)
        run_service(name, run, settings, supervised=supervised, niceness=niceness)

    return command


def main() -> None:
    """Run the command; an error of ours is one sentence and exit code 2, not a traceback."""
    try:
        make_app()()
    except RadstreamError as error:
        print(f"radstream: {error}", file=sys.stderr)
        sys.exit(2)
    except ExceptionGroup as group:
        known, unknown = group.split(RadstreamError)
        if unknown is not None or known is None:
            raise
        print("\n".join(f"radstream: {error}" for error in known.exceptions), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
