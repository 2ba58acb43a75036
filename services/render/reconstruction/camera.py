"""The Standard's own words for planes: the query of a Rendered MPR Volume resource. Pure.

A camera at `viewpointposition` looks at a point, which lies in the plane that is made; or it is said from which side of
the patient it looks. What these parameters have and is not done here is refused, not ignored.

References
----------
PS3.18 8.3.5.3 (query parameters), 10.4.1.1.7 (resources); PS3.3 C.11.30 (render geometry).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from radstream.contract.errors import MalformedRequest, UnsupportedInstance
from services.render.reconstruction.planes import Vector
from services.render.reconstruction.view import View, parse_view, point, vector

_SIDES: Final = {
    "a": {"plane": "coronal"},
    "f": {"plane": "axial"},
    "l": {"plane": "sagittal"},
    "p": {"plane": "oblique", "normal": "0,-1,0", "up": "0,0,1"},
    "r": {"plane": "oblique", "normal": "1,0,0", "up": "0,0,1"},
    "h": {"plane": "oblique", "normal": "0,0,-1", "up": "0,-1,0"},
}
"""What a camera sees that looks at the patient from the front, feet, left, back, right or head (8.3.5.3.4)."""

_METHODS: Final = {"maximum_ip": "max", "minimum_ip": "min", "average_ip": "mean"}
_CAMERA: Final = ("viewpointposition", "viewpointlookat", "viewpointup")
_NOT_DONE: Final = (
    "volumeinputreference",
    "match",
    "swivelrange",
    "volumetriccurvepoint",
    "animationstepsize",
    "animationrate",
    "renderedvolumetricmetadata",
)


def parse_camera(query: Mapping[str, str]) -> View:
    """Return the plane that a query names; without any parameter of a plane it is that of the images themselves.

    Raises
    ------
    MalformedRequest
        If a parameter means nothing, or two do not go together.
    UnsupportedInstance
        (406) If it asks for what is not done here.
    """
    given = {name.lower(): value.strip() for name, value in query.items() if value.strip()}
    if not_done := [name for name in _NOT_DONE if name in given]:
        raise UnsupportedInstance(f"{', '.join(not_done)} of a rendered volume is not done here")
    words = {**_side(given), "thickness": given.get("mprslab", "0"), "projection": _method(given)}
    if any(name in given for name in _CAMERA):
        words |= _camera(given)
    view = parse_view(words)
    assert view is not None
    return view


def _side(given: Mapping[str, str]) -> dict[str, str]:
    side = given.get("orientation", "").lower()
    if not side:
        return {}
    if side not in _SIDES:
        raise MalformedRequest(f"orientation is one of {', '.join(_SIDES)}")
    if any(name in given for name in _CAMERA):
        raise MalformedRequest("either orientation or the viewpoint says where the camera is")
    return _SIDES[side]


def _method(given: Mapping[str, str]) -> str:
    method = given.get("renderingmethod", "average_ip").lower()
    if method == "volume_rendered":
        raise UnsupportedInstance("volumes are rendered as planes and slabs only")
    if method not in _METHODS:
        raise MalformedRequest(f"renderingmethod is {', '.join(_METHODS)}")
    return _METHODS[method]


def _camera(given: Mapping[str, str]) -> dict[str, str]:
    """Return the plane through the point that the camera looks at, across the direction in which it looks."""
    if "viewpointposition" not in given or "viewpointlookat" not in given:
        raise MalformedRequest("viewpointposition and viewpointlookat belong together")
    looked_at = point(given["viewpointlookat"], "viewpointlookat")
    away = np.subtract(looked_at, point(given["viewpointposition"], "viewpointposition"))
    normal = vector(_text(away.tolist()), "the viewing direction")
    up = {"up": given["viewpointup"]} if "viewpointup" in given else {}
    return {"plane": "oblique", "normal": _text(normal), "position": repr(float(np.dot(looked_at, normal))), **up}


def _text(numbers: Vector | list[float]) -> str:
    return ",".join(map(repr, numbers))
