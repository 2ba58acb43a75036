"""A running system with OHIF, and a browser; without either the tests say at their end that they did not run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.api.ohif import PLACED
from tests.browser import Browser, missing
from tests.own_studies import Alone, own_studies, store_own_studies
from tests.system import System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that OHIF is placed beside."""
    lacking = missing() or ("" if PLACED.is_dir() else "OHIF")
    if lacking:
        pytest.skip(f"DID NOT RUN in OHIF: {lacking} is not here, see `make test-ohif`")
    running = System(tmp_path_factory.mktemp("home") / "radstream").start()
    yield running
    assert running.stop() == 0, running.log()[-4000:]


@pytest.fixture(scope="session")
def stored(system: System) -> dict[str, Alone]:
    """Every file of pydicom, in a study of its own, by its name."""
    store_own_studies(system, own_studies())
    return {one.name: one for one in own_studies()}


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A browser that knows nothing yet."""
    opened = Browser()
    yield opened
    opened.close()
