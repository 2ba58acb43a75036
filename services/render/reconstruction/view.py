"""What a client may say of a plane through a series, in the query of its rendered resource. Pure.

``plane=coronal&position=-12.5``, ``plane=oblique&normal=0,1,1&up=0,0,1``, ``projection=max&thickness=20``. Lengths are
in millimetres, vectors in the patient's coordinates (PS3.3 C.7.6.2.1.1: x to the left, y to the back, z to the head).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from radstream.contract.errors import MalformedRequest
from services.render.reconstruction.planes import Vector

PLANES: Final = ("acquired", "axial", "coronal", "sagittal", "oblique")
PROJECTIONS: Final = ("max", "min", "mean")
PARAMETERS: Final = ("plane", "position", "normal", "up", "thickness", "projection")
THICKEST_MM: Final = 10_000.0

_HEAD: Final = (0.0, 0.0, 1.0)
_FRONT: Final = (0.0, -1.0, 0.0)
_NEARLY_PARALLEL: Final = 0.999


@dataclass(frozen=True)
class View:
    """A plane, or a slab of some thickness around it.

    Parameters
    ----------
    plane : str
        One of `PLANES`; "acquired" is that of the images themselves.
    position : float or None
        Where the plane cuts its own normal axis: x of a sagittal, y of a coronal, z of an axial one; of others the
        distance from the origin along the normal. The middle of the volume if None.
    normal, up : Vector
        Of an oblique plane: what it is looked at along, and what is up in the picture.
    thickness : float or None
        Of the slab, 0 for a plane; None is the whole volume.
    projection : str
        One of `PROJECTIONS`: what of the values along the slab is shown.
    """

    plane: str = "acquired"
    position: float | None = None
    normal: Vector = _HEAD
    up: Vector = _FRONT
    thickness: float | None = 0.0
    projection: str = "mean"


def parse_view(query: Mapping[str, str]) -> View | None:
    """Return the plane that a query names, None if it names none; names are matched without regard to case.

    Raises
    ------
    MalformedRequest
        If a parameter means nothing, or two do not go together.
    """
    given = {name.lower(): value.strip() for name, value in query.items() if value.strip()}
    if not given.keys() & set(PARAMETERS):
        return None
    plane = _one_of(given.get("plane", "acquired"), "plane", PLANES)
    if plane != "oblique" and given.keys() & {"normal", "up"}:
        raise MalformedRequest("normal and up are for plane=oblique")
    if plane == "oblique" and "normal" not in given:
        raise MalformedRequest("plane=oblique needs a normal")
    normal = vector(given["normal"], "normal") if "normal" in given else _HEAD
    position = _number(given["position"], "position") if "position" in given else None
    projection = _one_of(given.get("projection", "mean"), "projection", PROJECTIONS)
    return View(plane, position, normal, _up(given.get("up"), normal), _thickness(given), projection)


def _thickness(given: Mapping[str, str]) -> float | None:
    """Return the thickness; a projection without one is that of the whole volume."""
    if "thickness" not in given:
        return None if "projection" in given else 0.0
    thickness = _number(given["thickness"], "thickness")
    if not 0 <= thickness <= THICKEST_MM:
        raise MalformedRequest(f"thickness is 0 to {THICKEST_MM:g} mm")
    return thickness


def _up(text: str | None, normal: Vector) -> Vector:
    up = vector(text, "up") if text else (_FRONT if abs(normal[2]) > _NEARLY_PARALLEL else _HEAD)
    if abs(sum(a * b for a, b in zip(up, normal, strict=True))) > _NEARLY_PARALLEL:
        raise MalformedRequest("up and normal point the same way")
    return up


def vector(text: str, name: str) -> Vector:
    """Return the unit vector along three numbers.

    Raises
    ------
    MalformedRequest
        If they are not three, or have no direction.
    """
    x, y, z = point(text, name)
    length = math.hypot(x, y, z)
    if not 1e-6 < length < 1e6:
        raise MalformedRequest(f"{name} has no direction")
    return x / length, y / length, z / length


def point(text: str, name: str) -> Vector:
    """Return three numbers; raises `MalformedRequest` if they are not three."""
    fields = text.split(",")
    if len(fields) != 3:
        raise MalformedRequest(f"{name} has three numbers")
    x, y, z = (_number(field, name) for field in fields)
    return x, y, z


def _one_of(text: str, name: str, known: tuple[str, ...]) -> str:
    if text.lower() not in known:
        raise MalformedRequest(f"{name} is {', '.join(known)}")
    return text.lower()


def _number(text: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or abs(number) > 1e6:
        raise MalformedRequest(f"{name} is made of numbers")
    return number
