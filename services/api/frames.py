"""WADO-RS Retrieve Frames: `frames/1,2,3` of an instance, as pixels, as they are compressed, or compressed anew.

References
----------
PS3.18 10.4.1.1.6 Pixel Data Resources, 8.7.3 DICOM Media Type Sets.
"""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.contract.errors import MalformedRequest, NotFound, UnsupportedInstance
from radstream.retrieval.images import FIELDS, Images
from radstream.retrieval.transcoding import Transcoding
from radstream.settings import Settings
from radstream.web.accept import choose
from radstream.web.links import base_url
from radstream.web.paths import INSTANCE
from services.api.address import address_of, instance_path, instances_at
from services.api.answer import answer
from services.api.frame_set import FrameSet

_FRAME_LIST = re.compile(r"[0-9]{1,10}(?:,[0-9]{1,10})*")

MAX_FRAMES: Final = 10_000
"""Frames of one request; there may be as many requests as one likes."""


def add_to(routes: APIRouter, backends: Backends, settings: Settings, images: Images, transcoding: Transcoding) -> None:
    """Add the transaction to `routes`."""

    async def retrieve_frames(request: Request) -> Response:
        address = address_of(request.path_params)
        numbers = frame_numbers(request.path_params["frames"])
        (document,) = await instances_at(backends.catalog, address, FIELDS)
        pixel_data = await images.pixel_data(document)
        if pixel_data.is_video:
            raise UnsupportedInstance("the frames of a video are one stream: retrieve it as bulk data")
        if max(numbers) > pixel_data.table.number_of_frames:
            raise NotFound("the instance has fewer frames")
        frames = FrameSet(document, pixel_data, transcoding)
        offer = choose(request, frames.offers(may_be_alone=len(numbers) == 1))
        base = f"{base_url(request, settings)}{routes.prefix}/{instance_path(document)}/frames"
        values = [(frames.frame(number - 1, offer), f"{base}/{number}") for number in numbers]
        return await answer(request, offer, frames.tag(offer, request.path_params["frames"]), values)

    routes.add_api_route(f"{INSTANCE}/frames/{{frames}}", retrieve_frames, methods=["GET"])


def frame_numbers(text: str) -> list[int]:
    """Return the frame numbers, 1-based, of a comma-separated list.

    Raises
    ------
    MalformedRequest
        If it is no such list, has a 0, or more than `MAX_FRAMES`.
    """
    if not _FRAME_LIST.fullmatch(text):
        raise MalformedRequest("frames are named by a list of numbers with commas between them")
    numbers = [int(number) for number in text.split(",")]
    if min(numbers) < 1 or len(numbers) > MAX_FRAMES:
        raise MalformedRequest(f"frame numbers begin at 1, and one request may name {MAX_FRAMES} of them")
    return numbers
