"""One method of one resource: what it takes, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Method = Literal["GET", "POST", "DELETE", "OPTIONS"]

ROOT: Final = "/dicom-web"

HTML: Final = "text/html"
JSON: Final = "application/json"
DICOM: Final = "application/dicom"
DICOM_JSON: Final = "application/dicom+json"
PROBLEM: Final = "application/problem+json"
RELATED: Final = "multipart/related"
WADL: Final = "application/vnd.sun.wadl+xml"
ZIP: Final = "application/zip"

_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Parameter:
    """A query parameter.

    Parameters
    ----------
    schema : mapping
        JSON Schema of its value.
    """

    name: str
    meaning: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    is_required: bool = False


@dataclass(frozen=True)
class Operation:
    """A method of a resource.

    Parameters
    ----------
    name : str
        Of the transaction, in one word (PS3.18 table H-1).
    path : str
        With the names of its parameters in braces.
    section : str
        Of PS3.18; empty if the Standard does not know it.
    answers : mapping of int to tuple of str
        By status the media types of an answer that is no problem; none: it has no body.
    problems : tuple of int
        Statuses whose body says what is wrong.
    takes : tuple of str
        Media types of the body of a request.
    """

    name: str
    method: Method
    path: str
    summary: str
    section: str
    answers: Mapping[int, tuple[str, ...]]
    problems: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    takes: tuple[str, ...] = ()

    @property
    def path_parameters(self) -> list[str]:
        """Names of the parameters in the path."""
        return _NAME.findall(self.path)
