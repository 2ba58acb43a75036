"""What processes take of the machine: memory, threads, descriptors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def resident_bytes(processes: Mapping[str, int]) -> dict[str, int]:
    """Return the resident memory of each process, given by name and process id."""
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    return {
        name: int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page_bytes for name, pid in processes.items()
    }


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process has ever had resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def thread_count(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def descriptor_count(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def children() -> list[int]:
    """Return the living child processes of this one."""
    pids = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            pids.append(int(stat.parent.name))
    return pids
