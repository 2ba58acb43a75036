"""The operator's tools as subcommands: what they ask for and print; the work is in the files beside this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Optional

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from radstream.backends import open_backends
from radstream.process import loop_factory
from radstream.settings import Settings, load_settings
from radstream.telemetry import start_logging
from services.command.simulator.plan import MODALITIES, Modality

Home = Annotated[Optional[Path], typer.Option(help="Folder of the embedded engines.  [~/.radstream]")]  # noqa: UP045


def progress() -> Progress:
    """Return a bar on standard error; standard output is for results."""
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
        with progress() as bar:
            task = bar.add_task("importing", total=None)
            async with open_backends(settings) as backends:
                return await import_paths(
                    backends,
                    settings,
                    paths,
                    on_progress=lambda done, total: bar.update(task, completed=done, total=total),
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
        with progress() as bar:
            task = bar.add_task("rebuilding", total=None)
            async with open_backends(settings) as backends:
                return await rebuild_all(
                    backends,
                    settings,
                    on_progress=lambda done, total: bar.update(task, completed=done, total=total),
                    prune=prune,
                )

    print(asyncio.run(work()))


def purge(
    older_than_days: Annotated[float, typer.Option(help="Deleted so long ago, or longer.", min=0)],
    home: Home = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much that is.")] = False,
) -> None:
    """Remove the blobs of deleted instances for good; the decisions stay."""
    from services.command.purging import purge as purge_all

    async def work() -> Any:
        settings = _settings("purge", home)
        async with open_backends(settings) as backends:
            until = datetime.now(UTC) - timedelta(days=older_than_days)
            return await purge_all(backends, settings, until, is_rehearsal=dry_run)

    print(f"{asyncio.run(work())} {'would be removed' if dry_run else 'removed'}")


def simulate(
    host: Annotated[str, typer.Option(help="Of the SCP to send to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Of the SCP to send to.")] = 11112,
    called_ae_title: Annotated[str, typer.Option(help="Of the SCP.")] = "RADSTREAM",
    calling_ae_title: Annotated[str, typer.Option(help="Ours.")] = "SIMULATOR",
    studies: Annotated[int, typer.Option(help="How many.", min=1)] = 4,
    modality: Annotated[Optional[list[str]], typer.Option(help="CT, MR, CR or US; repeat for several.")] = None,  # noqa: UP045
    slices: Annotated[Optional[int], typer.Option(help="Of a series, or frames of a loop.", min=1)] = None,  # noqa: UP045
    rate: Annotated[Optional[float], typer.Option(help="Instances a second.", min=0.01)] = None,  # noqa: UP045
    associations: Annotated[int, typer.Option(help="At once.", min=1, max=64)] = 1,
    seed: Annotated[Optional[int], typer.Option(help="Equal seeds give equal bytes.")] = None,  # noqa: UP045
    acknowledged: Annotated[Optional[Path], typer.Option(help="File to note what was accepted in.")] = None,  # noqa: UP045
) -> None:
    """Be a modality: send believable CT, MR, CR and ultrasound studies to any SCP."""
    from radstream.dimse.outgoing import Destination
    from services.command.simulate import Options, Summary
    from services.command.simulate import simulate as simulate_all

    start_logging("simulate", "WARNING")
    options = Options(
        Destination(host, port, called_ae_title, calling_ae_title),
        studies=studies,
        modalities=_modalities(modality),
        slices=slices,
        rate_per_s=rate,
        associations=associations,
        seed=seed,
        acknowledged=acknowledged,
    )
    with progress() as bar:
        task = bar.add_task("sending", total=None)

        def show(summary: Summary) -> None:
            bar.update(task, completed=len(summary.acknowledged))

        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            summary = runner.run(simulate_all(options, on_progress=show))
    print(summary)
    raise typer.Exit(1 if summary.refused else 0)


def _modalities(names: list[str] | None) -> tuple[Modality, ...]:
    """Return the modalities of `names`, all if there are none."""
    chosen = tuple(known for known in MODALITIES if known in {name.upper() for name in names or MODALITIES})
    if len(chosen) < len(names or ()):
        raise typer.BadParameter(f"a modality is one of {', '.join(MODALITIES)}")
    return chosen


def demo(
    home: Annotated[Path, typer.Option(help="Folder of the demonstration.")] = Path("build/demo"),
    stay: Annotated[bool, typer.Option("--stay", help="Keep running until Ctrl-C, to look at the pictures.")] = False,
) -> None:
    """Run a system, send four simulated studies, print their QIDO answer and where to look at them."""
    from services.command.demo import demonstrate

    start_logging("demo", "WARNING")
    asyncio.run(demonstrate(home.absolute(), stay=stay))


def init(
    home: Home = None,
    deadline_s: Annotated[float, typer.Option(help="How long to wait for engines that are away.", min=0.1)] = 120,
) -> None:
    """Make topics, buckets, collections and indexes where they are missing; does no harm to what is there."""
    from services.command.initializing import initialize

    outcomes = asyncio.run(initialize(_settings("init", home), deadline_s))
    for name, failure in outcomes.items():
        print(f"{name}: {failure or 'has everything'}")
    raise typer.Exit(1 if any(outcomes.values()) else 0)


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
    "init": init,
    "import": import_,
    "simulate": simulate,
    "rebuild": rebuild,
    "purge": purge,
    "doctor": doctor,
    "demo": demo,
}
