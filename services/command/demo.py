"""`radstream demo`: the whole path once, on free ports, with studies that nobody ever had."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any, Final

from radstream.dimse.outgoing import Destination
from radstream.process import until_stopped
from radstream.settings import Settings, load_settings
from services.command import up
from services.command.simulate import Options, simulate

STUDIES: Final = 4
SLICES: Final = 12
PATIENCE_S: Final = 60.0


async def demonstrate(home: Path, *, stay: bool) -> None:
    """Run a system in `home`, send four studies to it, print what QIDO-RS answers and the URLs of their pictures.

    Parameters
    ----------
    stay : bool
        Keep it running until Ctrl-C.
    """
    settings = load_settings(
        home=home, http_port=_free_port(), dimse_port=_free_port(), log_level="WARNING", study_quiet_s=2.0
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(up.run(settings, stop))
        try:
            await _send_and_print(settings)
            if stay:
                await until_stopped()
        finally:
            stop.set()


async def _send_and_print(settings: Settings) -> None:
    await up.ready(settings)
    options = Options(
        Destination(settings.host, settings.dimse_port, settings.ae_title), studies=STUDIES, slices=SLICES
    )
    summary = await simulate(options)
    print(f"\n{summary}\n")
    base = f"http://{settings.host}:{settings.http_port}/dicom-web"
    counts = Counter(outcome.study_instance_uid for outcome in summary.acknowledged)
    studies = [await _found(base, uid, counts[uid]) for uid in summary.study_instance_uids]
    print("GET /dicom-web/studies\n" + json.dumps(studies, indent=2, ensure_ascii=False))
    for uid in summary.study_instance_uids:
        print(f"\n{base}/studies/{uid}\n{base}/studies/{uid}/metadata\n{base}/studies/{uid}/thumbnail")
    print(f"\npages: http://{settings.host}:{settings.http_port}/")
    print(f"to look at it: radstream up --home {settings.home}\n")


async def _found(base: str, study_instance_uid: str, count: int) -> dict[str, Any]:
    """Return the study's QIDO-RS answer as soon as all of it is indexed; storing does not wait for that."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await asyncio.to_thread(_get_json, f"{base}/studies?StudyInstanceUID={study_instance_uid}")
            if found and found[0]["00201208"]["Value"] == [count]:
                return dict(found[0])
            await asyncio.sleep(0.1)


def _get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own loopback address
        return json.load(answer)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
