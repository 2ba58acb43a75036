"""The conformance statement has a row for each transaction of PS3.18, and each row names tests that are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache

import pytest

from tests.pages import ROOT, code_in, read_page, rows

PAGE = read_page("conformance.md")

TRANSACTIONS = (
    "Retrieve Capabilities",
    "Retrieve DICOM Instance, by URI",
    "Retrieve Rendered Instance, by URI",
    "Retrieve Study",
    "Retrieve Series",
    "Retrieve Instance",
    "Retrieve Metadata of Study, Series, Instance",
    "Retrieve Frames",
    "Retrieve Bulk Data",
    "Retrieve Rendered Study, Series",
    "Retrieve Rendered Instance, Frames",
    "Retrieve Rendered MPR Volume",
    "Retrieve Rendered 3D Volume",
    "Retrieve Thumbnail",
    "Store Instances",
    "Search for Studies, Series, Instances",
    "Delete",
    "Worklist Service, UPS-RS",
    "Notifications",
    "Non-Patient Instance Service, inventories too",
    "Storage Commitment Service",
)


def transactions(page: str) -> dict[str, list[str]]:
    """Return the cells of each transaction's row, by its name without sections."""
    table = rows(page, "| transaction | supported | how | limits | tests |")
    return {re.sub(r" \([^)]*\)", "", name): cells for name, *cells in table}


def unnamed_transactions(page: str) -> list[str]:
    return sorted(set(TRANSACTIONS) ^ set(transactions(page)))


def unproved_transactions(page: str) -> list[str]:
    """Return the rows that say anything but *no*, and name no test."""
    return [name for name, cells in transactions(page).items() if cells[0] != "no" and not code_in(cells[-1])]


PROOF = " shown by |"
SEARCH = re.compile(r"### 3\.2 .*?(?=\n### )", re.DOTALL)


def unproved_rows(page: str) -> list[str]:
    """Return the rows that name no test in tables that name tests."""
    headers = {line for line in page.splitlines() if line.endswith(PROOF)}
    unproved = (cells[0] for header in headers for cells in rows(page, header) if "::test_" not in cells[-1])
    return sorted(unproved)


def tables_without_tests(page: str) -> list[str]:
    """Return the headers of tables about Search that name no tests at all."""
    found = SEARCH.search(page)
    headers = re.findall(r"^(\|.*)\n\|---", found[0], re.MULTILINE) if found else ["there is no section 3.2"]
    return [header for header in headers if not header.endswith(PROOF)]


def missing_tests(page: str) -> list[str]:
    """Return the tests that the page names and nobody finds: ``file.py::test``, or whole files by their paths."""
    named = set(re.findall(r"`([^`\s]*test_\w+\.py[^`\s]*)`", page))
    return sorted(one for one in named if one not in _tests() and not (ROOT / one).is_file())


@cache
def _tests() -> frozenset[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return frozenset(f"{file.name}::{name}" for file in files for name in _functions(file.read_text()))


def _functions(source: str) -> list[str]:
    nodes = ast.walk(ast.parse(source))
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


CHECKS = (unnamed_transactions, unproved_transactions, unproved_rows, tables_without_tests, missing_tests)

OFFENCES = [
    (unnamed_transactions, "| Retrieve Thumbnail (", "| Retrieve Icon ("),
    (unproved_transactions, "| Storage Commitment Service (13) | no |", "| Storage Commitment Service (13) | yes |"),
    (unproved_rows, "`test_qido_kinds.py::test_dates_are_days_or_ranges` |", "of course |"),
    (unproved_rows, "`test_stow_frames.py::test_a_video_is_one_part_whatever_its_number_of_frames` |", "|"),
    (tables_without_tests, "| in the query | effect | shown by |", "| in the query | effect | why |"),
    (missing_tests, "::test_metadata_is_a_json_array`", "::test_metadata_are_a_json_array`"),
    (missing_tests, "`test_qido_xml.py::", "`test_qido_yaml.py::"),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_transaction_names_its_tests(check: Callable[[str], list[str]]) -> None:
    assert check(PAGE) == []


@pytest.mark.parametrize(("check", "true", "untrue"), OFFENCES)
def test_a_planted_untruth_about_transactions_is_found(
    check: Callable[[str], list[str]], true: str, untrue: str
) -> None:
    assert true in PAGE
    assert check(PAGE.replace(true, untrue)) != []
