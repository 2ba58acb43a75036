"""Planes through phantoms of known shape: where things are, how long they are, and on which side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from radstream.contract.errors import MalformedRequest, UnsupportedInstance
from services.render.reconstruction.aligned import axes_of, project
from services.render.reconstruction.grid import Grid, grid_of, letters
from services.render.reconstruction.oblique import sample
from services.render.reconstruction.planes import Vector
from services.render.reconstruction.stack import Stack, stack_of
from services.render.reconstruction.view import View
from tests.volumes import Scan, ellipsoid, ramp, rod, scanned

Array = np.ndarray[Any, Any]

SCANS = {
    "axial": Scan(),
    "from the feet": Scan(turn=(180, 0, 0)),
    "coronal": Scan(turn=(-90, 0, 0)),
    "sagittal": Scan(turn=(-90, 0, 90)),
    "oblique": Scan(turn=(20, -15, 35)),
    "uneven": Scan(places=(0.0, 1.0, 2.5, 4.0, 5.0, 6.5, 8.0, 9.0, 10.0, 11.5, 13.0)),
    "tilted gantry": Scan(tilt=float(np.tan(np.radians(18)))),
    "tilted and oblique": Scan(turn=(20, -15, 35), tilt=-0.25),
}
VIEWS = {
    "acquired": View(),
    "axial": View("axial"),
    "coronal": View("coronal"),
    "sagittal": View("sagittal"),
    "oblique": View("oblique", normal=(0.6, 0.64, 0.48), up=(0.0, 0.0, 1.0)),
}


def values(voxels: Array, stack: Stack, grid: Grid, projection: str = "mean") -> Array:
    axes = axes_of(stack, grid)
    return project(voxels, stack, grid, axes, projection) if axes else sample(voxels, stack, grid, projection)


def places(grid: Grid) -> Array:
    """Return where the pixels of a grid are in the patient, computed on its own; shape (rows, columns, 3)."""
    rows, columns = np.mgrid[0 : grid.rows, 0 : grid.columns][..., None] * grid.spacing
    return np.array(grid.origin) + columns * np.array(grid.right) + rows * np.array(grid.down)


def inner(stack: Stack, points: Array) -> Array:
    """Return which points lie between the outermost voxels' centres."""
    column, row, depth = np.moveaxis(stack.locate(points), -1, 0)
    e = 1e-6
    return (
        (column >= -e)
        & (column <= stack.columns - 1 + e)
        & (row >= -e)
        & (row <= stack.rows - 1 + e)
        & (depth >= -e)
        & (depth <= stack.places[-1] + e)
    )


@pytest.mark.parametrize("view", list(VIEWS))
@pytest.mark.parametrize("scan", list(SCANS))
def test_every_pixel_shows_its_own_place(scan: str, view: str) -> None:
    planes = SCANS[scan].planes()
    stack, order = stack_of(planes)
    voxels = scanned(planes, ramp)[order]
    grid = grid_of(VIEWS[view], stack)
    shown, points = values(voxels, stack, grid), places(grid)
    is_inner = inner(stack, points)
    assert is_inner.sum() > 1000
    np.testing.assert_allclose(shown[is_inner], ramp(points)[is_inner], atol=0.02)
    assert np.isfinite(shown[is_inner]).all()


@pytest.mark.parametrize("scan", list(SCANS))
def test_outside_of_the_volume_nothing_is_shown(scan: str) -> None:
    planes = SCANS[scan].planes()
    stack, order = stack_of(planes)
    grid = grid_of(VIEWS["oblique"], stack)
    shown = values(scanned(planes, ramp)[order], stack, grid)
    column, row, depth = np.moveaxis(stack.locate(places(grid)), -1, 0)
    margin = 0.6
    is_outside = (
        (column < -margin)
        | (column > stack.columns - 1 + margin)
        | (row < -margin)
        | (row > stack.rows - 1 + margin)
        | (depth < -margin * stack.slice_spacing)
        | (depth > stack.places[-1] + margin * stack.slice_spacing)
    )
    assert is_outside.any()
    assert np.isnan(shown[is_outside]).all()


