"""Planes, slabs and enhancements over HTTP: `make bench-planes`. Prints Markdown; no peer makes such pictures.

The volume is a CT series of 250 slices of 512 x 512. The first plane is asked for when nothing is in memory; then each
kind is asked for at changing positions, as somebody who scrolls does, so that no picture is sent twice.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

import httpx2

from bench.__main__ import HEAD, STOW_HEADERS, TAIL
from bench.connection import Connection
from bench.data import ct_slice
from bench.peers import Peer, Radstream

STUDY, SERIES = "2.25.73", "2.25.74"
SLICES, STORED_TOGETHER = 250, 50
OBLIQUE = "plane=oblique&normal=0.6,0.64,0.48&up=0,0,1"
PLANES = {
    "coronal plane": "plane=coronal&position={}",
    "sagittal plane": "plane=sagittal&position={}",
    "axial plane": "plane=axial&position={}",
    "coronal slab of 20 mm, maximum": "plane=coronal&thickness=20&projection=max&position={}",
    "coronal slab of 20 mm, mean": "plane=coronal&thickness=20&projection=mean&position={}",
    "coronal maximum of the whole volume": "plane=coronal&projection=max&thickness=1000&position={}",
    "oblique plane": OBLIQUE + "&position={}",
    "oblique slab of 10 mm, maximum": OBLIQUE + "&thickness=10&projection=max&position={}",
    "coronal plane, denoise, detail, clahe": "plane=coronal&enhance=denoise,detail,clahe&position={}",
}
STEPS = ("", "auto", "denoise", "unsharp", "detail", "clahe", "denoise,detail,clahe")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="pictures of each kind")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        system = Radstream(Path(folder))
        peer = system.start()
        try:
            store(peer)
            measure(peer, rounds)
        finally:
            system.stop()


def store(peer: Peer) -> None:
    files = (ct_slice(STUDY, SERIES, number, sop_instance_uid=f"2.25.75{number}") for number in range(1, SLICES + 1))
    with httpx2.Client(timeout=120) as client:
        while together := list(islice(files, STORED_TOGETHER)):
            body = b"\r\n".join(HEAD + file for file in together) + TAIL
            client.post(f"{peer.dicom_web}/studies", content=body, headers=STOW_HEADERS).raise_for_status()
    peer.settle()


def measure(peer: Peer, rounds: int) -> None:
    series = f"studies/{STUDY}/series/{SERIES}"
    with Connection(peer.dicom_web) as connection:
        print(f"| picture, medians of {rounds} | ms |\n|---|---|")
        first = ask(connection, f"{series}/rendered?plane=coronal")
        print(f"| first plane: {SLICES} slices are read and decoded | {first:.0f} |")
        for what, query in PLANES.items():
            times = [ask(connection, f"{series}/rendered?{query.format(120 + 4.1 * turn)}") for turn in range(rounds)]
            print(f"| {what} | {statistics.median(times):.0f} |", flush=True)
        for steps in STEPS:
            paths = [f"{series}/instances/2.25.75{number}/rendered?enhance={steps}" for number in range(1, rounds + 1)]
            times = [ask(connection, path) for path in paths]
            print(f"| slice of 512 x 512, {steps or 'as stored'} | {statistics.median(times):.0f} |", flush=True)


def ask(connection: Connection, path: str) -> float:
    """Return how many milliseconds a picture took."""
    begun = time.perf_counter()
    answer = connection.get(path, {})
    took = (time.perf_counter() - begun) * 1e3
    assert answer.status == 200, answer.body
    return took


if __name__ == "__main__":
    main()
