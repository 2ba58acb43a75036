"""What receives in `bench.receive`: Radstream in parts and whole, stock pynetdicom, DCMTK and Orthanc."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from bench.peers import Orthanc
from tests.system import System, free_port

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}  # DCMTK waits for 40 ms without


class Receiver(Protocol):
    """Something that is sent instances.

    Parameters
    ----------
    ports : dict of str to int
        By protocol: "dimse", "stow".
    """

    name: str
    ae_title: str
    ports: dict[str, int]

    def start(self) -> None: ...

    def pids(self) -> list[int]: ...

    def reap(self) -> None:
        """Let the processor time of children that have ended be counted."""

    def settle(self) -> None:
        """Return when what was received can be found."""

    def rest(self) -> None:
        """Return when nothing goes on any more."""

    def stop(self) -> None: ...


class Program:
    """A receiver that is one process.

    Parameters
    ----------
    command : sequence of str
        With ``{port}`` and ``{folder}`` where they belong.
    folder : Path
        Its own.
    """

    def __init__(
        self, name: str, command: Iterable[str], folder: Path, *, ae_title: str = "BENCH", forks: bool = False
    ) -> None:
        self.name = name
        self.ae_title = ae_title
        self.ports = {"dimse": free_port()}
        self._command = [word.format(port=self.ports["dimse"], folder=folder) for word in command]
        self._folder = folder
        self._forks = forks
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._folder.mkdir(parents=True)
        with (self._folder.parent / f"{self._folder.name}.log").open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=ENVIRONMENT)
        wait_for_port(self.ports["dimse"])

    def pids(self) -> list[int]:
        assert self._process is not None
        return [self._process.pid]

    def reap(self) -> None:
        if self._forks:  # storescp looks for children that have ended when somebody connects
            wait_for_port(self.ports["dimse"])
            time.sleep(0.1)

    def settle(self) -> None:
        pass

    def rest(self) -> None:
        pass

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)


class Whole:
    """`radstream up`: every service."""

    ae_title = "RADSTREAM"

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._system = System(folder)
        self.ports = {"dimse": self._system.dimse_port, "stow": self._system.http_port}

    def start(self) -> None:
        self._system.start()

    def pids(self) -> list[int]:
        return list(self._system.children().values())

    def reap(self) -> None:
        pass

    def settle(self) -> None:
        self._system.wait_until_indexed()

    def rest(self) -> None:
        self._system.wait_until_quiet()

    def stop(self) -> None:
        self._system.stop()


class OrthancReceiver:
    """Orthanc as Debian ships it: synced storage, and its index in the same process."""

    name, ae_title = "Orthanc, synced", "ORTHANC"

    def __init__(self, folder: Path) -> None:
        self._orthanc = Orthanc(folder)
        self.ports: dict[str, int] = {}

    def start(self) -> None:
        peer = self._orthanc.start()
        self.ports = {"dimse": peer.dimse_port, "stow": int(peer.dicom_web.split(":")[2].split("/")[0])}

    def pids(self) -> list[int]:
        assert self._orthanc.process is not None
        return [self._orthanc.process.pid]

    def reap(self) -> None:
        pass

    def settle(self) -> None:
        pass

    def rest(self) -> None:
        pass

    def stop(self) -> None:
        self._orthanc.stop()


def radstream_discarding(folder: Path) -> Program:
    command = (sys.executable, "-m", "bench.null_scp", "radstream", "{port}")
    return Program("Radstream, discarding", command, folder)


def radstream_durable(folder: Path) -> Program:
    command = (sys.executable, "-m", "services.command", "dimse", "--home", "{folder}", "--dimse-port", "{port}")
    return Program("Radstream, durable and logged", command, folder, ae_title="RADSTREAM")


def pynetdicom(folder: Path) -> Program:
    return Program("pynetdicom, discarding", (sys.executable, "-m", "bench.null_scp", "pynetdicom", "{port}"), folder)


def dcmtk_discarding(folder: Path) -> Program:
    command = ("storescp", "-pdu", "131072", "--fork", "--ignore", "{port}")
    return Program("DCMTK, discarding", command, folder, forks=True)


def dcmtk_writing(folder: Path) -> Program:
    command = ("storescp", "-pdu", "131072", "--fork", "-od", "{folder}", "{port}")
    return Program("DCMTK, writing, not synced", command, folder, forks=True)


def cpu_s(receiver: Receiver) -> float:
    """Return user and system time of a receiver, its children that are gone included."""
    receiver.reap()
    return sum(map(process_cpu_s, receiver.pids()))


def process_cpu_s(pid: int) -> float:
    """Return user and system time of a process, its children that are gone included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / _TICKS_PER_S


def memory_bytes(pid: int, field: str = "VmRSS") -> int:
    """Return the resident memory of a process, or ("VmHWM") its peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) << 10
    raise LookupError(field)


def forget_peak(pid: int) -> None:
    """Let the peak of resident memory begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
