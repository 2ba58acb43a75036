"""``python -m deploy.ohif``: get OHIF, the viewer, and place it where `api` serves it at /ohif/.

It is the release that npm has, unmodified but for its place: see `rewrites`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.ohif.packages import OHIF, PackageMissing, esbuild, fetch
from deploy.ohif.placing import extract_program, place

BUILD: Final = Path(__file__).parents[2] / "build"


def main(arguments: Sequence[str] | None = None) -> int:
    """Place OHIF; 1 if it cannot be had here."""
    parser = argparse.ArgumentParser(prog="python -m deploy.ohif", description=__doc__)
    parser.add_argument("--folder", type=Path, default=BUILD / "ohif", help="where it is placed (RADSTREAM_OHIF_DIR)")
    parser.add_argument("--packages", type=Path, default=BUILD / "tools", help="where what npm gets is kept")
    options = parser.parse_args(arguments)
    try:
        release = fetch(OHIF, options.packages)
    except PackageMissing as missing:
        print(f"OHIF is MISSING: {missing}", file=sys.stderr)
        return 1
    place(release, options.folder.resolve(), _minifier(options.packages))
    print(f"OHIF {OHIF.version} is in {options.folder}; a running Radstream shows it at /ohif/")
    return 0


def _minifier(folder: Path) -> Path | None:
    try:
        return extract_program(fetch(esbuild(), folder), folder)
    except PackageMissing as missing:
        print(f"OHIF's scripts are not minified, they stay twice as long: {missing}", file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main())
