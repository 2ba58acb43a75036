"""Pictures by DCMTK, an independent computation of what an image looks like."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

TOOLS = ("dcmj2pnm", "dcml2pnm")
"""The first reads JPEG, the second JPEG-LS; both native and RLE pixels."""


def is_installed() -> bool:
    return all(map(shutil.which, (*TOOLS, "dcmp2pgm")))


def picture_of(file: Path, *options: str) -> Array | None:
    """Return the picture of a file, uint8 of shape (rows, columns), or None if DCMTK cannot read its pixels."""
    target = file.with_suffix(".pgm")
    target.unlink(missing_ok=True)
    for tool in TOOLS:
        command = [tool, "--quiet", "--no-overlays", *options, "--write-raw-pnm", str(file), str(target)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0 and target.exists():
            return read_pgm(target.read_bytes())
    return None


def presented(image: Path, state: Path, folder: Path) -> Array:
    """Return the picture of an image under a presentation state."""
    target = folder / "presented.pgm"
    command = ["dcmp2pgm", "--quiet", "--pstate", str(state), str(image), str(target)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert target.exists(), done.stderr
    return read_pgm(target.read_bytes())


def read_pgm(data: bytes) -> Array:
    """Return the pixels of a binary PGM, without or with comments in its header."""
    fields: list[bytes] = []
    position = 0
    while len(fields) < 4:
        end = min(at for at in (data.find(b" ", position), data.find(b"\n", position)) if at >= 0)
        if data[position : position + 1] == b"#":
            end = data.index(b"\n", position)
        elif end > position:
            fields.append(data[position:end])
        position = end + 1
    columns, rows = int(fields[1]), int(fields[2])
    return np.frombuffer(data, np.uint8, rows * columns, position).reshape(rows, columns)
