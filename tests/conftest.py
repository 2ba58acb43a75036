"""What all tests share: no socket in unit tests, the same examples each time, and which peers are missing."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket

# How long an example takes says something of the machine, not of the code.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("same", settings.get_profile("search"), derandomize=True)
settings.load_profile("same")

_WITHOUT_SOCKETS = ("unit", "contract", "architecture")


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unit tests open no socket but UNIX ones (event loops need a pair of them)."""
    room = Path(str(request.path)).relative_to(Path(__file__).parent).parts[0]
    if room in _WITHOUT_SOCKETS:
        disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, loudly, what needs a peer or an engine that is not here."""
    if not (Path("/usr/bin/storescu").exists() or shutil.which("storescu")):
        _skip(items, "dcmtk", "DID NOT RUN with DCMTK: it is not installed, see scripts/install-peers")
    if not (os.environ.get("RADSTREAM_TEST_ENGINES") or "engines" in config.option.markexpr):
        _skip(items, "engines", "DID NOT RUN on real engines: set RADSTREAM_TEST_ENGINES=1, or run pytest -m engines")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name at the end, for all to see, what did not run because a peer or an engine is not here."""
    missed = Counter(
        (str(report.longrepr[2]).removeprefix("Skipped: "), report.nodeid.partition("::")[0])
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple) and "DID NOT RUN" in report.longrepr[2]
    )
    if missed:
        terminalreporter.write_sep("=", "DID NOT RUN", red=True, bold=True)
    for (reason, file), count in sorted(missed.items()):
        terminalreporter.write_line(f"{count} tests of {file}: {reason}", red=True)


def _skip(items: list[pytest.Item], marker: str, reason: str) -> None:
    for item in items:
        if item.get_closest_marker(marker):
            item.add_marker(pytest.mark.skip(reason=reason))
