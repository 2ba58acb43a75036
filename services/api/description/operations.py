"""All operations of the web doors, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.api.description.changes import deletions, stores
from services.api.description.operation import HTML, JSON, ROOT, WADL, Operation
from services.api.description.retrievals import ACCEPT, retrievals, uri_service
from services.api.description.searches import searches
from services.api.matching import MATCHINGS, Matching

OPENAPI_PATH: Final = f"{ROOT}/openapi.json"
PAGE_PATHS: Final = (f"{ROOT}/", ROOT)


def operations(matchings: Mapping[str, Matching] = MATCHINGS, *, may_delete: bool = True) -> list[Operation]:
    """Return every operation.

    Parameters
    ----------
    matchings : mapping of str to Matching
        What can be searched for in this installation.
    may_delete : bool
        Whether deletion is permitted in it.
    """
    found = [*searches(matchings), *stores(), *retrievals(), *(deletions() if may_delete else ()), uri_service()]
    found.append(
        Operation("RetrieveDescription", "GET", OPENAPI_PATH, "Retrieve this description (OpenAPI)", "", {200: (JSON,)})
    )
    for number, path in enumerate(PAGE_PATHS):
        found.append(Operation(f"ReadPage{number or ''}", "GET", path, "Read this description", "", {200: (HTML,)}))
    return [*found, *_capabilities(found)]


def _capabilities(found: Sequence[Operation]) -> list[Operation]:
    """Return the operation that describes each resource of `found` below the root (PS3.18 8.9)."""
    paths = dict.fromkeys(each.path for each in found if each.path.startswith(ROOT))
    return [
        Operation(
            f"RetrieveCapabilities{number or ''}",
            "OPTIONS",
            path,
            "Retrieve what can be done with a resource and those below it",
            "8.9",
            {200: (WADL, JSON)},
            (400, 406),
            (ACCEPT,),
        )
        for number, path in enumerate(paths)
        if path != OPENAPI_PATH
    ]
