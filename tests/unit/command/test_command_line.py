"""What an init container, a Job or a person at a terminal sees of the command: exit codes, and what is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from radstream import __version__
from radstream.contract.errors import UnsafeConfiguration
from services.command.__main__ import make_app


@pytest.fixture(autouse=True)
def _logging_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is run in the tests' own process, whose loggers must not keep a stream that ends with the test."""
    monkeypatch.setattr("services.command.tools.start_logging", lambda *_: None)


def init(home: Path, *options: str) -> Result:
    return CliRunner().invoke(make_app(), ["init", "--home", str(home), *options])


def test_it_succeeds_when_every_engine_has_everything(tmp_path: Path) -> None:
    result = init(tmp_path)
    assert result.exit_code == 0
    assert result.stdout.count("has everything") == 4


def test_it_fails_with_the_reason_when_an_engine_stays_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    monkeypatch.setenv("RADSTREAM_CATALOG_URL", str(tmp_path / "taken"))
    result = init(tmp_path, "--deadline-s", "0.2")
    assert result.exit_code == 1
    assert [line for line in result.stdout.splitlines() if line.startswith("catalog: ")] != ["catalog: has everything"]
    assert result.stdout.count("has everything") == 3


def test_settings_that_mean_nothing_are_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADSTREAM_BUS_URL", "kafka://")
    assert isinstance(init(tmp_path).exception, UnsafeConfiguration)  # which the command turns into exit code 2


def test_the_version_needs_no_command() -> None:
    result = CliRunner().invoke(make_app(), ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"radstream {__version__}\n"
