"""`kill -9` at random moments while instances arrive: what was acknowledged is there, whole, once, and found.

The seed is printed and may be given as RADSTREAM_TEST_SEED. RADSTREAM_TEST_KILLS shortens or lengthens the trial.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import signal
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from radstream.contract.errors import Unavailable
from radstream.dimse.client import Association
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, Instance, make_instances
from tests.samples import data_set_of
from tests.system import System

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(900)]

STUDIES, PER_STUDY, SENDERS = 40, 50, 3
KILLS = int(os.environ.get("RADSTREAM_TEST_KILLS", "50"))


async def send_all(port: int, waiting: asyncio.Queue[Instance], acknowledged: dict[str, str], pace_s: float) -> None:
    """Send until the queue is empty, as a modality with a retry queue does: what is not acknowledged goes again."""
    while not waiting.empty():
        with contextlib.suppress(Unavailable, ConnectionError, TimeoutError):
            await _send_over_one_association(port, waiting, acknowledged, pace_s)
        await asyncio.sleep(0.1)


async def _send_over_one_association(
    port: int, waiting: asyncio.Queue[Instance], acknowledged: dict[str, str], pace_s: float
) -> None:
    contexts = [(MR_IMAGE_STORAGE, [EXPLICIT_VR_LITTLE_ENDIAN])]
    async with Association.request(
        "127.0.0.1", port, calling_ae_title="FAULTS", called_ae_title="RADSTREAM", contexts=contexts, timeout_s=10
    ) as association:
        while not waiting.empty():
            instance = waiting.get_nowait()
            try:
                status = await association.c_store(
                    MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN, instance.data_set
                )
            except BaseException:
                waiting.put_nowait(instance)
                raise
            if status == 0:
                acknowledged[instance.sop_instance_uid] = instance.sha256
            else:
                waiting.put_nowait(instance)
            await asyncio.sleep(pace_s)


def kill_something(system: System, chance: random.Random) -> str:
    """Kill one service, the supervisor alone, or all at once; return which."""
    children = system.children()
    lot = chance.random()
    if lot < 0.12 or not children:
        system.kill_all()
        return "all"
    if lot < 0.2:
        assert system.process is not None
        system.process.kill()
        system.process.wait()
        return "supervisor"
    name = chance.choice(sorted(children))
    os.kill(children[name], signal.SIGKILL)
    return name


async def kill_often(system: System, chance: random.Random, killed: Counter[str]) -> None:
    """Kill at random moments; start the supervisor again as an init system would."""
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.05, 2.5))
        with contextlib.suppress(ProcessLookupError):
            killed[kill_something(system, chance)] += 1
        assert system.process is not None
        if system.process.poll() is not None:
            await asyncio.to_thread(system.start)


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path / "home", {"RADSTREAM_STUDY_QUIET_S": "2"})


async def test_nothing_acknowledged_is_lost_or_doubled(system: System) -> None:
    seed = int(os.environ.get("RADSTREAM_TEST_SEED", str(random.randrange(1 << 30))))
    print(f"RADSTREAM_TEST_SEED={seed}")
    system.start()
    acknowledged: dict[str, str] = {}
    killed: Counter[str] = Counter()
    instances = list(make_instances(STUDIES, PER_STUDY))
    waiting: asyncio.Queue[Instance] = asyncio.Queue()
    for instance in instances:
        waiting.put_nowait(instance)
    pace_s = KILLS * 1.6 * SENDERS / len(instances)
    async with asyncio.TaskGroup() as group:
        group.create_task(kill_often(system, random.Random(seed), killed))
        for _ in range(SENDERS):
            group.create_task(send_all(system.dimse_port, waiting, acknowledged, pace_s))
    print(f"killed: {dict(killed)}")
    assert sum(killed.values()) >= KILLS - 2
    try:
        await asyncio.to_thread(system.wait_until_ready, 30)
        await asyncio.to_thread(system.wait_until_indexed, 30)
        check_everything(system, instances, acknowledged)
    finally:
        assert system.stop() == 0


def check_everything(system: System, instances: list[Instance], acknowledged: dict[str, str]) -> None:
    assert acknowledged == {instance.sop_instance_uid: instance.sha256 for instance in instances}
    with httpx2.Client(timeout=60, headers={"Accept": 'application/dicom; transfer-syntax="*"'}) as client:
        for instance in instances:
            answer = client.get(f"{system.dicom_web}/{instance.url}")
            assert answer.status_code == 200, (instance.url, answer.text)
            assert hashlib.sha256(data_set_of(answer.content)).hexdigest() == instance.sha256
    studies = system.get("studies?limit=1000").json()
    assert sorted(study["00201208"]["Value"][0] for study in studies) == [PER_STUDY] * STUDIES
    assert len({study["0020000D"]["Value"][0] for study in studies}) == len(studies) == STUDIES
    found = Counter[str]()
    for study in studies:
        listed = system.get(f"studies/{study['0020000D']['Value'][0]}/instances?limit=1000").json()
        found.update(instance["00080018"]["Value"][0] for instance in listed)
    assert found == Counter(acknowledged.keys())
    assert len(system.blob_keys()) == len(instances), "a version of an instance was stored twice"
