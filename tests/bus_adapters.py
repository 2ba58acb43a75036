"""Every bus there is. A new adapter is one more line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from radstream.backends import open_bus
from radstream.bus.embedded import EmbeddedBus
from radstream.bus.port import Bus
from tests.engines import kafka

ADAPTERS: dict[str, Callable[[Path], Bus]] = {
    "embedded": lambda folder: EmbeddedBus(folder / "bus"),
    "kafka": lambda _: open_bus(kafka().url),
}
ON_ENGINES = {"kafka"}

Open = Callable[[], Bus]
"""Opens the log of a test once more."""
