from __future__ import annotations

import httpx2
import pytest
from fastapi import APIRouter, Depends, HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from radstream.web.direct import Direct


def guard() -> None:
    """What FastAPI would run first."""


def routers() -> list[APIRouter]:
    first, second = APIRouter(prefix="/dicom-web"), APIRouter(prefix="/dicom-web")

    @first.get("/studies/{study}")
    async def one(request: Request) -> Response:
        return JSONResponse([request.path_params, request.scope["route"].path])

    @first.get("/studies/{study}/bulkdata/{path:path}")
    async def deep(request: Request) -> Response:
        return JSONResponse(request.path_params)

    @first.get("/numbers/{number}")
    async def helped(number: int) -> Response:
        return JSONResponse(number)

    @second.get("/studies/{anything}")
    async def hidden(request: Request) -> Response:
        return Response("never")

    @second.get("/numbers/seven")
    async def hidden_too(request: Request) -> Response:
        return Response("never")

    @second.get("/refuses")
    async def refuses(request: Request) -> Response:
        raise HTTPException(418, "a teapot")

    guarded = APIRouter(prefix="/dicom-web", dependencies=[Depends(guard)])

    @guarded.get("/guarded")
    async def behind_the_guard(request: Request) -> Response:
        return Response("never")

    @second.get("/guarded-too", dependencies=[Depends(guard)])
    async def behind_its_guard(request: Request) -> Response:
        return Response("never")

    return [first, second, guarded]


async def beyond(scope: object, receive: object, send: object) -> None:
    await Response("FastAPI's")(scope, receive, send)  # type: ignore[arg-type]


async def get(path: str, method: str = "GET", root_path: str = "") -> httpx2.Response:
    transport = httpx2.ASGITransport(Direct(beyond, routers()), root_path=root_path)  # type: ignore[arg-type]
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, f"/dicom-web{path}")


async def test_first_route_that_fits_is_called_with_its_parameters() -> None:
    assert (await get("/studies/1.2")).json() == [{"study": "1.2"}, "/dicom-web/studies/{study}"]
    assert (await get("/studies/a%20b")).json()[0] == {"study": "a b"}


@pytest.mark.parametrize("path", ["1", "1/2", "/", "a//b"])
async def test_path_parameter_takes_any_number_of_slashes(path: str) -> None:
    assert (await get(f"/studies/1.2/bulkdata/{path}")).json() == {"study": "1.2", "path": path}


@pytest.mark.parametrize(
    "path", ["/studies", "/studies/1.2/", "/other", "/numbers/7", "/numbers/seven", "/studies/a%2Fb"]
)
async def test_everything_else_is_left_to_fastapi(path: str) -> None:
    assert (await get(path)).text == "FastAPI's"


@pytest.mark.parametrize("path", ["/guarded", "/guarded-too"])
async def test_what_has_dependencies_is_left_to_fastapi_which_runs_them(path: str) -> None:
    assert (await get(path)).text == "FastAPI's"


async def test_other_methods_are_left_to_fastapi() -> None:
    assert (await get("/studies/1.2", "DELETE")).text == "FastAPI's"


async def test_applications_below_another_root_are_left_to_fastapi() -> None:
    assert (await get("/studies/1.2", root_path="/pacs")).text == "FastAPI's"


async def test_refusal_of_a_handler_is_a_problem() -> None:
    answer = await get("/refuses")
    assert answer.status_code == 418
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "a teapot"
