"""Which study, series or instance the path of a URL names (PS3.18 8.1.3, 10.1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from radstream.contract.errors import MalformedRequest, RejectedInstance
from radstream.contract.uids import Uid, parse_uid

LEVELS: Final = ("study", "series", "instance")
"""Names of the parameters of paths."""

STUDY: Final = "/studies/{study}"
SERIES: Final = f"{STUDY}/series/{{series}}"
INSTANCE: Final = f"{SERIES}/instances/{{instance}}"


def uids_of(path_parameters: Mapping[str, str]) -> list[Uid]:
    """Return the UIDs in the parameters ``study``, ``series`` and ``instance`` of a path, as far as they are there.

    Raises
    ------
    MalformedRequest
        If one of them is no UID.
    """
    return [_uid(path_parameters[level]) for level in LEVELS if level in path_parameters]


def _uid(text: str) -> Uid:
    """Return `text` as UID; padding, which `parse_uid` takes off, has no place in a URL."""
    try:
        uid = parse_uid(text)
    except RejectedInstance as error:
        raise MalformedRequest(str(error)) from error
    if uid != text:
        raise MalformedRequest("a UID in the path is padded")
    return uid
