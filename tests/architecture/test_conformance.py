"""The conformance statement is true where a table can be compared with the code; each comparison is shown to fail."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.datadict import keyword_for_tag

from radstream.contract.errors import ANSWERS
from radstream.dicom.codecs import is_decodable
from radstream.dicom.levels import Level
from radstream.dimse import statuses
from radstream.dimse.sop_classes import ALL_TRANSFER_SYNTAXES, STORAGE_SOP_CLASSES
from services.api.matching import MATCHINGS

PAGE = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text()


def transfer_syntaxes(page: str) -> list[str]:
    """Return what the table of transfer syntaxes has wrong."""
    rows = re.findall(r"^\| `(1\.2\.840[\d.]+)` \| .* \| `.*` \| (yes|no) \|$", page, re.MULTILINE)
    listed = {uid: rendered == "yes" for uid, rendered in rows}
    wrong = [f"{uid} is missing or too much" for uid in set(listed) ^ ALL_TRANSFER_SYNTAXES]
    return wrong + [f"{uid} is rendered or not" for uid, said in listed.items() if said != is_decodable(uid)]


def storage_sop_classes(page: str) -> list[str]:
    return [] if f"all {len(STORAGE_SOP_CLASSES)} of the Standard" in page else ["another number of SOP classes"]


def matching_attributes(page: str) -> list[str]:
    wrong = []
    for level in Level:
        row = re.search(rf"^\| {level.name.lower()} \| (.*) \|$", page, re.MULTILINE)
        listed = set(re.findall(r"`([\w.]+)`", row[1])) if row else set()
        real = {
            ".".join(keyword_for_tag(int(tag, 16)) for tag in path.split("."))
            for path, matching in MATCHINGS.items()
            if level in matching.fields
        }
        wrong += [f"{name} at {level.name}" for name in listed ^ real]
    return wrong


def limits(page: str) -> list[str]:
    rows = re.findall(r"^\| .* \| `([\w.]+\.\w+)` \| ([\d.,]+) \|$", page, re.MULTILINE)
    return [path for path, said in rows if f"{value_of(path):,}" != said] + ([] if len(rows) >= 25 else ["few limits"])


def value_of(path: str) -> float:
    """Return a constant of a module, or of a class in a module."""
    parts = path.split(".")
    split = -2 if parts[-2][0].isupper() else -1
    found = importlib.import_module(".".join(parts[:split]))
    for name in parts[split:]:
        found = getattr(found, name)
    assert isinstance(found, int | float)
    return found


def dimse_statuses(page: str) -> list[str]:
    """Return the statuses of a C-STORE that the page does not name."""
    sent = {answer.dimse_status for answer in ANSWERS.values()} - {0x0112}  # NotFound is no answer to a store
    sent |= {0xA900, statuses.SUCCESS, statuses.INVALID_SOP_INSTANCE, statuses.NO_SUCH_SOP_CLASS}
    sent |= {statuses.DUPLICATE_INVOCATION, statuses.UNRECOGNIZED_OPERATION, statuses.MISTYPED_ARGUMENT}
    return [f"0x{status:04X}" for status in sent if f"| 0x{status:04X} |" not in page]


CHECKS: dict[Callable[[str], list[str]], tuple[str, str]] = {
    transfer_syntaxes: ("| `1.2.840.10008.1.2.5` |", "| `1.2.840.10008.1.2.55` |"),
    storage_sop_classes: ("of the Standard", "of a Standard"),
    matching_attributes: ("`AccessionNumber`", "`AccessNumber`"),
    limits: ("| 64 |", "| 65 |"),
    dimse_statuses: ("| 0xA700 |", "| 0xA701 |"),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_page_says_what_is_so(check: Callable[[str], list[str]]) -> None:
    assert check(PAGE) == []


@pytest.mark.parametrize(("check", "offence"), CHECKS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_untruth_is_found(check: Callable[[str], list[str]], offence: tuple[str, str]) -> None:
    assert offence[0] in PAGE
    assert check(PAGE.replace(*offence)) != []
