"""Base, overlays and components, alone and together, are what Kubernetes and the operators take, to the last field."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from tests.kubernetes_schemas import VERSIONS, faults
from tests.manifests import (
    COMBINATIONS,
    EVERYTHING,
    Combination,
    Manifest,
    build,
    container_of,
    digest,
    name_of,
    namespace_of,
    of_kind,
    ours,
)

pytestmark = pytest.mark.xdist_group("manifests")

QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti|k|M|G|T)?")
LABEL = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
seen: set[tuple[str, str]] = set()  # what many combinations share is looked at once


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_combination_is_valid(combination: Combination, version: str) -> None:
    objects = build(combination)
    new = [each for each in objects if (version, digest(each)) not in seen]
    assert [fault for each in new for fault in faults(each, version)] == []
    seen.update((version, digest(each)) for each in new)
    assert len(objects) > 40


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_every_object_has_a_name_of_its_own_and_a_namespace_that_is_meant(combination: Combination) -> None:
    objects = build(combination)
    identities = [(name_of(each), namespace_of(each)) for each in objects]
    assert sorted(set(identities)) == sorted(identities)
    assert [name for name, _ in identities if not LABEL.fullmatch(name.split("/")[1])] == []
    outside = {namespace for _, namespace in identities} - {"radstream", "radstream-engines"}
    assert outside <= ({"kafka"} if "strimzi-topics" in combination.components else set())
    assert all(each["metadata"].get("namespace") for each in objects if each["kind"] != "Namespace")


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_every_amount_is_one(combination: Combination) -> None:
    for workload in of_kind(build(combination), "Deployment", "StatefulSet", "Job"):
        resources = container_of(workload)["resources"]
        amounts = [*resources["requests"].values(), *resources["limits"].values()]
        assert [amount for amount in amounts if not QUANTITY.fullmatch(str(amount))] == []
        assert {"cpu", "memory"} == set(resources["requests"])
        assert set(resources["limits"]) == {"memory"}  # a processor that is idle is nobody's


def planted(path: str, value: Any) -> Manifest:
    """Return ingest's Deployment with a fault."""
    (found,) = [each for each in ours(build(EVERYTHING)) if each["metadata"]["name"] == "ingest"]
    broken = copy.deepcopy(found)
    where: Any = broken
    *parents, last = path.split(".")
    for part in parents:
        where = where[int(part)] if part.isdigit() else where[part]
    where[last] = value
    return broken


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.template.spec.containers.0.livenesProbe", {}),
        ("spec.template.spec.containers.0.readinessProbe.httpGet.url", "/readyz"),
        ("spec.template.spec.containers.0.ports", "8042"),
        ("spec.replicas", "two"),
        ("spec.template.spec.securityContext.runAsUser", "root"),
        ("spec.selector", "ingest"),
        ("metadata.label", {}),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_planted_fault_is_found(path: str, value: Any, version: str) -> None:
    assert faults(planted(path, value), version)


@pytest.mark.parametrize("kind", ["ScaledObject", "PodMonitor", "PrometheusRule", "KafkaTopic"])
def test_a_planted_fault_in_what_an_operator_takes_is_found(kind: str) -> None:
    sound = of_kind(build(EVERYTHING), kind)[0]
    assert faults(sound, VERSIONS[0]) == []
    assert faults({**sound, "spec": {**sound["spec"], "unknown": 1}}, VERSIONS[0])
    assert faults({**sound, "spec": {}}, VERSIONS[0])
    assert faults({**sound, "metadata": {"name": ""}}, VERSIONS[0])
