"""The operator's tools as subcommands: what they ask for and print; the work is in the files beside this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Optional

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from radstream.backends import open_backends
from radstream.settings import Settings, load_settings
from radstream.telemetry import start_logging

Home = Annotated[Optional[Path], typer.Option(help="Folder of the embedded engines.  [~/.radstream]")]  # noqa: UP045


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _settings(name: str, home: Path | None, **overrides: Any) -> Settings:
    start_logging(name, "WARNING")
    return load_settings(home=home, **overrides)


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Folders, files, ZIPs or DICOMDIR media.", exists=True)],
    home: Home = None,
    jobs: Annotated[int, typer.Option(help="Files in flight.", min=1, max=64)] = 4,
) -> None:
    """Take in files; run again after an interruption, it goes on where it stopped."""
    from services.command.importing import import_paths

    async def work() -> Any:
        settings = _settings("import", home)
        with _progress() as progress:
            task = progress.add_task("importing", total=None)
            async with open_backends(settings) as backends:
                return await import_paths(
                    backends,
                    settings,
                    paths,
                    on_progress=lambda done, total: progress.update(task, completed=done, total=total),
                    jobs=jobs,
                )

    summary = asyncio.run(work())
    print(summary)
    raise typer.Exit(1 if summary.failed else 0)


def rebuild(
    home: Home = None,
    prune: Annotated[bool, typer.Option(help="Also forget catalogued instances whose blob is gone.")] = False,
) -> None:
    """Make the catalog and the previews anew from the blobs alone; the system may run meanwhile."""
    from services.command.rebuilding import rebuild as rebuild_all

    async def work() -> Any:
        settings = _settings("rebuild", home)
        with _progress() as progress:
            task = progress.add_task("rebuilding", total=None)
            async with open_backends(settings) as backends:
                return await rebuild_all(
                    backends,
                    settings,
                    on_progress=lambda done, total: progress.update(task, completed=done, total=total),
                    prune=prune,
                )

    print(asyncio.run(work()))


def doctor(home: Home = None) -> None:
    """Say what is wrong with this installation and how to mend it."""
    from services.command.doctor import examine

    async def work() -> bool:
        table = Table("", "what", "state", "to mend it", box=None)
        all_well = True
        async for finding in examine(_settings("doctor", home)):
            all_well &= finding.is_well
            mark = "[green]well[/green]" if finding.is_well else "[red]WRONG[/red]"
            table.add_row(mark, finding.subject, finding.state, "" if finding.is_well else finding.remedy)
        Console().print(table)
        return all_well

    raise typer.Exit(0 if asyncio.run(work()) else 1)


TOOLS: Final[dict[str, Callable[..., None]]] = {
    "import": import_,
    "rebuild": rebuild,
    "doctor": doctor,
}
