"""What is said of a reconstructed picture: burnt into its corner, and in the answer's header."""

from __future__ import annotations

import json
from typing import Final

from services.render.enhancement.mark import text_of
from services.render.enhancement.steps import Enhancement
from services.render.reconstruction.grid import Grid
from services.render.reconstruction.stack import Stack
from services.render.reconstruction.view import View

HEADER: Final = "Radstream-Reconstructed"
"""Of an answer: `geometry_of` the picture, as JSON."""


def label_of(view: View, grid: Grid, stack: Stack, enhancement: Enhancement) -> str:
    """Return what is burnt in; its first word says what the picture is."""
    slab = f" {view.projection} of {grid.thickness:.1f} mm" if grid.thickness else ""
    gaps = f", {len(stack.gaps)} gaps: slices are missing" if stack.gaps else ""
    enhanced = f"; {text_of(enhancement)}" if enhancement else ""
    return f"RECONSTRUCTED: {view.plane} at {grid.position:.1f} mm{slab}{gaps}{enhanced}"


def geometry_of(view: View, grid: Grid, stack: Stack) -> str:
    """Return where the picture lies in the patient, before it was fitted into a viewport; JSON in one line of ASCII.

    Names are the Standard's where it has one (PS3.3 C.7.6.2); lengths are in millimetres. `gaps` are in distances from
    the first slice along the normal of the images.
    """
    described = {
        "plane": view.plane,
        "projection": view.projection if grid.thickness else "",
        "thickness": _rounded(grid.thickness),
        "position": _rounded(grid.position),
        "first": _rounded(grid.first),
        "last": _rounded(grid.last),
        "step": _rounded(grid.step),
        "Rows": grid.rows,
        "Columns": grid.columns,
        "PixelSpacing": [_rounded(grid.spacing)] * 2,
        "ImagePositionPatient": [_rounded(component) for component in grid.origin],
        "ImageOrientationPatient": [_rounded(component) for component in (*grid.right, *grid.down)],
        "isSheared": stack.is_sheared,
        "gaps": [[_rounded(begin), _rounded(end)] for begin, end in stack.gaps],
    }
    return json.dumps(described, separators=(",", ":"))


def _rounded(number: float) -> float:
    return round(number, 6) + 0.0  # no minus zero
