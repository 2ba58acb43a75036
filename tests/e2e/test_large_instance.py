"""One multi-frame instance of two gigabytes, in by both doors and out again, in bounded memory."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from radstream.dicom.part10 import encode_meta
from radstream.dimse.client import Association
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, uid
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.large, pytest.mark.timeout(900)]

MULTI_FRAME_GRAYSCALE_WORD = "1.2.840.10008.5.1.4.1.1.7.3"
ROWS = COLUMNS = 1024
FRAMES = 1024
FRAME_BYTES = ROWS * COLUMNS * 2
ALLOWED_GROWTH_BYTES = 150 << 20


def element(tag: int, vr: str, value: bytes) -> bytes:
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def header(study: int) -> bytes:
    us = struct.Struct("<H").pack
    return b"".join(
        [
            element(0x00080016, "UI", MULTI_FRAME_GRAYSCALE_WORD.encode()),
            element(0x00080018, "UI", uid(3, study).encode()),
            element(0x00080060, "CS", b"OT"),
            element(0x0020000D, "UI", uid(1, study).encode()),
            element(0x0020000E, "UI", uid(2, study).encode()),
            element(0x00280002, "US", us(1)),
            element(0x00280004, "CS", b"MONOCHROME2"),
            element(0x00280008, "IS", str(FRAMES).encode()),
            element(0x00280010, "US", us(ROWS)),
            element(0x00280011, "US", us(COLUMNS)),
            element(0x00280100, "US", us(16)),
            element(0x00280101, "US", us(16)),
            element(0x00280102, "US", us(15)),
            element(0x00280103, "US", us(0)),
            struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OW", 0, FRAMES * FRAME_BYTES),
        ]
    )


def frame(index: int) -> bytes:
    return struct.pack("<H", index) * (FRAME_BYTES // 2)


def data_set(study: int) -> Iterator[bytes]:
    yield header(study)
    for index in range(FRAMES):
        yield frame(index)


def peaks(system: System) -> dict[str, int]:
    """Return the largest resident size of each process so far, in bytes."""
    found = {}
    for name, pid in system.children().items():
        status = Path(f"/proc/{pid}/status").read_text()
        found[name] = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024
    return found


def digest(study: int) -> str:
    hasher = hashlib.sha256()
    for piece in data_set(study):
        hasher.update(piece)
    return hasher.hexdigest()


async def c_store(system: System, study: int) -> int:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in data_set(study):
            yield piece

    contexts = [(MULTI_FRAME_GRAYSCALE_WORD, [EXPLICIT_VR_LITTLE_ENDIAN])]
    async with Association.request(
        "127.0.0.1", system.dimse_port, calling_ae_title="LARGE", called_ae_title="RADSTREAM", contexts=contexts
    ) as association:
        return await association.c_store(MULTI_FRAME_GRAYSCALE_WORD, uid(3, study), EXPLICIT_VR_LITTLE_ENDIAN, pieces())


def stow(system: System, study: int) -> int:
    def body() -> Iterator[bytes]:
        yield b"--large\r\nContent-Type: application/dicom\r\n\r\n"
        yield encode_meta(MULTI_FRAME_GRAYSCALE_WORD, uid(3, study), EXPLICIT_VR_LITTLE_ENDIAN)
        yield from data_set(study)
        yield b"\r\n--large--\r\n"

    content_type = 'multipart/related; type="application/dicom"; boundary=large'
    url = f"{system.dicom_web}/studies"
    return httpx2.post(url, content=body(), headers={"Content-Type": content_type}, timeout=300).status_code


def url_of(study: int) -> str:
    return f"studies/{uid(1, study)}/series/{uid(2, study)}/instances/{uid(3, study)}"


def retrieved_digest(system: System, study: int) -> str:
    """Return the SHA-256 of the data set that WADO-RS gives."""
    prefix = len(encode_meta(MULTI_FRAME_GRAYSCALE_WORD, uid(3, study), EXPLICIT_VR_LITTLE_ENDIAN))
    hasher = hashlib.sha256()
    headers = {"Accept": 'application/dicom; transfer-syntax="*"'}
    with httpx2.stream("GET", f"{system.dicom_web}/{url_of(study)}", headers=headers, timeout=300) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_bytes():
            hasher.update(piece[prefix:] if prefix else piece)
            prefix = max(0, prefix - len(piece))
    return hasher.hexdigest()


def get_frame(system: System, study: int, number: int) -> bytes:
    answer = system.get(f"{url_of(study)}/frames/{number}", headers={"Accept": "application/octet-stream"})
    assert answer.status_code == 200
    return answer.content


async def test_two_gigabytes_go_in_by_both_doors_and_out_again(system: System) -> None:
    get_frame_and_render_once_to_warm_up(system)
    idle = peaks(system)
    assert await c_store(system, 1) == 0
    assert stow(system, 2) == 200
    system.wait_until_indexed(120)
    for study in (1, 2):
        assert retrieved_digest(system, study) == digest(study)
        assert get_frame(system, study, 1) == frame(0)
        assert get_frame(system, study, FRAMES) == frame(FRAMES - 1)
        rendered = system.get(f"{url_of(study)}/frames/{FRAMES}/rendered", headers={"Accept": "image/jpeg"})
        assert rendered.status_code == 200
    growth = {name: peak - idle.get(name, 0) for name, peak in peaks(system).items()}
    print({name: f"{size >> 20} MB" for name, size in growth.items()})
    assert max(growth.values()) < ALLOWED_GROWTH_BYTES, growth


def get_frame_and_render_once_to_warm_up(system: System) -> None:
    """Idle is a process that has done its work once: libraries are loaded then."""
    from tests.e2e.test_every_pydicom_file import instance_url
    from tests.samples import samples

    sample = next(sample for sample in samples() if sample.name == "CT_small.dcm")
    assert system.stow(sample.path.read_bytes()).status_code == 200
    system.wait_until_indexed()
    assert system.get(f"{instance_url(sample)}/rendered").status_code == 200
