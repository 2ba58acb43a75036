"""The systems that are compared, each started in a folder of its own with durable writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.system import System, free_port

ORTHANC_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass
class Peer:
    """A running archive.

    Parameters
    ----------
    name : str
    dicom_web : str
        Base URL of its DICOMweb services.
    settle : callable
        Returns when nothing goes on in the background, so that one peer's work is not done in another's turn.
    """

    name: str
    ae_title: str
    dimse_port: int
    dicom_web: str
    settle: Callable[[], None]


class Radstream:
    """`radstream up` on its embedded defaults: every answer means fsync'd and logged."""

    def __init__(self, folder: Path) -> None:
        self.system = System(folder / "radstream")

    def start(self) -> Peer:
        system = self.system.start()
        return Peer("Radstream", "RADSTREAM", system.dimse_port, system.dicom_web, system.wait_until_quiet)

    def stop(self) -> None:
        self.system.stop()


class Orthanc:
    """Debian's Orthanc with its DICOMweb plugin, syncing its storage area (its default)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "orthanc"
        self.process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_installed() -> bool:
        return shutil.which("Orthanc") is not None and ORTHANC_PLUGIN.exists()

    def start(self) -> Peer:
        self._folder.mkdir(parents=True, exist_ok=True)
        http_port, dimse_port = free_port(), free_port()
        configuration = {
            "Name": "bench",
            "StorageDirectory": str(self._folder / "storage"),
            "IndexDirectory": str(self._folder / "index"),
            "HttpPort": http_port,
            "DicomPort": dimse_port,
            "DicomAet": "ORTHANC",
            "DicomCheckCalledAet": False,
            "DicomAlwaysAllowStore": True,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "SyncStorageArea": True,
            "StorageCompression": False,
            "OverwriteInstances": False,
            "KeepAlive": True,
            "TcpNoDelay": True,
            "HttpThreadsCount": 8,
            "Plugins": [str(ORTHANC_PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
        }
        path = self._folder / "orthanc.json"
        path.write_text(json.dumps(configuration))
        with (self._folder / "log.txt").open("wb") as log:
            environment = {**os.environ, "TCP_NODELAY": "1"}  # its DIMSE library waits for 40 ms without
            self.process = subprocess.Popen(["Orthanc", str(path)], stdout=log, stderr=log, env=environment)
        self._wait(f"http://127.0.0.1:{http_port}/system")
        base = f"http://127.0.0.1:{http_port}/dicom-web"
        return Peer("Orthanc", "ORTHANC", dimse_port, base, lambda: None)  # it does everything before it answers

    def _wait(self, url: str) -> None:
        for _ in range(200):
            try:
                if httpx2.get(url, timeout=2).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.1)
        raise RuntimeError("Orthanc did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
