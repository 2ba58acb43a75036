"""The manifests of deploy/k8s as a cluster would get them: every combination built, and questions to ask of them."""

from __future__ import annotations

import base64
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[1]
K8S: Final = ROOT / "deploy" / "k8s"
COMPONENTS: Final = tuple(sorted(path.name for path in (K8S / "components").iterdir()))
BASES: Final = ("base", "overlays/local", "overlays/production")

Manifest = dict[str, Any]

WORKLOADS: Final = ("Deployment", "StatefulSet", "Job")
COMPONENT: Final = "app.kubernetes.io/component"


@dataclass(frozen=True)
class Combination:
    """A base or overlay, with components on top."""

    base: str
    components: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "+".join((self.base.removeprefix("overlays/"), *self.components))


COMBINATIONS: Final = tuple(
    Combination(base, components)
    for base in BASES
    for components in ((), *((name,) for name in COMPONENTS), COMPONENTS)
)
EVERYTHING: Final = Combination("overlays/production", COMPONENTS)
LOCAL: Final = Combination("overlays/local")


def builder() -> list[str]:
    """Return the command that builds a folder; without one the test is skipped, loudly."""
    if found := shutil.which("kubectl"):
        return [found, "kustomize"]
    if found := shutil.which("kustomize") or shutil.which("kustomize", path=str(ROOT / "build" / "tools")):
        return [found, "build"]
    pytest.skip("DID NOT RUN: no kubectl and no kustomize here; scripts/install-kustomize gets one")


@functools.cache
def build(combination: Combination) -> tuple[Manifest, ...]:
    """Return every object of a combination."""
    with tempfile.TemporaryDirectory() as folder:
        target = K8S / combination.base
        if combination.components:
            target = Path(folder)
            wanted = {
                "resources": [os.path.relpath(K8S / combination.base, folder)],
                "components": [os.path.relpath(K8S / "components" / name, folder) for name in combination.components],
            }
            (target / "kustomization.yaml").write_text(yaml.safe_dump(wanted))
        built = subprocess.run([*builder(), str(target)], capture_output=True, text=True, timeout=60, check=False)
    assert built.returncode == 0, built.stderr
    return tuple(yaml.load_all(built.stdout, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def of_kind(objects: tuple[Manifest, ...], *kinds: str) -> list[Manifest]:
    """Return the objects of some kinds."""
    return [each for each in objects if each["kind"] in kinds]


def name_of(manifest: Manifest) -> str:
    """Return kind and name, to tell what is wrong with which."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def namespace_of(manifest: Manifest) -> str:
    """Return where an object lives; Radstream's namespace if it does not say."""
    return str(manifest["metadata"].get("namespace", "radstream"))


def labels_of(workload: Manifest) -> Mapping[str, str]:
    """Return the labels of a workload's pods."""
    labels: Mapping[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def pod_of(workload: Manifest) -> Manifest:
    """Return the pod spec of a workload."""
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def container_of(workload: Manifest) -> Manifest:
    """Return the one container of a workload."""
    (container,) = pod_of(workload)["containers"]
    return dict(container)


def ports_of(workload: Manifest) -> dict[str, int]:
    """Return the ports of a workload's container by their names."""
    return {port["name"]: port["containerPort"] for port in container_of(workload).get("ports", ())}


def ours(objects: tuple[Manifest, ...]) -> list[Manifest]:
    """Return the workloads that run Radstream's image."""
    return [each for each in of_kind(objects, *WORKLOADS) if namespace_of(each) == "radstream"]


def services(objects: tuple[Manifest, ...]) -> list[Manifest]:
    """Return those of ours that serve."""
    return [each for each in ours(objects) if each["kind"] != "Job"]


def is_selected(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector takes labels; the empty one takes all."""
    selector = selector or {}
    matches = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return matches and all(_holds(each, labels) for each in selector.get("matchExpressions", ()))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    is_in = labels.get(expression["key"]) in expression["values"]
    return is_in if expression["operator"] == "In" else not is_in


def sources(objects: tuple[Manifest, ...]) -> dict[tuple[str, str, str], Mapping[str, str]]:
    """Return the data of every ConfigMap and Secret by kind, namespace and name.

    The Secret that an operator of a hospital makes is that of the example beside its overlay or component.
    """
    is_outside = any("ipBlock" in str(each["spec"].get("egress")) for each in of_kind(objects, "NetworkPolicy"))
    example = K8S / ("components/external-s3" if is_outside else "overlays/production") / "engines.env.example"
    found: dict[tuple[str, str, str], Mapping[str, str]] = {
        ("Secret", "radstream", "radstream-engines"): env_file(example)
    }
    for each in of_kind(objects, "ConfigMap", "Secret"):
        found[each["kind"], namespace_of(each), each["metadata"]["name"]] = _readable(each)
    return found


def _readable(manifest: Manifest) -> dict[str, str]:
    data: dict[str, str] = manifest.get("data", {})
    if manifest["kind"] == "ConfigMap":
        return data
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def env_file(path: Path) -> dict[str, str]:
    """Return what a file of NAME=value lines says."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def environment(workload: Manifest, objects: tuple[Manifest, ...]) -> dict[str, str]:
    """Return the environment that a kubelet gives to the container of a workload."""
    found: dict[str, str] = {}
    known = sources(objects)
    for source in container_of(workload).get("envFrom", ()):
        (kind, reference), *_ = source.items()
        data = known[_KINDS[kind], namespace_of(workload), reference["name"]]
        found |= data
    defined: dict[str, str] = {}  # what $(NAME) may refer to: not what came by envFrom
    for variable in container_of(workload).get("env", ()):
        defined[variable["name"]] = _value(variable, workload, known, defined)
    return found | defined


_KINDS: Final = {"configMapRef": "ConfigMap", "secretRef": "Secret", "configMapKeyRef": "ConfigMap"}


def _value(variable: Manifest, workload: Manifest, known: Mapping[Any, Any], defined: Mapping[str, str]) -> str:
    if "value" in variable:
        return re.sub(r"\$\((\w+)\)", lambda match: defined[match[1]], variable["value"])
    ((kind, reference),) = variable["valueFrom"].items()
    if kind == "fieldRef":
        return {"metadata.name": f"{workload['metadata']['name']}-0"}[reference["fieldPath"]]
    data: Mapping[str, str] = known[_KINDS[kind], namespace_of(workload), reference["name"]]
    return data[reference["key"]]


def digest(manifest: Manifest) -> str:
    """Return the same text for the same object."""
    return json.dumps(manifest, sort_keys=True)
