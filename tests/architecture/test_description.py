"""The description of the web doors says what their routes are: each route is described, each described one exists."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from fastapi import APIRouter

from radstream.settings import Settings
from services.api import capabilities, qido, wado
from services.api.description.operation import Operation
from services.api.description.operations import operations
from services.ingest import delete, stow
from services.render import http as rendered
from services.render import uri
from tests.pages import difference

Pair = tuple[str, str]


def routers() -> list[APIRouter]:
    backends: Any = SimpleNamespace(bus=None, blobs=None, catalog=None, previews=None)
    doors: Any = (stow, delete, qido, wado, rendered, uri)
    return [*(door.router(backends, Settings()) for door in doors), capabilities.router(Settings())]


def real() -> set[Pair]:
    """Return method and path of every route, parameters called as the description calls them."""
    routes: Iterable[Any] = [route for router in routers() for route in router.routes]
    return {(method, _described_path(route.path)) for route in routes for method in route.methods}


def _described_path(path: str) -> str:
    return path.replace("{study_instance_uid}", "{study}").replace("{path:path}", "{path}")


def undescribed(described: Iterable[Operation]) -> list[str]:
    return difference({(each.method, each.path) for each in described}, real())


def test_every_route_is_described_and_every_described_one_exists() -> None:
    assert undescribed(operations()) == []


def test_a_route_that_is_missing_on_either_side_is_found() -> None:
    described = operations()
    assert undescribed(described[1:]) == [str(("GET", described[0].path))]
    made_up = Operation("X", "GET", "/dicom-web/x", "", "", {200: ()})
    assert undescribed([*described, made_up]) == [str(("GET", "/dicom-web/x"))]


def test_every_transaction_has_a_name_of_its_own() -> None:
    names = [each.name for each in operations()]
    assert len(names) == len(set(names))
