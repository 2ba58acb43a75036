"""Media types with parameters, as read from Content-Type, Accept and the heads of parts: tolerant and linear in time.

Clients leave out quotation marks that the grammar asks for (``type=application/dicom``), end in a semicolon, or put no
space where others do. None of these changes what is meant, so all of them are read (RFC 9110 8.3.1, PS3.18 8.7.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from radstream.contract.errors import MalformedRequest

MAX_TEXT = 8192
"""Longest text, in characters, that is looked at."""

# A quoted string (or the open rest of one), or one of the separators; everything between them is a token.
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\\?$)|([;,=])|([^;,="]+)', re.DOTALL)


@dataclass(frozen=True)
class MediaType:
    """A media type or media range.

    Parameters
    ----------
    name : str
        In lower case, e.g. ``multipart/related`` or ``*/*``.
    parameters : dict of str to str
        Names in lower case, values without quotation marks; the first of equal names.
    """

    name: str
    parameters: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name + "".join(f"; {name}={_quoted(value)}" for name, value in self.parameters.items())


def parse_media_type(text: str) -> MediaType:
    """Return the one media type in `text`.

    Raises
    ------
    MalformedRequest
        If there is none, or more than one.
    """
    found = parse_media_types(text)
    if len(found) != 1:
        raise MalformedRequest("expected one media type")
    return found[0]


def parse_media_types(text: str) -> list[MediaType]:
    """Return the media types in a comma-separated list; empty items are skipped.

    Raises
    ------
    MalformedRequest
        If one of them has no slash, or `text` is absurdly long.
    """
    if len(text) > MAX_TEXT:
        raise MalformedRequest("a list of media types is too long")
    return [_media_type(fields) for fields in _split(text) if fields != [""]]


def _split(text: str) -> list[list[str]]:
    """Return the fields between semicolons of each item between commas, quoted strings taken for what they hold."""
    items: list[list[str]] = [[""]]
    for match in _TOKEN.finditer(text):
        quoted, separator, token = match.groups()
        if separator == ",":
            items.append([""])
        elif separator == ";":
            items[-1].append("")
        elif quoted is not None:
            items[-1][-1] += re.sub(r"\\(.)", r"\1", quoted)
        else:
            items[-1][-1] += separator or token.strip()
    return items


def _media_type(fields: list[str]) -> MediaType:
    # "+" in a query string that was not percent-encoded arrives as a space: application/dicom json
    name = {"*": "*/*"}.get(fields[0], fields[0].lower().replace(" ", "+"))  # Java's own client sends a lone "*"
    if not re.fullmatch(r"[^/\s]+/[^/\s]+", name):
        raise MalformedRequest("a media type has the form type/subtype")
    parameters: dict[str, str] = {}
    for parameter in fields[1:]:
        key, equals, value = parameter.partition("=")
        if equals:
            parameters.setdefault(key.strip().lower(), value)
    return MediaType(name, parameters)


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", value, re.ASCII) else f'"{value}"'
