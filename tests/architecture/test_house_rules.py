"""The rules of CONTRIBUTING.md that a linter does not know. Each check is shown to fail on a planted offence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(path for wing in ("radstream", "services") for path in (ROOT / wing).rglob("*.py"))

BROAD_EXCEPT_ALLOWED = {
    "radstream/bus/loop.py": "the consume loop decides what becomes of a record",
    "radstream/blobs/strand.py": "an error in a thread goes to who waits on the event loop",
    "radstream/bus/embedded/appender.py": "an error in a thread goes to who waits on the event loop",
    "radstream/dimse/operations.py": "a handler's bug is a status, not the end of the association",
    "radstream/web/app.py": "a handler's bug is a 500, not the end of the connection",
    "services/ingest/scp.py": "a door",
    "services/ingest/stow.py": "a door",
    "radstream/sandbox/worker.py": "hostile pixels may raise anything",
    "services/render/plain.py": "strangers' headers may raise anything, and the worker says why",
}
PURE = ("services/index/document.py", "services/api/query.py", "services/render/pixels.py", "radstream/dicom/json.py")


def long_files(name: str, source: str) -> Iterator[str]:
    if source.count("\n") > 300:
        yield f"{name} has more than 300 lines"


def long_functions(name: str, source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            docstring = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) else 0
            if (node.end_lineno or 0) - node.lineno + 1 - docstring > 50:
                yield f"{name}:{node.name} has more than 50 lines"


def raises_again(node: ast.ExceptHandler) -> bool:
    """What is caught to tidy up and raised again is not hidden."""
    return isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None


def broad_excepts(name: str, source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        is_broad = node.type is None or (
            isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
        )
        if is_broad and name not in BROAD_EXCEPT_ALLOWED and not raises_again(node):
            yield f"{name}:{node.lineno} catches everything"


def opened_in_pure_files(name: str, source: str) -> Iterator[str]:
    if name in PURE:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
                yield f"{name}:{node.lineno} opens a file"


def vague_names(name: str, _source: str) -> Iterator[str]:
    if Path(name).stem in {"utils", "util", "common", "helpers", "manager", "misc"}:
        yield f"{name} says nothing"


def work_at_import(name: str, source: str) -> Iterator[str]:
    """A bare call as a statement of the module does something when the module is imported."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield f"{name}:{node.lineno} works at import"


def environment_reads(name: str, source: str) -> Iterator[str]:
    reads = ("os.getenv", "os.environ[", "environ.get")
    if name != "radstream/settings.py" and any(read in source for read in reads):
        yield f"{name} reads the environment"


OFFENCES = {
    long_files: ("radstream/a.py", "\n" * 301),
    long_functions: ("radstream/a.py", "def f():\n" + "    x = 1\n" * 51),
    broad_excepts: ("radstream/a.py", "try:\n    f()\nexcept Exception:\n    pass\n"),
    opened_in_pure_files: (PURE[0], "open('x')\n"),
    vague_names: ("radstream/utils.py", ""),
    work_at_import: ("radstream/a.py", "start()\n"),
    environment_reads: ("radstream/a.py", "import os\nx = os.getenv('X')\n"),
}


@pytest.mark.parametrize("rule", OFFENCES, ids=lambda rule: rule.__name__)
def test_the_house_obeys(rule: object) -> None:
    assert callable(rule)
    found = [offence for path in FILES for offence in rule(path.relative_to(ROOT).as_posix(), path.read_text())]
    assert found == []


@pytest.mark.parametrize(("rule", "offence"), OFFENCES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_offence_is_found(rule: object, offence: tuple[str, str]) -> None:
    assert callable(rule)
    assert list(rule(*offence))


def test_every_exception_to_the_rule_on_broad_excepts_is_needed() -> None:
    allowed = [name for name in BROAD_EXCEPT_ALLOWED if (ROOT / name).exists()]
    for name in allowed:
        assert "except Exception" in (ROOT / name).read_text(), f"{name} no longer needs its exception"
    assert len(allowed) == len(BROAD_EXCEPT_ALLOWED)
