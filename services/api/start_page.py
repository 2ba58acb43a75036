"""The page at `/`: the newest studies with their thumbnails, and how to send more. One file, no framework.

Names in it come from anybody who can send an image. The page writes them as text only, and its Content-Security-Policy
runs no script but the page's own, which it names by hash.
"""

from __future__ import annotations

import html
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from radstream.backends import Backends
from radstream.settings import Settings
from services.api.policy import content_security_policy


def router(_backends: Backends, settings: Settings) -> APIRouter:
    """Return the route of the page."""
    routes = APIRouter(include_in_schema=False)
    page = render(settings)
    headers = {"content-security-policy": content_security_policy(page), "cache-control": "no-cache"}

    @routes.get("/")
    async def start_page() -> Response:
        return Response(page, headers=headers, media_type="text/html")

    return routes


def render(settings: Settings) -> str:
    """Return the page, with where to send to."""
    template = (Path(__file__).parent / "start_page.html").read_text(encoding="utf-8")
    filled = template.replace("{ae_title}", html.escape(settings.ae_title))
    return filled.replace("{dimse_port}", str(settings.dimse_port))
