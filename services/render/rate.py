"""How fast the frames of an image are shown (PS3.3 C.7.6.5, C.7.6.16.2.2). Pure."""

from __future__ import annotations

from typing import Final

from pydicom import Dataset

from services.render.attributes import numbers

DEFAULT_MS: Final = 100.0
"""Of frames that are no motion: slow enough to see each, fast enough to see what changes."""

SHORTEST_MS: Final = 20.0
"""Viewers show pictures that are meant to be shorter for longer than this."""

LONGEST_MS: Final = 10_000.0


def frame_ms(dataset: Dataset) -> float:
    """Return the milliseconds from one frame to the next, by the first attribute that tells."""
    for keyword in ("RecommendedDisplayFrameRate", "CineRate"):
        if (rate := _positive(dataset, keyword)) is not None:
            return _bounded(1000 / rate)
    for keyword in ("FrameTime", "FrameAcquisitionDuration"):
        if (time := _positive(dataset, keyword)) is not None:
            return _bounded(time)
    later = [time for time in numbers(dataset, "FrameTimeVector") if time > 0]
    return _bounded(sum(later) / len(later)) if later else DEFAULT_MS


def _positive(dataset: Dataset, keyword: str) -> float | None:
    return next((value for value in numbers(dataset, keyword)[:1] if value > 0), None)


def _bounded(milliseconds: float) -> float:
    return min(max(milliseconds, SHORTEST_MS), LONGEST_MS)