@pytest.mark.parametrize("projection", ["max", "min", "mean"])
@pytest.mark.parametrize("view", ["axial", "coronal", "sagittal"])
def test_planes_along_the_axes_are_those_of_the_general_way(view: str, projection: str) -> None:
    scan = SCANS["uneven"]
    stack = scan.stack()
    voxels = scanned(scan.planes(), lambda points: np.sin(points @ np.array([0.5, 0.3, 0.2])).astype(np.float32))
    grid = grid_of(VIEWS[view], stack)
    axes = axes_of(stack, grid)
    assert axes is not None
    quick, general = project(voxels, stack, grid, axes, projection), sample(voxels, stack, grid, projection)
    np.testing.assert_array_equal(np.isnan(quick), np.isnan(general))
    np.testing.assert_allclose(quick, general, atol=1e-4)


def extent(shown: Array, grid: Grid) -> tuple[Vector, Vector]:
    """Return where in the patient something is seen: its smallest and largest coordinates, at half its brightness."""
    found = places(grid)[np.nan_to_num(shown) >= 500]
    half = grid.spacing / 2
    low, high = found.min(axis=0), found.max(axis=0)
    across = np.abs(np.array(grid.right)) + np.abs(np.array(grid.down))
    return tuple(low - half * across), tuple(high + half * across)


@pytest.mark.parametrize("scan", ["axial", "from the feet", "coronal", "oblique", "tilted gantry", "uneven"])
@pytest.mark.parametrize(("view", "axes"), [("axial", (0, 1)), ("coronal", (0, 2)), ("sagittal", (1, 2))])
def test_an_ellipsoid_is_where_it_is_and_as_long_as_it_is(scan: str, view: str, axes: tuple[int, int]) -> None:
    center = SCANS[scan].center
    radii = (14.0, 9.0, 3.5 if scan == "uneven" else 11.0)
    planes = SCANS[scan].planes()
    stack, order = stack_of(planes)
    voxels = scanned(planes, ellipsoid(center, radii))[order]
    grid = grid_of(View(view, position=center[{"axial": 2, "coronal": 1, "sagittal": 0}[view]]), stack)
    low, high = extent(values(voxels, stack, grid), grid)
    # Half a voxel along each axis of the patient, whatever way the voxels lie, and half a pixel of the picture.
    sides = np.array([stack.column_spacing, stack.row_spacing, stack.slice_spacing])[:, None] * SCANS[scan].axes
    tolerance = np.abs(sides).sum(axis=0) / 2 + grid.spacing / 2
    for axis in axes:
        assert low[axis] == pytest.approx(center[axis] - radii[axis], abs=tolerance[axis])
        assert high[axis] == pytest.approx(center[axis] + radii[axis], abs=tolerance[axis])


@pytest.mark.parametrize("scan", ["axial", "from the feet", "coronal", "sagittal", "oblique", "tilted gantry"])
def test_left_is_not_right_front_is_not_back_and_the_head_is_up(scan: str) -> None:
    x, y, z = SCANS[scan].center
    balls = {"left": (x + 12, y, z), "front": (x, y - 12, z), "head": (x, y, z + 12)}
    seen = {"axial": ("left", "front"), "coronal": ("left", "head"), "sagittal": ("front", "head")}
    planes = SCANS[scan].planes()
    stack, order = stack_of(planes)
    for name, center in balls.items():
        voxels = scanned(planes, ellipsoid(center, (4, 4, 4)))[order]
        for view, names in seen.items():
            if name not in names:
                continue
            grid = grid_of(View(view, thickness=None), stack)
            rows, columns = np.nonzero(np.nan_to_num(values(voxels, stack, grid, "max")) >= 500)
            middle = (grid.rows / 2, grid.columns / 2)
            if name == "left":
                assert columns.mean() > middle[1] + 5, f"the patient's left is at the right of a {view} picture"
            if name == "front" and view == "axial":
                assert rows.mean() < middle[0] - 5, "the front is up"
            if name == "front" and view == "sagittal":
                assert columns.mean() < middle[1] - 5, "the front is at the left"
            if name == "head":
                assert rows.mean() < middle[0] - 5, "the head is up"


