"""A modality that stores as fast as it is answered: `python -m tests.steady_sender PORT`, in a process of its own.

It prints for each instance the time (of CLOCK_MONOTONIC) at which it was answered, and the status.
"""

from __future__ import annotations

import asyncio
import sys
import time
from itertools import count

from radstream.dimse.client import Association
from tests.instances import EXPLICIT_VR_LITTLE_ENDIAN, MR_IMAGE_STORAGE, make_instance


async def send(port: int) -> None:
    async with Association.request(
        "127.0.0.1",
        port,
        calling_ae_title="STEADY",
        called_ae_title="RADSTREAM",
        contexts=[(MR_IMAGE_STORAGE, [EXPLICIT_VR_LITTLE_ENDIAN])],
    ) as association:
        for number in count():
            instance = make_instance(1 + number // 1000, number % 1000)
            status = await association.c_store(
                MR_IMAGE_STORAGE, instance.sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN, instance.data_set
            )
            print(time.monotonic(), status, flush=True)


if __name__ == "__main__":
    asyncio.run(send(int(sys.argv[1])))
