"""Packages of npm, pinned by what their tarballs have to hash to."""

from __future__ import annotations

import base64
import hashlib
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final


class PackageMissing(Exception):
    """A package cannot be had here; the text says why."""


@dataclass(frozen=True)
class Package:
    """A package of npm.

    Parameters
    ----------
    integrity : str
        The SHA-512 of its tarball, in base64.
    """

    name: str
    version: str
    integrity: str

    @property
    def tarball(self) -> str:
        """What npm calls the file."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


OHIF: Final = Package(
    "@ohif/app", "3.13.2", "WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
)

_ESBUILD_VERSION: Final = "0.28.2"
_ESBUILD: Final = {
    ("Linux", "x86_64"): (
        "linux-x64",
        "4xTZr1FUmSoQW4XIWmit3tzQrUTZM+N3P0XV8xROKYF50XfI7xeO90+1bZvNwxIufQ9hDQVRJH5YhgPVF8A/HQ==",
    ),
    ("Linux", "aarch64"): (
        "linux-arm64",
        "pW4AC0P3it8c7do9MVM4p51FzHzdM/TZrerurgRcHJ2WTa1VQ1CIq18xncfpBJw4ojkiZZrKW2yIBWBP92j6Ug==",
    ),
    ("Darwin", "arm64"): (
        "darwin-arm64",
        "n4KqkOQrraxHJcgjM1RvwbigfQKIKJVpM7xp+KsxiyUSrRdIXnt73VhrPAx0fV44hgfmIVKjxMN9J1t5jySVkw==",
    ),
    ("Darwin", "x86_64"): (
        "darwin-x64",
        "uq6suIWYP37qzGddBKPw5QEQPi6HiLGsO7UmkpfyaYNQ3D+rN6w6WfwH+nuqcGXWvawGwxOEroO4YGnFh95azw==",
    ),
}


def esbuild() -> Package:
    """Return the package of esbuild's program for this machine.

    Raises
    ------
    PackageMissing
        If there is none.
    """
    found = _ESBUILD.get((platform.system(), platform.machine()))
    if found is None:
        raise PackageMissing(f"there is no esbuild for {platform.system()} on {platform.machine()}")
    return Package(f"@esbuild/{found[0]}", _ESBUILD_VERSION, found[1])


def fetch(package: Package, folder: Path) -> Path:
    """Return the tarball of `package` in `folder`; npm gets it from its registry if it is not there.

    Raises
    ------
    PackageMissing
        If npm is not here or cannot get it, or it is not the file that was pinned.
    """
    path = folder / package.tarball
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _pack(package, folder)
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if digest != package.integrity:
        path.unlink()
        raise PackageMissing(f"{package.tarball} is not the file that was pinned: its SHA-512 is {digest}")
    return path


def _pack(package: Package, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise PackageMissing("npm is not installed")
    command = [npm, "pack", f"{package.name}@{package.version}", "--silent", "--pack-destination", str(folder)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if outcome.returncode != 0 or not (folder / package.tarball).exists():
        raise PackageMissing(f"npm cannot get {package.name}: {outcome.stderr.strip()[-300:]}")
