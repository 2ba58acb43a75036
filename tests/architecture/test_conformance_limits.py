"""The conformance statement names every limit of the code with its value; the comparison is shown to fail."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator

import pytest

from radstream.dimse.limits import Limits
from radstream.settings import Settings
from tests.pages import ROOT, read_page, rows

PAGE = read_page("conformance.md")

LIMITED_ROOMS = ("radstream/dicom", "radstream/dimse", "radstream/web", "services/api", "services/index")
LIMITED_ROOMS += (
    "services/ingest",
    "services/render",
    "services/command/sources",
    "radstream/retrieval",
    "radstream/sandbox",
)
NO_LIMITS = {
    "radstream.dimse.recognition.LOCAL_LIMIT_EXCEEDED": "a rejection",
    "radstream.dicom.codecs.MAX_SAMPLES": "a setting takes its place",
    "services.index.__main__.MAX_BATCH": "nobody outside can tell",
    "services.index.lifecycle.LONGEST_PERIOD_S": "nobody outside can tell",
    "services.render.grayscale.LONGEST_TABLE": "nobody outside can tell",
    "services.api.rows._MOST_KEPT": "nobody outside can tell",
    "radstream.web.direct._MOST_SLASHES": "longer paths take the longer way",
    "radstream.dicom.jpeg_xl._LONGEST_SIZE_BYTES": "a property of the codestream",
    "services.render.encode._LARGEST_WEBP_SIDE": "a property of WebP, beyond the largest side of a viewport",
    "services.render.lettering.LARGEST_SIZE": "nobody outside can tell",
}
"""Constants that are called like limits, and why the page need not name them."""


def limits(page: str) -> list[str]:
    said = {path.strip("`"): value for _, path, value in rows(page, "| limit | constant | value |")}
    wrong = [path for path, value in said.items() if f"{value_of(path):,}" != value]
    return wrong + sorted(limits_in_code() - set(said) - set(NO_LIMITS))


def value_of(path: str) -> float:
    """Return a constant of a module, or a default of a class in a module."""
    parts = path.split(".")
    split = -2 if parts[-2][0].isupper() else -1
    owner = importlib.import_module(".".join(parts[:split]))
    if split == -2:
        owner = getattr(owner, parts[-2])
    found = owner.model_fields[parts[-1]].default if owner is Settings else getattr(owner, parts[-1])
    assert isinstance(found, int | float)
    return found


def limits_in_code() -> set[str]:
    """Return the constants that are called like limits, and the fields of `Limits`."""
    found = {f"radstream.dimse.limits.Limits.{name}" for name in Limits.__dataclass_fields__}
    for file in (file for room in LIMITED_ROOMS for file in sorted((ROOT / room).rglob("*.py"))):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        found |= {f"{module}.{name}" for name in constants(file.read_text()) if is_called_like_a_limit(name)}
    return found


def constants(source: str) -> Iterator[str]:
    for node in ast.parse(source).body:
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name) and target.id.isupper():
                yield target.id


def is_called_like_a_limit(name: str) -> bool:
    return not {"LIMIT", "MOST", "MAX", "LARGEST", "LONGEST"}.isdisjoint(name.split("_"))


def test_the_page_names_every_limit_with_its_value() -> None:
    assert limits(PAGE) == []


@pytest.mark.parametrize(
    ("true", "untrue"),
    [
        ("| 64 |", "| 65 |"),
        ("| `radstream.dimse.limits.Limits.idle_s` |", "| `radstream.dimse.limits.Limits.artim_s` |"),
        ("| `services.api.frames.MAX_FRAMES` | 10,000 |", "| `services.api.finding.MOST_PARENTS` | 10,000 |"),
    ],
)
def test_a_planted_untruth_is_found(true: str, untrue: str) -> None:
    assert true in PAGE
    assert limits(PAGE.replace(true, untrue)) != []


def test_constants_that_are_limits_are_told_from_others() -> None:
    names = set(constants("MOST_THINGS: Final = 3\nHEAD_LIMIT_BYTES = 4\n_MAX_X = 5\nALMOST = 6\nUNLIMITED = 7"))
    assert names == {"MOST_THINGS", "HEAD_LIMIT_BYTES", "_MAX_X", "ALMOST", "UNLIMITED"}
    assert set(filter(is_called_like_a_limit, names)) == {"MOST_THINGS", "HEAD_LIMIT_BYTES", "_MAX_X"}


def test_what_need_not_be_named_is_still_there() -> None:
    assert set(NO_LIMITS) <= limits_in_code()