def test_the_length_of_a_rod_is_right_in_the_plane_that_holds_it() -> None:
    scan = SCANS["oblique"]
    start, end = (0.0, -38.0, 42.0), (22.0, -20.0, 66.0)
    planes = scan.planes()
    stack, order = stack_of(planes)
    voxels = scanned(planes, rod(start, end, 2.5))[order]
    along = np.subtract(end, start)
    normal = np.cross(along, (0.0, 0.0, 1.0))
    normal /= np.linalg.norm(normal)
    view = View("oblique", position=float(np.dot(start, normal)), normal=tuple(normal), up=(0.0, 0.0, 1.0))
    grid = grid_of(view, stack)
    bright = places(grid)[np.nan_to_num(values(voxels, stack, grid)) >= 500]
    reach = (bright - np.array(start)) @ (along / np.linalg.norm(along))
    expected = np.linalg.norm(along) + 2 * 2.5  # the phantom's ends are round
    assert np.ptp(reach) == pytest.approx(expected, abs=1.5)
    off_axis = np.linalg.norm(bright - np.array(start) - reach[:, None] * (along / np.linalg.norm(along)), axis=1)
    assert off_axis.max() < 2.5 + 1.5


@pytest.mark.parametrize(("projection", "expected"), [("max", 1000.0), ("min", 0.0), ("mean", 250.0)])
@pytest.mark.parametrize("scan", ["axial", "oblique"])
def test_a_slab_brings_together_what_lies_in_it(scan: str, projection: str, expected: float) -> None:
    """A sheet of 10 mm across the axis of the slab, of 40 mm."""
    stack = SCANS[scan].stack()
    _, y, _ = SCANS[scan].center

    def sheet(points: Array) -> Array:
        return np.where(np.abs(points[..., 1] - y) <= 5, 1000, 0).astype(np.float32)

    grid = grid_of(View("coronal", position=y, thickness=40.0), stack)
    shown = values(scanned(SCANS[scan].planes(), sheet), stack, grid, projection)
    middle = shown[grid.rows // 2 - 3 : grid.rows // 2 + 3, grid.columns // 2 - 3 : grid.columns // 2 + 3]
    np.testing.assert_allclose(middle, expected, atol=25)


def test_a_slab_beside_something_does_not_show_it() -> None:
    scan = SCANS["axial"]
    x, y, z = scan.center
    voxels = scanned(scan.planes(), ellipsoid((x, y, z + 20), (4, 4, 4)))
    for position, is_seen in ((z + 20, True), (z + 12, True), (z, False)):
        grid = grid_of(View("axial", position=position, thickness=10.0), scan.stack())
        assert (np.nanmax(values(voxels, scan.stack(), grid, "max")) > 500) == is_seen


def test_a_mean_over_uneven_slices_weighs_each_by_its_distance() -> None:
    scan = Scan(places=(0.0, 1.0, 2.0, 3.0, 4.0, 5.5, 7.0, 8.5, 10.0))
    voxels = scanned(scan.planes(), ramp)
    stack = scan.stack()
    grid = grid_of(View("axial", thickness=None), stack)
    mean = values(voxels, stack, grid)[20, 20]
    assert mean == pytest.approx(ramp(places(grid)[20, 20]), abs=3)


def test_where_slices_are_missing_nothing_is_shown() -> None:
    scan = Scan(places=tuple(float(p) for p in [*range(0, 20, 2), *range(30, 50, 2)]))
    stack = scan.stack()
    assert stack.gaps == ((18.0, 30.0),)
    voxels = scanned(scan.planes(), ramp)
    for view in (VIEWS["coronal"], VIEWS["oblique"]):
        grid = grid_of(view, stack)
        shown, points = values(voxels, stack, grid), places(grid)
        depth = stack.locate(points)[..., 2]
        is_inner = inner(stack, points)
        assert np.isnan(shown[is_inner & (depth > 19.01) & (depth < 28.99)]).all()
        assert np.isfinite(shown[is_inner & ((depth < 18.99) | (depth > 29.01))]).all()
    first = float(np.dot(stack.origin, stack.normal))
    assert np.isnan(values(voxels, stack, grid_of(View("axial", position=first + 24), stack))).all()


def test_a_plane_of_the_images_themselves_is_the_image() -> None:
    for name in ("axial", "oblique", "coronal"):
        scan = replace(SCANS[name], row_spacing=0.7, column_spacing=0.7)
        stack = scan.stack()
        voxels = np.random.default_rng(1).random((*stack.shape,)).astype(np.float32)
        grid = grid_of(View(), stack)
        assert (grid.rows, grid.columns) == (scan.rows, scan.columns)
        np.testing.assert_allclose(values(voxels, stack, grid), voxels[len(voxels) // 2], atol=1e-4)


# --- what is no volume ------------------------------------------------------------------------------------------------


def test_the_order_in_which_images_come_is_without_meaning() -> None:
    planes = SCANS["oblique"].planes()
    shuffled = np.random.default_rng(1).permutation(len(planes)).tolist()
    stack, order = stack_of([planes[number] for number in shuffled])
    assert [shuffled[number] for number in order] == list(range(len(planes)))
    assert stack == SCANS["oblique"].stack()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rows": 65}, "several sizes"),
        ({"row_spacing": 0.9}, "several pixel spacings"),
        ({"row_direction": (0.0, 1.0, 0.0), "column_direction": (-1.0, 0.0, 0.0)}, "several orientations"),
        ({"row_direction": (-1.0, 0.0, 0.0)}, "several orientations"),
        ({"position": (0.0, 0.0, 35.0)}, "straight line"),
    ],
)
def test_images_that_make_no_volume_are_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    planes = Scan(center=(0.0, 0.0, 27.0)).planes()
    planes[17] = replace(planes[17], **changes)
    with pytest.raises(UnsupportedInstance, match=reason):
        stack_of(planes)


def test_several_images_at_one_place_are_refused() -> None:
    planes = Scan().planes()
    with pytest.raises(UnsupportedInstance, match="phases, echoes or times"):
        stack_of([*planes, *planes])
    with pytest.raises(UnsupportedInstance, match="two images"):
        stack_of(planes[:1])


def test_a_position_beside_the_volume_is_refused_and_the_bounds_are_told() -> None:
    stack = Scan().stack()
    with pytest.raises(MalformedRequest, match=r"from position 27.00 to 83.00 mm"):
        grid_of(View("axial", position=84.0), stack)


def test_a_plane_of_too_many_pixels_is_refused() -> None:
    with pytest.raises(UnsupportedInstance, match="larger than is made here"):
        grid_of(View("coronal"), Scan(columns=4000, rows=4, column_spacing=0.01, row_spacing=0.01).stack())


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ((1.0, 0.0, 0.0), "L"),
        ((-1.0, 0.0, 0.0), "R"),
        ((0.0, 1.0, 0.0), "P"),
        ((0.0, -1.0, 0.0), "A"),
        ((0.0, 0.0, 1.0), "H"),
        ((0.0, 0.0, -1.0), "F"),
        ((0.6, -0.8, 0.0), "AL"),
        ((0.1, -0.99, 0.0), "A"),
    ],
)
def test_directions_have_the_letters_of_the_standard(direction: Vector, expected: str) -> None:
    assert letters(direction) == expected


def test_an_oblique_slab_that_is_too_thick_is_refused() -> None:
    stack = Scan(columns=600, rows=600).stack()
    grid = grid_of(View("oblique", normal=(0.6, 0.64, 0.48), up=(0.0, 0.0, 1.0), thickness=5000.0), stack)
    with pytest.raises(UnsupportedInstance, match="too thick"):
        sample(np.zeros(stack.shape, np.int16), stack, grid, "max")
