"""Files that a build made: read whole, or compressed as the build left them beside."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Final

from radstream.contract.errors import NotFound

_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
_MEDIA_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm"}


def read(path: Path) -> bytes:
    """Return a file.

    Raises
    ------
    NotFound
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound("there is no such file") from error


def read_smallest(path: Path, accepted: str) -> tuple[bytes, str]:
    """Return a file and its Content-Encoding: the form made at build time that the browser takes, or as it is.

    Parameters
    ----------
    accepted : str
        The header Accept-Encoding.

    Raises
    ------
    NotFound
    """
    names = {item.split(";")[0].strip() for item in accepted.lower().split(",") if not item.endswith(";q=0")}
    for encoding, suffix in _ENCODINGS:
        packed = path.with_name(path.name + suffix)
        if encoding in names and packed.is_file():
            return read(packed), encoding
    return read(path), ""


def media_type_of(path: Path) -> str:
    """Return the media type of a file by its name; scripts and programs as browsers insist on it."""
    return _MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
