"""The door of reconstructed planes: the rendered resource of a series, if the query names a plane."""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.contract.uids import Uid
from radstream.web.accept import Offer, accepted
from radstream.web.conditional import cache_headers, unchanged
from services.render.asked import RENDERING
from services.render.encode import is_moving
from services.render.enhancement.derivation import codes_of
from services.render.enhancement.mark import name_of
from services.render.media_types import OFFERS as PICTURES
from services.render.media_types import choose_picture
from services.render.parameters import Parameters
from services.render.reconstruction.contents import Contents, Series
from services.render.reconstruction.grid import Grid, grid_of
from services.render.reconstruction.label import HEADER, geometry_of, label_of
from services.render.reconstruction.orders import Show
from services.render.reconstruction.view import View
from services.render.reconstruction.volumes import Volumes
from services.render.secondary_capture import CAPTURE, DICOM, Derivation

OFFERS: Final = (*(offer for offer in PICTURES if not is_moving(offer.media_type)), CAPTURE)

_REFORMATTED: Final = ("113072", "Multiplanar reformatting")
_PROJECTED: Final = {
    "max": ("113078", "Maximum intensity projection"),
    "min": ("113079", "Minimum intensity projection"),
    "mean": ("113049", "Pixel by pixel mean"),
}
"""PS3.16 CID 7203 Image Derivation."""


class Reconstruction:
    """Answers requests for planes and slabs."""

    def __init__(self, backends: Backends, volumes: Volumes) -> None:
        self._series = Series(backends.catalog)
        self._volumes = volumes

    async def picture(self, request: Request, series: tuple[Uid, Uid], view: View, parameters: Parameters) -> Response:
        """Answer with the picture of a view.

        Parameters
        ----------
        series : (Uid, Uid)
            Study Instance UID and Series Instance UID.

        Raises
        ------
        UnsupportedInstance
            (406) If the series is no volume, or cannot be decoded; the text says why.
        MalformedRequest
            (400) If the plane lies beside it.
        NotFound, Unavailable
        """
        offer = choose_picture(accepted(request), OFFERS)
        contents = await self._series.contents(*series)
        grid = grid_of(view, contents.form.stack)
        show = _show(contents, view, grid, parameters, offer)
        etag = _etag(show)
        if (answer := unchanged(request, etag)) is not None:
            return answer
        made = await self._volumes.picture(contents, show)
        headers = cache_headers(etag) | {HEADER: geometry_of(view, grid, contents.form.stack)}
        return Response(made.body, headers=headers, media_type=offer.media_type)


def _show(contents: Contents, view: View, grid: Grid, parameters: Parameters, offer: Offer) -> Show:
    return Show(
        contents.key,
        grid,
        view.projection,
        label_of(view, grid, contents.form.stack, parameters.enhancement),
        parameters.wish(grid.rows, grid.columns),
        offer.media_type,
        parameters.quality,
        _derivation(contents, view, grid, parameters) if offer.media_type == DICOM else None,
    )


def _derivation(contents: Contents, view: View, grid: Grid, parameters: Parameters) -> Derivation:
    stack = contents.form.stack
    codes = [_REFORMATTED, *([_PROJECTED[view.projection]] if grid.thickness else [])]
    return Derivation(
        f"Reconstructed {view.plane} {name_of(parameters.enhancement)}".strip(),
        f"{label_of(view, grid, stack, parameters.enhancement)}; {geometry_of(view, grid, stack)}",
        (*codes, *codes_of(parameters.enhancement)),
        contents.sources(),
    )


def _etag(show: Show) -> str:
    """Return a strong entity tag: equal instances and equal wishes give equal pictures."""
    return f'"{hashlib.sha256(repr(show).encode()).hexdigest()[:32]}-{RENDERING}"'
