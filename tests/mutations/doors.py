"""Sends mutants through both doors of a running system, and asks for what was stored of them in every way there is."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from itertools import count

import httpx2
import pytest

from radstream.contract.errors import UnsupportedInstance
from radstream.dimse.client import Association
from services.api.bulkdata import PIXEL_DATA_TAGS
from tests.mutations.engine import Fate, Mutant
from tests.samples import data_set_of
from tests.system import System

PATIENCE_S = 10.0
"""Nobody may be kept waiting longer."""

REFUSALS = frozenset({0xA900, 0xC000, 0x0122, 0x0117, 0x0118})
"""The statuses of C-STORE that say that the sender is at fault (PS3.4 B.2.3, PS3.7 9.1.1.1.9)."""

_BOUNDARY = "mutants"
_BULK_DATA = re.compile(rb'"BulkDataURI":"([^"]+)"')
_MOST_BULK_DATA = 3


@dataclass(frozen=True)
class Answered:
    """What became of one mutant.

    Parameters
    ----------
    door : {"C-STORE", "STOW-RS"}
    sop_instance_uid : str
        Under which it was stored; empty if it was refused.
    detail : str
        The status as it was given.
    """

    mutant: Mutant
    door: str
    sop_instance_uid: str
    detail: str

    @property
    def fate(self) -> Fate:
        return "stored" if self.sop_instance_uid else "refused"

    @property
    def is_expected(self) -> bool:
        operator = self.mutant.operator
        expected = operator.dimse_fate if self.door == "C-STORE" else operator.fate
        return expected in ("either", self.fate)


def send(system: System, mutant: Mutant, *, by_c_store: bool) -> Answered:
    """Send a mutant, and see to it that the answer comes in time and has a status that it may have."""
    started_at = time.monotonic()
    answered = asyncio.run(_c_store(system, mutant)) if by_c_store else _stow(system, mutant)
    assert time.monotonic() - started_at < PATIENCE_S, f"{mutant} by {answered.door} took too long"
    return answered


async def _c_store(system: System, mutant: Mutant) -> Answered:
    specimen = mutant.specimen
    uid, syntax = specimen.sop_instance_uid, specimen.transfer_syntax_uid
    try:
        async with Association.request(
            "127.0.0.1",
            system.dimse_port,
            calling_ae_title="MUTANT",
            called_ae_title="RADSTREAM",
            contexts=[(specimen.sop_class_uid, [syntax])],
            timeout_s=PATIENCE_S,
            response_timeout_s=PATIENCE_S,
        ) as association:
            status = await association.c_store(specimen.sop_class_uid, uid, syntax, specimen.data_set)
    except UnsupportedInstance:
        return Answered(mutant, "C-STORE", "", "no context")
    assert status == 0 or status in REFUSALS, f"{mutant} by C-STORE: {status:04X}"
    return Answered(mutant, "C-STORE", "" if status else uid, f"{status:04X}")


def _stow(system: System, mutant: Mutant) -> Answered:
    head = f"--{_BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    answer = httpx2.post(
        f"{system.dicom_web}/studies",
        content=head + mutant.part10 + f"\r\n--{_BOUNDARY}--\r\n".encode(),
        headers={"Content-Type": f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}'},
        timeout=PATIENCE_S,
    )
    assert answer.status_code in (200, 400, 409), f"{mutant} by STOW-RS: {answer.status_code} {answer.text[:300]}"
    if answer.status_code == 200:
        (stored,) = answer.json()["00081199"]["Value"]
        return Answered(mutant, "STOW-RS", stored["00081155"]["Value"][0], "200")
    if answer.status_code == 400:
        return Answered(mutant, "STOW-RS", "", "400")
    module = answer.json()
    (failure,) = module.get("00081198", module.get("0008119A"))["Value"]
    reason = failure["00081197"]["Value"][0]
    assert reason in REFUSALS, f"{mutant} by STOW-RS: reason {reason:04X}"
    return Answered(mutant, "STOW-RS", "", f"409 {reason:04X}")


def look_at(system: System, client: httpx2.Client, answered: Answered) -> dict[str, int]:
    """Find a stored mutant, and retrieve it in every way; return the HTTP status of each that may fail.

    What was stored is found, comes back byte for byte, and has metadata. That it is shown is not asked.
    """
    mutant, uid = answered.mutant, answered.sop_instance_uid
    rows = _get(client, f"{system.dicom_web}/instances?SOPInstanceUID={uid}", answered)
    assert rows.status_code == 200, f"{mutant} is not found"
    (row,) = rows.json()
    study, series = (row[tag]["Value"][0] for tag in ("0020000D", "0020000E"))
    url = f"{system.dicom_web}/studies/{study}/series/{series}/instances/{uid}"
    file = _get(client, url, answered, 'application/dicom; transfer-syntax="*"')
    assert file.status_code == 200, f"{mutant}: {file.status_code}"
    assert data_set_of(file.content) == mutant.specimen.data_set, f"{mutant} was altered"
    metadata = _get(client, f"{url}/metadata", answered)
    assert metadata.status_code == 200, f"{mutant}: {metadata.status_code}"
    assert metadata.json()[0]["00080018"]["Value"] == [uid], mutant
    references = [each.decode() for each in _BULK_DATA.findall(metadata.content)[:_MOST_BULK_DATA]]
    for reference in references:
        bulk_data = _get(client, reference, answered)
        assert bulk_data.status_code == 200 or _may_be_refused(mutant, reference), f"{mutant}: {reference}"
    views = {
        "rendered": "image/jpeg",
        "thumbnail": "image/jpeg",
        "frames/1": "*/*",
        "frames/1,2,3": "*/*",
        "pixeldata": "*/*",
    }
    return {view: _get(client, f"{url}/{view}", answered, accept).status_code for view, accept in views.items()}


def _may_be_refused(mutant: Mutant, reference: str) -> bool:
    """Tell whether it leads to frames that nobody can tell apart, or into what inflates to more than is accepted."""
    return reference.rsplit("/", 1)[1] in PIXEL_DATA_TAGS or mutant.operator.name.startswith("deflate_bomb")


def _get(client: httpx2.Client, url: str, answered: Answered, accept: str = "*/*") -> httpx2.Response:
    started_at = time.monotonic()
    try:
        answer = client.get(url, headers={"Accept": accept})
    except httpx2.RemoteProtocolError:
        answer = _reason_to_end_early(client, url, accept)
        if answer.status_code != 406:
            pytest.fail(f"{answered.mutant}: {url} ends early, and no frame is refused alone")
    assert time.monotonic() - started_at < PATIENCE_S, f"{answered.mutant}: {url} took too long"
    assert answer.status_code < 500, f"{answered.mutant}: {answer.status_code} for {url}: {answer.text[:300]}"
    return answer


def _reason_to_end_early(client: httpx2.Client, url: str, accept: str) -> httpx2.Response:
    """Return the answer to the first frame that is refused alone: one that does not decode ends an answer begun."""
    root = "/".join(url.split("/")[: url.split("/").index("instances") + 2])
    answers = (client.get(f"{root}/frames/{number}", headers={"Accept": accept}) for number in count(1))
    return next(answer for answer in answers if answer.status_code != 200)
