"""Radstream beside Debian's Orthanc, in one run: `make bench` (ARGS="--quick" for a short one)."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx2

from bench.data import ct_slice, small_studies, write_series
from bench.measure import Row, latency_ms, print_rows, rate
from bench.peers import Orthanc, Peer, Radstream

BOUNDARY = "bench-boundary"
STOW_HEADERS = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'}
HEAD = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


def c_store(peer: Peer, folder: Path, count: int, senders: int) -> int:
    """Send `folder` with DCMTK's storescu, each sender its own new study."""
    command = ["/usr/bin/storescu", "-pdu", "131072", "-aec", peer.ae_title, "+sd", "+IS", "1", "+IR", str(count)]
    command += ["127.0.0.1", str(peer.dimse_port), str(folder)]
    environment = {**os.environ, "TCP_NODELAY": "1"}
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(senders)]
    if any(process.wait() for process in running):
        raise RuntimeError(f"{peer.name} refused an instance")
    return count * senders


def stow_all(peer: Peer, files: Sequence[bytes], client: httpx2.Client) -> int:
    for file in files:
        answer = client.post(f"{peer.dicom_web}/studies", content=HEAD + file + TAIL, headers=STOW_HEADERS)
        answer.raise_for_status()
    return len(files)


def stow(peer: Peer, count: int, senders: int) -> int:
    """Send new slices, one a request; they are made before the clock starts, see `Fresh`."""
    batches = [FRESH.take(count) for _ in range(senders)]
    with ThreadPoolExecutor(senders) as pool:
        return sum(pool.map(partial(stow_all, peer), batches, CLIENTS))


class Fresh:
    """Slices that were never sent, made beforehand."""

    def __init__(self) -> None:
        self._files: list[bytes] = []

    def make(self, count: int) -> None:
        pattern = ct_slice("2.25.1", "2.25.2", 1)
        from pydicom import dcmread
        from pydicom.filebase import DicomBytesIO
        from pydicom.uid import generate_uid

        for number in range(count):
            ds = dcmread(DicomBytesIO(pattern))
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            if number % 50 == 0:
                study, series = generate_uid(), generate_uid()
            ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
            file = DicomBytesIO()
            ds.save_as(file)
            self._files.append(file.getvalue())

    def take(self, count: int) -> list[bytes]:
        taken, self._files = self._files[:count], self._files[count:]
        return taken


FRESH = Fresh()
CLIENTS = [httpx2.Client(timeout=60) for _ in range(4)]  # making one takes longer than many requests


def receiving(peers: Sequence[Peer], folder: Path, count: int, rounds: int) -> list[Row]:
    write_series(folder, count)
    FRESH.make(count * 5 * rounds * len(peers))
    rows = []
    for senders in (1, 4):
        name = f"{senders} sender{'s' * (senders > 1)}, CT 512x512, durable"
        act = partial(c_store, folder=folder, count=count, senders=senders)
        rows.append(rate(f"C-STORE, {name}", "instances/s", peers, act, rounds=rounds))
        act = partial(stow, count=count, senders=senders)
        rows.append(rate(f"STOW, {name}", "instances/s", peers, act, rounds=rounds))
    return rows


def reading(peers: Sequence[Peer], folder: Path, slices: int, studies: int, rounds: int) -> list[Row]:
    study, series = write_series(folder, slices)
    files = [path.read_bytes() for path in sorted(folder.iterdir())]
    small = small_studies(studies)
    with httpx2.Client(timeout=120) as client:
        for peer in peers:
            stow_all(peer, files, client)
            stow_all(peer, small, client)
            peer.settle()
        client.get(f"{peers[0].dicom_web}/studies?limit=1")
        url = f"studies/{study}/series/{series}"
        listed = client.get(f"{peers[0].dicom_web}/{url}/instances").json()
        instance = f"{url}/instances/{listed[len(listed) // 2]['00080018']['Value'][0]}"
        octets = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}

        def get(path: str, headers: dict[str, str] | None = None) -> object:
            def act(peer: Peer) -> int:
                answer = client.get(f"{peer.dicom_web}/{path}", headers=headers)
                answer.raise_for_status()
                return len(answer.content)

            return act

        requests = {
            f"QIDO PatientID among {studies}": get("studies?PatientID=P000123"),
            "QIDO date range + modality": get("studies?StudyDate=20260101-20260102&ModalitiesInStudy=CT&limit=100"),
            "QIDO name prefix": get("studies?PatientName=Bench^P0001*&limit=100"),
            f"QIDO instances of a series of {slices}": get(f"{url}/instances"),
            f"series metadata of {slices}": get(f"{url}/metadata"),
            "instance": get(instance, {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}),
            "frame": get(f"{instance}/frames/1", octets),
            "rendered JPEG": get(f"{instance}/rendered", {"Accept": "image/jpeg"}),
        }
        return [latency_ms(what, peers, act, rounds=rounds) for what, act in requests.items()]  # type: ignore[arg-type]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it runs, not how fast")
    quick = parser.parse_args().quick
    if not Orthanc.is_installed():
        print("*** Orthanc is not installed: its column is missing and there are no ratios.", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="radstream-bench-") as name:
        folder = Path(name)
        systems = [Radstream(folder), *([Orthanc(folder)] if Orthanc.is_installed() else [])]
        peers = []
        try:
            peers.extend(system.start() for system in systems)
            rows = reading(peers, folder / "read", 20 if quick else 250, 200 if quick else 2000, 3 if quick else 31)
            rows += receiving(peers, folder / "receive", 20 if quick else 150, 1 if quick else 5)
            print_rows("Radstream beside Orthanc, medians, in turn", rows)
        finally:
            for system in systems:
                system.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
