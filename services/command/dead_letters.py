"""`radstream dead-letters …`: what no service could handle; look at it, put it back after a fix, or give it up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, Optional

import typer
from rich.console import Console
from rich.table import Column, Table

from radstream.backends import open_backends
from radstream.bus.dead_letters import Outcome
from radstream.bus.port import Bus
from radstream.bus.set_aside import discard, find, find_all, name_of, replay
from radstream.settings import load_settings
from radstream.telemetry import start_logging

_COLUMNS: Final = ("name", "study", "error", "reason", "attempts")
_ONE_LINE: Final = 1000
"""Characters, for a reader that is a program: each dead letter on a line of its own."""

Home = Annotated[Optional[Path], typer.Option(help="Folder of the embedded engines.  [~/.radstream]")]  # noqa: UP045
Names = Annotated[list[str], typer.Argument(help="As `list` prints them, topic:offset, or `all`.")]


def _on_the_log(home: Path | None, work: Callable[[Bus], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with open_backends(load_settings(home=home)) as backends:
            await work(backends.bus)

    start_logging("dead-letters", "WARNING")
    asyncio.run(opened())


def list_(home: Home = None) -> None:
    """List the dead letters with their reasons."""

    async def work(bus: Bus) -> None:
        table = Table(*(Column(name, overflow="fold") for name in _COLUMNS), box=None)
        for letter in await find_all(bus):
            reasons = (letter.headers.get(name, "") for name in ("error-type", "error-text", "attempts"))
            table.add_row(name_of(letter), letter.key, *reasons)
        console = Console()
        if not console.is_terminal:
            console.width = _ONE_LINE
        console.print(table)

    _on_the_log(home, work)


def show(names: Names, home: Home = None) -> None:
    """Print headers and value of dead letters; events hold no patient data."""

    async def work(bus: Bus) -> None:
        for letter in await find(bus, names):
            headers = "\n".join(f"  {name}: {value}" for name, value in sorted(letter.headers.items()))
            print(f"{name_of(letter)}\n{headers}\n  {letter.value.decode(errors='replace')}\n")

    _on_the_log(home, work)


def _resolve(names: list[str], home: Path | None, outcome: Outcome) -> None:
    async def work(bus: Bus) -> None:
        letters = await find(bus, names)
        await (replay if outcome == "replayed" else discard)(bus, letters)
        print(f"{len(letters)} {outcome}")

    _on_the_log(home, work)


def replay_(names: Names, home: Home = None) -> None:
    """Put dead letters back, after what failed was mended."""
    _resolve(names, home, "replayed")


def discard_(names: Names, home: Home = None) -> None:
    """Give dead letters up."""
    _resolve(names, home, "discarded")


def make_app() -> typer.Typer:
    """Return the subcommands."""
    app = typer.Typer(no_args_is_help=True)
    commands: dict[str, Callable[..., None]] = {"list": list_, "show": show, "replay": replay_, "discard": discard_}
    for name, command in commands.items():
        app.command(name)(command)
    return app
