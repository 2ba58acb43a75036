"""C-ECHO from the operations page: to our own DIMSE door, and to who has an address in the AE table.

Never a host that the request names: whoever reaches the web door could have this machine call any other.

References
----------
PS3.4 A Verification Service Class, PS3.7 9.3.5.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from radstream.contract.errors import MalformedRequest, NotFound, RadstreamError
from radstream.dimse.ae_titles import ApplicationEntity, read_ae_table
from radstream.dimse.client import Association
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from radstream.settings import Settings

WITHIN_S: Final = 5.0


@dataclass(frozen=True)
class Called:
    """Who is called, and as whom we call."""

    host: str
    port: int
    called_ae_title: str
    calling_ae_title: str


def known_entities(settings: Settings) -> list[ApplicationEntity]:
    """Return who may call, as the settings and the AE table name them.

    Raises
    ------
    UnsafeConfiguration
        If the table cannot be read.
    """
    table = read_ae_table(Path(settings.ae_table)) if settings.ae_table else {}
    return [ApplicationEntity(title) for title in settings.calling_ae_titles if title not in table] + [*table.values()]


def called_by(given: Mapping[str, Any], settings: Settings) -> Called:
    """Return whom the body of a request wants to be called: ``ae_title``, or our own door without one.

    Raises
    ------
    MalformedRequest
        If the title is no text.
    NotFound
        If the AE table has no address of such a title.
    UnsafeConfiguration
        If the table cannot be read.
    """
    title = given.get("ae_title")
    if title is None:
        calling = next((each for each in settings.calling_ae_titles if each != "*"), settings.ae_title)
        return Called(settings.dimse_address, settings.dimse_ports[0], settings.ae_title, calling)
    if not isinstance(title, str):
        raise MalformedRequest("ae_title is a text")
    for entity in known_entities(settings):
        if entity.ae_title == title and entity.address is not None:
            return Called(*entity.address, title, settings.ae_title)
    raise NotFound("the AE table has no address of that AE title")


async def echo(called: Called) -> dict[str, Any]:
    """Call, and tell how it went: ``status`` (None without an answer), ``reason``, ``duration_ms``."""
    since = time.perf_counter()
    status: int | None = None
    reason = ""
    try:
        status = await _c_echo(called)
    except RadstreamError as error:
        reason = str(error)
    return {"status": status, "reason": reason, "duration_ms": round((time.perf_counter() - since) * 1000)}


async def _c_echo(called: Called) -> int:
    async with Association.request(
        called.host,
        called.port,
        calling_ae_title=called.calling_ae_title,
        called_ae_title=called.called_ae_title,
        contexts=[(VERIFICATION, [IMPLICIT_VR_LITTLE_ENDIAN])],
        timeout_s=WITHIN_S,
        response_timeout_s=WITHIN_S,
    ) as association:
        return int(await association.c_echo())
