"""The import contracts hold, and each of them can fail: a planted offence breaks exactly it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# contract: (file that gets one more line, that line)
OFFENCES = {
    "wings": ("radstream/bus/port.py", "import services.api"),
    "services": ("services/index/__init__.py", "import services.api"),
    "command": ("services/api/__init__.py", "import services.command.up"),
    "library": ("radstream/contract/uids.py", "import radstream.settings"),
    "pynetdicom": ("radstream/dicom/part10.py", "import pynetdicom"),
    "sqlite": ("radstream/bus/loop.py", "import sqlite3"),
    "imagecodecs": ("services/render/pixels.py", "import imagecodecs"),
    "fastapi": ("radstream/dimse/routes.py", "import fastapi"),
    "circles": ("radstream/dimse/routes.py", "import radstream.dimse.exchange"),
    "motor": ("services/api/query.py", "import motor"),
    "pure": ("services/render/pixels.py", "import asyncio"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(program), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ("radstream", "services"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_all_contracts_are_kept() -> None:
    outcome = lint(ROOT)
    assert outcome.returncode == 0, outcome.stdout


def test_every_contract_has_a_planted_offence() -> None:
    assert {contract["id"] for contract in CONTRACTS} == set(OFFENCES)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["id"])
def test_a_planted_offence_breaks_its_contract(contract: dict[str, str], copy: Path) -> None:
    file, line = OFFENCES[contract["id"]]
    offended = copy / file
    offended.write_text(offended.read_text() + f"\n{line}\n")
    outcome = lint(copy)
    assert outcome.returncode != 0
    assert f"{contract['name']} BROKEN" in outcome.stdout
