"""Pictures that the running system makes before anybody asks, and forgets with the study."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from radstream.backends import Backends
from radstream.contract.blob_keys import previews_prefix
from services.render.asked import RENDERING
from services.render.kept import SIDES
from tests.importing import part10
from tests.instances import make_instance
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SETTINGS = {"RADSTREAM_STUDY_QUIET_S": "1", "RADSTREAM_ALLOW_DELETE": "true"}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system in which studies are complete after a second."""
    running = System(tmp_path_factory.mktemp("home") / "radstream", dict(SETTINGS)).start()
    yield running
    assert running.stop() == 0, running.log()[-4000:]


def kept(system: System) -> set[str]:
    """Return the names of the pictures in the cache, each behind the UID of its instance."""

    async def listed(backends: Backends) -> set[str]:
        return {
            f"{key.split('/')[4]}{key.rpartition('/')[2][64:]}"
            for key in [info.key async for info in backends.previews.list(previews_prefix("main"))]
        }

    return system.ask(listed)


def wait_for(system: System, wanted: set[str]) -> None:
    deadline = time.monotonic() + 60
    while kept(system) != wanted:
        assert time.monotonic() < deadline, (kept(system), wanted)
        time.sleep(0.2)


def test_a_study_has_its_pictures_when_it_is_complete_and_none_when_it_is_deleted(quick: System) -> None:
    instances = [make_instance(1, number) for number in (1, 2, 3)]
    assert quick.stow(*map(part10, instances)).status_code == 200
    made = {f"{one.sop_instance_uid}{name}" for one in instances for name in (".jpg", f"-rendered-{RENDERING}.jpg")}
    middle = instances[1].sop_instance_uid
    wait_for(quick, made | {f"{middle}-{side}-{RENDERING}.jpg" for side in SIDES if side != 256})
    study = f"studies/{instances[0].study_instance_uid}"
    for side in SIDES:
        assert quick.get(f"{study}/thumbnail?viewport={side},{side}").content.startswith(b"\xff\xd8")
    assert httpx2.delete(f"{quick.dicom_web}/{study}", timeout=60).status_code == 204
    wait_for(quick, set())
