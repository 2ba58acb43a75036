"""The page at `/`: the newest studies with their thumbnails, and how to send more. One file, no framework.

Names in it come from anybody who can send an image. The page writes them as text only, and its Content-Security-Policy
runs no script but the page's own, which it names by hash.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from radstream.backends import Backends
from radstream.settings import Settings


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


def content_security_policy(page: str) -> str:
    """Return the policy that lets the page load from its own server, and run the scripts and styles that it holds."""
    return "; ".join(
        (
            "default-src 'self'; img-src 'self' data:",
            f"script-src {_hashes(page, 'script')}",
            f"style-src {_hashes(page, 'style')}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "object-src 'none'",
        )
    )


def _hashes(page: str, element: str) -> str:
    contents = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
    digests = (hashlib.sha256(content.encode()).digest() for content in contents)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
