from __future__ import annotations

import pytest

from radstream.contract.errors import MalformedRequest
from services.render.enhancement.mark import name_of
from services.render.enhancement.presets import PRESETS
from services.render.enhancement.steps import SETTINGS, parse_enhancement
from services.render.parameters import parse_parameters


def test_steps_have_their_order_whatever_order_they_are_named_in() -> None:
    steps = parse_enhancement("clahe,denoise,lung,detail")
    assert [step.name for step in steps] == ["lung", "denoise", "detail", "clahe"]
    assert parse_enhancement(" detail , CLAHE,lung, denoise ") == steps


def test_settings_not_named_have_their_defaults() -> None:
    (step,) = parse_enhancement("clahe:clip=3.5")
    assert step.settings == {"clip": 3.5, "tiles": 8}
    assert str(step) == "clahe:clip=3.5:tiles=8"


@pytest.mark.parametrize("name", list(SETTINGS))
def test_the_name_of_an_enhancement_can_be_asked_for_again(name: str) -> None:
    enhancement = parse_enhancement(name)
    assert parse_enhancement(name_of(enhancement)) == enhancement


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sharpen", "the steps of an enhancement are"),
        ("clahe,", "the steps of an enhancement are"),
        ("clahe,clahe:clip=3", "named once"),
        ("clahe:clip=1:clip=2", "each once"),
        ("clahe:strength=2", "clip, tiles"),
        ("auto:clip=2", "no settings"),
        ("clahe:clip", "numbers from 1 to 64"),
        ("clahe:clip=x", "numbers from 1 to 64"),
        ("clahe:clip=nan", "numbers from 1 to 64"),
        ("clahe:clip=inf", "numbers from 1 to 64"),
        ("clahe:clip=1e99", "numbers from 1 to 64"),
        ("clahe:tiles=2.5", "whole numbers from 2 to 32"),
        ("denoise:radius=0", "whole numbers from 1 to 8"),
        ("lung,bone", "one step"),
        ("auto,film", "one step"),
        ("film,detail", "film raises detail itself"),
        ("clahe" + " " * 2000, "characters at most"),
    ],
)
def test_what_means_nothing_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MalformedRequest, match=reason):
        parse_enhancement(text)


@pytest.mark.parametrize("step", ["auto", "film", *PRESETS])
def test_a_window_is_chosen_by_the_client_or_by_a_step_not_by_both(step: str) -> None:
    with pytest.raises(MalformedRequest, match="either"):
        parse_parameters({"enhance": step, "window": "40,400,linear"})
    assert parse_parameters({"enhance": "denoise", "window": "40,400,linear"}).enhancement
