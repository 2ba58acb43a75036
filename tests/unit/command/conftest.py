"""An import, and a disc for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.importing import Import


@pytest.fixture
def run(tmp_path: Path) -> Import:
    return Import(tmp_path / "home")


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    folder = tmp_path / "disc"
    folder.mkdir()
    return folder
