"""What earlier imports have stored, so that the next one goes on where they stopped.

The journal only says under which key a file's instance lies; whether it still does is asked of the blob store each
time. It may be deleted, cut or out of date without harm: what it does not know is read again, and known by its bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from pathlib import Path
from typing import Final

from services.command.sources.findings import Source

FOLDERS_IN_MEMORY: Final = 4
_LINE: Final = re.compile(r"([0-9a-f]{32}) (\S+)")


class Journal:
    """One small file for every folder or archive that was imported from; names are only there as digests.

    Parameters
    ----------
    home : Path
        Where these files are; made at the first entry.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folders: OrderedDict[str, dict[str, str]] = OrderedDict()

    def blob_key(self, source: Source) -> str | None:
        """Return the key under which the instance in `source` was stored, None if that is not known."""
        return self._entries(source.folder).get(_digest(source.stamp))

    def add(self, source: Source, blob_key: str) -> None:
        """Note that the instance in `source` is stored under `blob_key`.

        The line begins with its line feed: should the process be killed in the middle of it, the next one is whole.
        """
        self._entries(source.folder)[_digest(source.stamp)] = blob_key
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._file(source.folder).open("a", encoding="ascii") as file:
            file.write(f"\n{_digest(source.stamp)} {blob_key}")

    def _entries(self, folder: str) -> dict[str, str]:
        if folder not in self._folders:
            self._folders[folder] = self._read(folder)
            if len(self._folders) > FOLDERS_IN_MEMORY:
                self._folders.popitem(last=False)
        self._folders.move_to_end(folder)
        return self._folders[folder]

    def _read(self, folder: str) -> dict[str, str]:
        try:
            lines = self._file(folder).read_text(encoding="ascii", errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        return {match[1]: match[2] for line in lines if (match := _LINE.fullmatch(line))}

    def _file(self, folder: str) -> Path:
        return self._home / _digest(folder)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
