"""Two gigabytes of bulk data in a part of their own: they wait in the cache, not in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest

from tests.described import DICOM_JSON, JSON_RELATED, OCTETS, image
from tests.e2e.test_large_instance import ALLOWED_GROWTH_BYTES, COLUMNS, FRAMES, ROWS, frame, get_frame, peaks
from tests.instances import make_instance
from tests.stow_door import BOUNDARY, part10
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.large, pytest.mark.timeout(900)]


def body() -> Iterator[bytes]:
    metadata = json.dumps([image(ROWS, COLUMNS, "pixels", frames=FRAMES)]).encode()
    yield f"--{BOUNDARY}\r\nContent-Type: {DICOM_JSON}\r\n\r\n".encode() + metadata
    yield f"\r\n--{BOUNDARY}\r\nContent-Type: {OCTETS}\r\nContent-Location: pixels\r\n\r\n".encode()
    for index in range(FRAMES):
        yield frame(index)
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def test_memory_does_not_grow_with_bulk_data_and_nothing_of_it_stays_in_the_cache(system: System) -> None:
    assert system.stow(part10(make_instance(2, 1))).status_code == 200  # idle is who has done its work once
    idle = peaks(system)
    headers = {"Content-Type": JSON_RELATED}
    answer = httpx2.post(f"{system.dicom_web}/studies", content=body(), headers=headers, timeout=600)
    assert answer.status_code == 200, answer.text
    growth = {name: peak - idle.get(name, 0) for name, peak in peaks(system).items()}
    print({name: f"{size >> 20} MB" for name, size in growth.items()})
    assert max(growth.values()) < ALLOWED_GROWTH_BYTES, growth
    system.wait_until_indexed(120)
    assert get_frame(system, 1, FRAMES) == frame(FRAMES - 1)
    assert [path for path in (system.home / "previews").rglob("*") if "arriving" in str(path) and path.is_file()] == []
