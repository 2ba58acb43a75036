"""`radstream send`: what is found in folders, archives and the catalog reaches the peer, and the rest has a reason."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from radstream.bus.retry import Retry
from radstream.contract.errors import NotFound, UnsafeConfiguration
from radstream.dicom.part10 import encode_meta
from radstream.dimse.outgoing import Destination, Patience
from radstream.dimse.sender import Sender
from radstream.dimse.stored import StoredInstance
from services.command.peers import tls_context
from services.command.sending import SendSummary, send_files
from tests.dimse_pipe import Peer, abort
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, Instance, make_instance

INSTANCES = [make_instance(1, number) for number in range(1, 8)]
PATIENCE = Patience(attempts=3, retry=Retry(first_delay_s=0.0001, longest_delay_s=0.001))


def part10(instance: Instance) -> bytes:
    return encode_meta(MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN) + instance.data_set


async def send(*paths: Path, associations: int = 1) -> SendSummary:
    sender: Sender[StoredInstance] = Sender(Destination("192.0.2.2", 104), associations=associations, patience=PATIENCE)
    return await send_files(sender, paths)


async def test_folders_and_archives_are_sent_and_what_is_no_instance_is_counted(peer: Peer, tmp_path: Path) -> None:
    for number, instance in enumerate(INSTANCES[:3]):
        (tmp_path / f"{number}.dcm").write_bytes(part10(instance))
    with zipfile.ZipFile(tmp_path / "more.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, instance in enumerate(INSTANCES[3:]):
            archive.writestr(f"{number}", part10(instance))
    (tmp_path / "readme.txt").write_text("not DICOM")
    (tmp_path / "cut.dcm").write_bytes(part10(INSTANCES[0])[:300])
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and nothing else")
    summary = await send(tmp_path, associations=2)
    assert peer.stored == {instance.sop_instance_uid: instance.data_set for instance in INSTANCES}
    assert (summary.stored, summary.passed_over) == (7, 1)
    assert summary.failures == {
        "the file ends before its data set": 1,
        "an archive cannot be read, or has far too many members": 1,
    }
    assert "7 stored (0 with a warning), 2 failed, 0 sent again, 1 not instances" in str(summary)


async def test_warnings_refusals_and_repetitions_are_counted(peer: Peer, tmp_path: Path) -> None:
    for number, instance in enumerate(INSTANCES):
        (tmp_path / f"{number}.dcm").write_bytes(part10(instance))
    peer.answer = lambda number: {1: 0xB000, 2: 0xA900, 3: abort, 5: 0xA700}.get(number, 0)
    summary = await send(tmp_path)
    assert (summary.stored, summary.warned, summary.resent) == (6, 1, 2)
    assert summary.failures == {"the peer answered 0xA900": 1}


async def test_a_path_that_is_not_there_is_said_at_once(peer: Peer, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await send(tmp_path / "nothing")
    assert peer.sessions == []


def test_what_is_no_certificate_is_refused_with_a_sentence(tmp_path: Path) -> None:
    assert tls_context(None, None) is None
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(UnsafeConfiguration, match="PEM"):
        tls_context(file, None)
