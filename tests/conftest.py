"""What all tests share: sockets are off in unit tests, and every test knows which peers are missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket

_WITHOUT_SOCKETS = ("unit", "contract", "architecture")


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unit tests open no socket but UNIX ones (event loops need a pair of them)."""
    room = Path(str(request.path)).relative_to(Path(__file__).parent).parts[0]
    if room in _WITHOUT_SOCKETS:
        disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, loudly, what needs a peer that is not installed."""
    if Path("/usr/bin/storescu").exists() or shutil.which("storescu"):
        return
    for item in items:
        if item.get_closest_marker("dcmtk"):
            item.add_marker(pytest.mark.skip(reason="DCMTK is not installed: run scripts/install-peers dcmtk"))
