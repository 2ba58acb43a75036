"""Systems that the end-to-end tests talk to, one for each file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system import System

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running system that starts empty."""
    running = System(tmp_path_factory.mktemp("home") / "radstream").start()
    yield running
    assert running.stop() == 0, running.log()[-4000:]
