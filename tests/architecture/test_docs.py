"""Documentation that cannot drift: every name that it gives exists, and nothing that an operator may set is missing."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from radstream import telemetry
from radstream.contract.topics import all_topics
from radstream.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def functions_of(path: Path) -> set[str]:
    """Return the names that a file defines; of a method as `Class.method` too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{item.name}" for item in node.body if hasattr(item, "name")}
    return names


def missing_steps(text: str) -> list[str]:
    """Return the steps (`file.py` and `function` in one table row) of a page that do not exist."""
    missing = []
    for file, function in re.findall(r"`([\w/]+\.py)`[^`\n]*`([\w.]+)`", text):
        path = ROOT / file
        if not path.exists() or function not in functions_of(path):
            missing.append(f"{file}: {function}")
    return missing


def missing_links(path: Path) -> list[str]:
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text())
    return [link for link in links if not (path.parent / link).exists()]


def test_each_step_of_the_data_path_exists() -> None:
    text = (ROOT / "docs" / "data-path.md").read_text()
    assert len(re.findall(r"`[\w/]+\.py`[^`\n]*`[\w.]+`", text)) >= 10
    assert missing_steps(text) == []


def test_a_step_that_does_not_exist_is_found() -> None:
    assert missing_steps("| `services/ingest/accept.py` | `no_such_function` |")
    assert missing_steps("| `no_such_file.py` | `f` |")


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_each_link_leads_somewhere(path: Path) -> None:
    assert missing_links(path) == []


def settings() -> set[str]:
    return {f"RADSTREAM_{name.upper()}" for name in Settings.model_fields}


def metrics() -> set[str]:
    return {metric._name for metric in vars(telemetry).values() if isinstance(metric, Counter | Gauge | Histogram)}


def topics() -> set[str]:
    return {topic.name for topic in all_topics()}


@pytest.mark.parametrize("names", [settings, metrics, topics])
def test_the_operations_page_names_every(names: Callable[[], set[str]]) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    assert {name for name in names() if name not in text} == set()
    assert names()
