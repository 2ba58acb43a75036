"""`radstream doctor`: what is wrong with this installation, and how to mend it. Changes nothing."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from radstream.backends import Backends, open_backends
from radstream.blobs.decisions import arrivals_at, deleted_targets
from radstream.bus.dead_letters import unresolved
from radstream.catalog.filters import EVERYTHING
from radstream.contract.blob_keys import instances_prefix, pending_prefix
from radstream.contract.decision_keys import Target
from radstream.contract.errors import RadstreamError
from radstream.contract.topics import TOPICS, dead_letter_topic
from radstream.dimse.client import Association, AssociationRejected
from radstream.dimse.sop_classes import VERIFICATION
from radstream.settings import Settings
from services.command.up import answers

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
LOW_SPACE_BYTES: Final = 5 << 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    is_well : bool
    remedy : str
        What to do if it is not well.
    """

    subject: str
    is_well: bool
    state: str
    remedy: str = ""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Yield a finding for everything that an installation needs, cheap things first."""
    yield _python()
    for library in ("uvloop", "httptools", "imagecodecs", "pydicom", "pynetdicom"):
        yield _library(library)
    yield _space(settings)
    try:
        async with open_backends(settings) as backends:
            async for finding in _engines(backends, settings):
                yield finding
    except RadstreamError as error:
        yield Finding("engines", False, str(error), "make the home folder writable, or give another with --home")
    yield await _web_door(settings)
    yield await _dimse_door(settings)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _library(name: str) -> Finding:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        return Finding(name, False, str(error), "run `make install`")
    return Finding(name, True, str(getattr(module, "__version__", "present")))


def _space(settings: Settings) -> Finding:
    home = settings.home if settings.home.exists() else settings.home.parent
    try:
        free = shutil.disk_usage(home).free
    except OSError as error:
        return Finding("disk", False, error.strerror or "unknown", "give another home with --home")
    return Finding("disk", free > LOW_SPACE_BYTES, f"{free / 1e9:.1f} GB free", "add space, or stores will be refused")


async def _engines(backends: Backends, settings: Settings) -> AsyncIterator[Finding]:
    engines: dict[str, Callable[[], Awaitable[None]]] = {
        "log": backends.bus.check,
        "blob store": backends.blobs.check,
        "preview cache": backends.previews.check,
        "catalog": backends.catalog.check,
    }
    for name, check in engines.items():
        yield await _engine(name, check)
    yield await _catalog_is_whole(backends, settings)
    yield await _pending(backends, settings)
    for topic in TOPICS:
        for group in topic.consumers:
            yield await _lag(backends, topic.name, group)
            yield await _dead_letters(backends, topic.name, group)


async def _engine(name: str, check: Callable[[], Awaitable[None]]) -> Finding:
    try:
        await check()
    except RadstreamError as error:
        return Finding(name, False, str(error), "see docs/operations.md, “When something is wrong”")
    return Finding(name, True, "answers")


async def _catalog_is_whole(backends: Backends, settings: Settings) -> Finding:
    """Compare the catalog with the record. Conflicting versions are blobs without an instance of their own."""
    blobs = 0
    async for _ in backends.blobs.list(instances_prefix(settings.site)):
        blobs += 1
    deleted = await _deleted(backends, settings)
    instances = await backends.catalog.count("instances", EVERYTHING)
    hidden = await backends.catalog.count("conflicts", EVERYTHING)
    return Finding(
        "catalog and blobs",
        blobs == instances + hidden + deleted,
        f"{blobs} blobs, {instances} instances shown, {hidden} hidden versions, {deleted} deleted",
        "if it stays so when nothing arrives: `radstream rebuild`",
    )


async def _deleted(backends: Backends, settings: Settings) -> int:
    """Return of how many instances that were deleted the blobs are still there."""
    studies = {target.study_instance_uid async for target in deleted_targets(backends.blobs, settings.site)}
    deleted = 0
    for study in studies:
        async for _, deleted_at in arrivals_at(backends.blobs, Target(settings.site, study)):
            deleted += deleted_at is not None
    return deleted


async def _pending(backends: Backends, settings: Settings) -> Finding:
    markers = 0
    async for _ in backends.blobs.list(pending_prefix(settings.site)):
        markers += 1
    return Finding("pending markers", markers == 0, str(markers), "start ingest: its sweep puts them on the log")


async def _lag(backends: Backends, topic: str, group: str) -> Finding:
    lag = await backends.bus.lag(group, [topic])
    return Finding(f"{group} of {topic}", lag < 1000, f"{lag} waiting", f"start `radstream {group}`, or wait for it")


async def _dead_letters(backends: Backends, topic: str, group: str) -> Finding:
    name = dead_letter_topic(topic, group)
    letters = unresolved(await backends.bus.read(name, limit=1000))
    return Finding(name, not letters, f"{len(letters)} dead letters", "`radstream dead-letters list` says why")


async def _web_door(settings: Settings) -> Finding:
    listens = await answers(settings.host, settings.http_port)
    return Finding("web door", listens, f"{settings.host}:{settings.http_port}", "start it with `radstream up`")


async def _dimse_door(settings: Settings) -> Finding:
    if not settings.dimse_plain:  # who may call by TLS has a certificate, and we have only our own
        where = f"{settings.dimse_address}:{settings.dimse_tls_port}"
        listens = await answers(settings.dimse_address, settings.dimse_tls_port)
        return Finding("DIMSE door", listens, f"{where}, TLS", "start it with `radstream up`")
    title = settings.calling_ae_titles[0] if settings.calling_ae_titles else settings.ae_title
    try:
        async with Association.request(
            settings.dimse_address,
            settings.dimse_port,
            calling_ae_title=title,
            called_ae_title=settings.ae_title,
            contexts=[(VERIFICATION, [IMPLICIT_VR_LITTLE_ENDIAN])],
            timeout_s=5.0,
        ) as association:
            status = await association.c_echo()
    except AssociationRejected as error:  # we may not be among those who may call
        return Finding("DIMSE door", True, f"answers: {error}")
    except RadstreamError as error:
        return Finding("DIMSE door", False, str(error), "start it with `radstream up`")
    return Finding("DIMSE door", status == 0, f"C-ECHO answered 0x{status:04X}", "see the log of `dimse`")
