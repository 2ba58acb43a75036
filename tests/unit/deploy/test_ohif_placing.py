"""Placing a release: a tarball like the one of npm, made here."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import stat
import tarfile
from pathlib import Path

import pytest

from deploy.ohif.packages import Package, PackageMissing, fetch
from deploy.ohif.placing import CONFIGURATION, place
from deploy.ohif.rewrites import NothingToRewrite
from tests.unit.deploy.test_ohif_rewrites import PAGE

APP = "__webpack_require__.p = \"/\"; f('/dicom-microscopy-viewer/a.js');" + " " * 1024
FILES = {
    "package/LICENSE": "MIT",
    "package/package.json": "{}",
    "package/dist/index.html": PAGE,
    "package/dist/manifest.json": '{"src": "/assets/a.png"}',
    "package/dist/app.bundle.0f61.js": APP,
    "package/dist/app-config.js": "theirs",
    "package/dist/ort/model.onnx": "large",
    "package/dist/assets/a.png": "png",
}


def release(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def test_release_is_placed_with_our_configuration_and_compressed(tmp_path: Path) -> None:
    folder = tmp_path / "ohif"
    (folder / "of-last-time").mkdir(parents=True)
    place(release(tmp_path / "r.tgz", FILES), folder, None)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    named = {"LICENSE", "index.html", "manifest.json", "app-config.js", "assets/a.png"}
    assert found == {*named, "app.bundle.0f61.js", "app.bundle.0f61.js.gz", "app-config.js.gz"}
    assert (folder / "app-config.js").read_text() == CONFIGURATION.read_text()
    bundle = (folder / "app.bundle.0f61.js").read_text()
    assert '"/ohif/"' in bundle
    assert gzip.decompress((folder / "app.bundle.0f61.js.gz").read_bytes()).decode() == bundle


def test_release_that_is_refused_leaves_the_one_that_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "ohif"
    place(release(tmp_path / "r.tgz", FILES), folder, None)
    with pytest.raises(NothingToRewrite):
        place(release(tmp_path / "other.tgz", {**FILES, "package/dist/index.html": "other"}), folder, None)
    assert "/ohif/" in (folder / "index.html").read_text()


def test_member_that_points_out_of_the_folder_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(tarfile.OutsideDestinationError):
        place(release(tmp_path / "r.tgz", {**FILES, "package/dist/../../../x.js": ""}), tmp_path / "a" / "ohif", None)
    assert not list(tmp_path.rglob("x.js"))


def test_minifier_is_given_the_scripts_that_are_not_yet_small(tmp_path: Path) -> None:
    minifier = tmp_path / "esbuild"
    minifier.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/given\n')
    minifier.chmod(minifier.stat().st_mode | stat.S_IXUSR)
    place(release(tmp_path / "r.tgz", {**FILES, "package/dist/x.min.js": ""}), tmp_path / "ohif", minifier)
    given = (tmp_path / "given").read_text().split()
    assert [Path(one).name for one in given if one.endswith(".js")] == ["app.bundle.0f61.js"]


def with_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")


def test_package_is_fetched_once_and_has_to_be_the_one_that_was_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_npm(tmp_path, monkeypatch, 'echo asked >> "$5/asked"; printf content > "$5/ohif-app-1.0.0.tgz"')
    digest = base64.b64encode(hashlib.sha512(b"content").digest()).decode()
    for _ in range(2):
        path = fetch(Package("@ohif/app", "1.0.0", digest), tmp_path / "kept")
        assert path.read_bytes() == b"content"
    assert (tmp_path / "kept" / "asked").read_text() == "asked\n"
    with pytest.raises(PackageMissing, match="not the file that was pinned"):
        fetch(Package("@ohif/app", "1.0.0", "another"), tmp_path / "kept")
    assert not path.exists()


@pytest.mark.parametrize("script", ["echo no such package >&2; exit 1", "exit 0"])
def test_package_that_npm_cannot_get_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    with_npm(tmp_path, monkeypatch, script)
    with pytest.raises(PackageMissing, match="npm cannot get @ohif/app"):
        fetch(Package("@ohif/app", "1.0.0", ""), tmp_path / "kept")


def test_machine_without_npm_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageMissing, match="npm is not installed"):
        fetch(Package("@ohif/app", "1.0.0", ""), tmp_path / "kept")
