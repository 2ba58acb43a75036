"""The Content-Security-Policy of a page in one file: it runs and wears what it holds itself, named by hash."""

from __future__ import annotations

import base64
import hashlib
import re


def content_security_policy(page: str) -> str:
    """Return the policy that lets a page load from its own server, and run the scripts and styles that it holds."""
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
    """Return the sources of all elements of a kind; ``'none'`` if there are none."""
    contents = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
    digests = (hashlib.sha256(content.encode()).digest() for content in contents)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests) or "'none'"
