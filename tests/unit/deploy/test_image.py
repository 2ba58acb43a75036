"""The image: what its recipe copies is there and enough, what it runs exists, and nobody in it is root."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from radstream.settings import Settings
from services.api.workstation import BUILD
from tests.manifests import EVERYTHING, ROOT, build, ours, pod_of, ports_of

DOCKERFILE = ROOT / "deploy" / "images" / "Dockerfile"
INSTRUCTIONS = {"FROM", "ENV", "RUN", "COPY", "USER", "WORKDIR", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@dataclass(frozen=True)
class Step:
    """An instruction, in which stage it is, and what follows it."""

    stage: int
    word: str
    rest: str


def steps(text: str) -> list[Step]:
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    found: list[Step] = []
    for line in filter(str.strip, joined.splitlines()):
        word, _, rest = line.partition(" ")
        stage = sum(step.word == "FROM" for step in found) + (word == "FROM") - 1
        found.append(Step(stage, word, rest.strip()))
    return found


STEPS = steps(DOCKERFILE.read_text())
LAST = max(step.stage for step in STEPS)


def of(word: str, *, last: bool = False) -> list[str]:
    return [step.rest for step in STEPS if step.word == word and (step.stage == LAST or not last)]


def copied() -> list[str]:
    """Return what is copied from the repository."""
    return [source for rest in of("COPY") if not rest.startswith("--from") for source in shlex.split(rest)[:-1]]


def is_sent(path: str) -> bool:
    """Tell whether the builder is sent a path: the last pattern that matches it decides."""
    sent = True
    for line in (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        matches = (
            pattern == "*" or fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}/") or f"/{pattern}/" in path
        )
        if line and not line.startswith("#") and matches:
            sent = line.startswith("!")
    return sent


def test_it_is_made_of_known_instructions_in_three_stages() -> None:
    assert {step.word for step in STEPS} <= INSTRUCTIONS
    assert [rest.partition(" AS ")[2] for rest in of("FROM")] == ["pages", "build", ""]
    assert of("RUN", last=True) == []  # the last stage only takes what the first one made
    assert [re.sub("^--from=", "", rest.split()[0]) for rest in of("COPY", last=True)] == ["build"]


def test_its_base_is_pinned_and_the_python_that_the_locks_are_made_for() -> None:
    bases = {rest.split()[0] for rest in of("FROM")}
    assert bases == {"node:20-bookworm-slim", "python:3.11-slim-bookworm"}
    assert json.loads((ROOT / "workstation/package.json").read_text())["engines"]["node"].startswith(">=20.")
    assert "--python-version 3.11" in (ROOT / "Makefile").read_text()
    assert PYPROJECT["project"]["requires-python"] == ">=3.11"


def test_nobody_in_it_is_root_and_the_number_is_that_of_the_pods() -> None:
    assert of("USER", last=True) == ["10001:10001"]
    assert {pod_of(each)["securityContext"]["runAsUser"] for each in ours(build(EVERYTHING))} == {10001}
    words = [step.word for step in STEPS if step.stage == LAST]
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_what_it_copies_is_there_and_is_sent_to_the_builder() -> None:
    assert copied()
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    assert [source for source in copied() if not is_sent(source)] == []
    assert [path for path in ("tests/system.py", ".venv/bin/python", ".git/config", "build/x") if is_sent(path)] == []
    unwanted = ("radstream/__pycache__/x.pyc", "workstation/node_modules/react/index.js", "workstation/dist/index.html")
    assert [path for path in unwanted if is_sent(path)] == []


def test_the_pages_are_built_by_their_lock_and_laid_where_api_looks_for_them() -> None:
    installs, build = [rest for rest in of("RUN") if rest.startswith("npm ")]
    assert installs.startswith("npm ci --ignore-scripts")
    assert build == "npm run build"
    lock = json.loads((ROOT / "workstation/package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if name and "integrity" not in package] == []
    (laid,) = [rest for rest in of("COPY") if rest.startswith("--from=pages")]
    site_packages = Path("/opt/radstream/lib/python3.11/site-packages")
    assert laid.split()[-1] == str(site_packages / BUILD.relative_to(ROOT))


def test_what_it_copies_of_the_pages_is_all_that_their_build_names() -> None:
    taken = {path.removeprefix("workstation/") for path in copied() if path.startswith("workstation/")}
    own = {path.name for path in (ROOT / "workstation").iterdir()} - {"dist", "e2e", "bench", "node_modules"}
    assert taken == own


def test_packages_are_installed_by_hash_or_are_ours() -> None:
    installs = [part for rest in of("RUN") for part in rest.split("&&") if "pip install" in part]
    by_hash = [each for each in installs if "--require-hashes" in each and "--only-binary :all:" in each]
    own = [each for each in installs if "--no-deps" in each and "--no-build-isolation" in each]
    assert len(by_hash) == len(own) == 1
    assert len(installs) == 2
    assert "requirements/cluster.lock" in by_hash[0]
    lock = (ROOT / "requirements" / "cluster.lock").read_text()
    pinned = re.findall(r"^[a-z0-9][^\s=]*==\S+(?: ; [^\\\n]*)? \\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z0-9].*==", lock, re.MULTILINE)) > 30


def test_what_it_starts_exists_and_takes_a_signal() -> None:
    (entry,) = of("ENTRYPOINT", last=True)
    assert entry == '["radstream"]'  # a list: the process itself is told to stop, no shell before it
    assert "radstream" in PYPROJECT["project"]["scripts"]
    assert of("STOPSIGNAL", last=True) == ["SIGTERM"]


def test_the_ports_that_it_names_are_those_of_the_pods() -> None:
    exposed = {int(port) for port in of("EXPOSE", last=True)[0].split()}
    opened = {port for each in ours(build(EVERYTHING)) for port in ports_of(each).values()}
    assert exposed == opened | {Settings.model_fields["dimse_port"].default}


def test_what_it_copies_is_enough_to_build_and_nothing_of_ours_is_missing(tmp_path: Path) -> None:
    source = tmp_path / "src"
    for path in map(Path, copied()):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, source / path, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / path, source / path)
    wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    built = subprocess.run([*wheel, "-w", str(tmp_path), str(source)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (archive,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(archive) as opened:
        packed = {name for name in opened.namelist() if ".dist-info/" not in name}
    written = {
        str(path.relative_to(source))
        for wing in ("radstream", "services")
        for path in (source / wing).rglob("*")
        if path.is_file()
    }
    assert packed == written
