"""Requests that other sites make in the name of whoever looks at them are refused (cross-site request forgery).

A browser says of each request that a page makes where that page is from. Nobody has to prove who they are yet, so a
page of any site could otherwise have things done by the browser of somebody who reaches this archive.

References
----------
Fetch Metadata Request Headers (W3C) 2.4 Sec-Fetch-Site; RFC 6454 7 The Origin header.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

from radstream.settings import Settings
from radstream.web.links import base_url


def refuse_other_origins(request: Request, settings: Settings) -> None:
    """Return if `request` is made by our own pages, or by what is no browser.

    Raises
    ------
    HTTPException
        403, if a page from elsewhere makes it.
    MalformedRequest
        If the Host header is no address.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = urlsplit(base_url(request, settings))
    is_own_origin = origin in {None, f"{own.scheme}://{own.netloc}"}
    if site not in {None, "same-origin", "none"} or not is_own_origin:
        raise HTTPException(403, "this is done for pages of this archive only")
