"""OHIF is built for the root of a host; these rewrites move it below a path. Pure.

Each rewrite has to find what it rewrites: another version of OHIF may put its paths elsewhere, and a page that asks
for files at the root would find those of somebody else.
"""

from __future__ import annotations

import re
from typing import Final

BASE: Final = "/ohif/"

_UNUSED: Final = re.compile(
    r"(?:ort/|dicom-microscopy-viewer/.*\.(?:map|LICENSE\.txt)$|.*\.map$"
    r"|(?:sw|google|serve|init-service-worker|es6-shim\.min|polyfill\.min|oidc-client\.min)\.js(?:on)?$"
    r"|silent-refresh\.html$|_headers$|_redirects$|app-config\.js$)"
)
"""ONNX models (136 MB), maps, service workers, files of other hosts, sign-in: nothing here asks for them."""


class NothingToRewrite(Exception):
    """A file does not hold what a rewrite is for; the text names both."""


def is_needed(name: str) -> bool:
    """Tell whether a file of the release, by its path below ``dist``, is one that we serve."""
    return _UNUSED.match(name) is None


def rewritten(name: str, text: str) -> str:
    """Return the text of the release's file `name` as it has to be below `BASE`.

    Raises
    ------
    NothingToRewrite
    """
    if name == "index.html":
        return _page(text)
    if name == "manifest.json":
        return _replaced(name, text, r'"/assets/', f'"{BASE}assets/')
    if name.endswith(".css"):
        return re.sub(r"url\(/(?!/)", f"url({BASE}", text)
    if name.startswith("app.bundle.") and name.endswith(".js"):
        text = _replaced(name, text, r"'/dicom-microscopy-viewer/", f"'{BASE}dicom-microscopy-viewer/")
        return _replaced(name, text, _PUBLIC_PATH, rf"\1{BASE}\2")
    return re.sub(_PUBLIC_PATH, rf"\1{BASE}\2", text) if name.endswith(".js") else text


_PUBLIC_PATH: Final = r'(__webpack_require__\.p = ")/(")'


def _page(text: str) -> str:
    """Return the page; without the script that signs off every service worker of the host, whoever's it is."""
    text = _replaced("index.html", text, r'<script [^>]*src="/init-service-worker\.js"></script>', "")
    text = _replaced("index.html", text, r'window\.PUBLIC_URL="/"', f'window.PUBLIC_URL="{BASE}"')
    return _replaced("index.html", text, r'((?:href|src|content)=")/(?!/)', rf"\1{BASE}")


def _replaced(name: str, text: str, pattern: str, replacement: str) -> str:
    result, count = re.subn(pattern, replacement, text)
    if count == 0:
        raise NothingToRewrite(f"{name} has no {pattern}")
    return result
