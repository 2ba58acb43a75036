"""Which part of a request a "BulkDataURI" means. Pure.

References
----------
PS3.18 8.6.1.2.1 (Content-Location), F.2.6 (BulkDataURI); RFC 2557 (relative ones), RFC 2392 (``cid:``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urljoin

_FRAME: Final = re.compile(r"(.+)/frames/[0-9]{1,10}", re.DOTALL)


@dataclass(frozen=True)
class Base:
    """What relative URIs are relative to.

    Parameters
    ----------
    url : str
        Of the resource that is posted to.
    """

    url: str

    def location(self, uri: str) -> str:
        """Return where `uri` points: two that mean the same give the same."""
        if uri[:4].lower() == "cid:":
            return f"cid:{unquote(uri[4:])}"
        try:
            return urljoin(self.url, uri)
        except ValueError:  # such as of brackets that hold no address
            return uri

    def locations(self, headers: Mapping[str, str]) -> list[str]:
        """Return the locations of a part: its Content-Location, its Content-ID, or both.

        One that ends in ``/frames/{number}`` is one of the frames of what is before it, too.
        """
        found = [self.location(headers["content-location"])] if headers.get("content-location") else []
        found += [match[1] for location in found if (match := _FRAME.fullmatch(location))]
        content_id = headers.get("content-id", "").strip().removeprefix("<").removesuffix(">")
        return [*found, f"cid:{unquote(content_id)}"] if content_id else found
