"""The steps of an enhancement, in the order in which they are done, and what each can be told. Pure.

``enhance=denoise,detail:gain=3,clahe:clip=2:tiles=8`` names three. Windows are chosen first and by the untouched
values; then noise is reduced, so that nothing after it makes noise stronger; then detail is raised; the histogram comes
last. The order in which a client names them is without effect, so that one picture has one name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from radstream.contract.errors import MalformedRequest
from services.render.enhancement.presets import PRESETS

LONGEST: Final = 1024
"""Characters of an enhancement."""


@dataclass(frozen=True)
class Setting:
    """A number that a step can be told.

    Parameters
    ----------
    is_whole : bool
        It counts something.
    """

    default: float
    smallest: float
    largest: float
    is_whole: bool = False

    def parse(self, name: str, text: str) -> float:
        """Return the number in `text`.

        Raises
        ------
        MalformedRequest
            If it is none, or out of bounds.
        """
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not self.smallest <= number <= self.largest or (self.is_whole and number != int(number)):
            kind = "whole numbers" if self.is_whole else "numbers"
            raise MalformedRequest(f"{name} of an enhancement has {kind} from {self.smallest:g} to {self.largest:g}")
        return number


WINDOWING: Final = ("auto", "film", *PRESETS)
"""Steps that choose the window: one at most, and none beside a window that the client chooses."""

_DETAIL: Final = {
    "gain": Setting(2.0, 1.0, 8.0),
    "limit": Setting(0.1, 0.01, 1.0),
    "levels": Setting(5, 1, 8, is_whole=True),
}
SETTINGS: Final[dict[str, dict[str, Setting]]] = {
    **{name: {} for name in PRESETS},
    "auto": {},
    "film": {"gain": Setting(1.6, 1.0, 8.0), "latitude": Setting(0.8, 0.3, 1.0)},
    "denoise": {"strength": Setting(2.0, 0.1, 10.0), "radius": Setting(2, 1, 8, is_whole=True)},
    "unsharp": {"amount": Setting(1.0, 0.0, 8.0), "radius": Setting(2.0, 0.5, 20.0)},
    "detail": _DETAIL,
    "clahe": {"clip": Setting(2.0, 1.0, 64.0), "tiles": Setting(8, 2, 32, is_whole=True)},
}
"""Every step with its settings, in the order in which steps are done."""


@dataclass(frozen=True)
class Step:
    """A step with all its settings."""

    name: str
    settings: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return ":".join([self.name, *(f"{name}={value:g}" for name, value in self.settings.items())])


Enhancement = tuple[Step, ...]
"""Steps in their order; empty if nothing is enhanced."""


def parse_enhancement(text: str) -> Enhancement:
    """Return the steps that ``name:setting=number:…,name,…`` names.

    Raises
    ------
    MalformedRequest
        If a step or setting is not known, named twice, out of bounds, or two choose the window.
    """
    if len(text) > LONGEST:
        raise MalformedRequest(f"an enhancement has {LONGEST} characters at most")
    steps = [_step(part.strip().lower()) for part in text.split(",")]
    names = [step.name for step in steps]
    if len(set(names)) < len(names):
        raise MalformedRequest("each step of an enhancement is named once")
    if len(set(names) & set(WINDOWING)) > 1:
        raise MalformedRequest("one step of an enhancement chooses the window")
    if {"film", "detail"} <= set(names):
        raise MalformedRequest("film raises detail itself: give it a gain")
    return tuple(sorted(steps, key=lambda step: list(SETTINGS).index(step.name)))


def _step(text: str) -> Step:
    name, *given = text.split(":")
    known = SETTINGS.get(name)
    if known is None:
        raise MalformedRequest(f"the steps of an enhancement are {', '.join(SETTINGS)}")
    settings = {each: setting.default for each, setting in known.items()}
    told = [part.partition("=")[::2] for part in given]
    if len({each for each, _ in told}) < len(told) or any(each not in known for each, _ in told):
        raise MalformedRequest(f"{name} of an enhancement has {', '.join(known) or 'no settings'}, each once")
    return Step(name, settings | {each: known[each].parse(f"{name}:{each}", value) for each, value in told})
