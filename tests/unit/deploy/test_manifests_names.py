"""Names in manifests that nobody would miss until it is too late: topics, groups, metrics, labels, selectors, keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import Counter, Gauge, Histogram

from radstream import telemetry
from radstream.bus.kafka.admin import _new_topic
from radstream.contract.topics import TOPICS, all_topics
from tests.manifests import (
    BASES,
    COMBINATIONS,
    COMPONENTS,
    EVERYTHING,
    ROOT,
    WORKLOADS,
    Combination,
    Manifest,
    build,
    container_of,
    is_selected,
    labels_of,
    name_of,
    namespace_of,
    of_kind,
    pod_of,
    ports_of,
    services,
    sources,
)

pytestmark = pytest.mark.xdist_group("manifests")

each_combination = pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
NEVER_GENERATED = {"radstream-engines", "radstream-dimse-tls", "radstream-web-tls"}


def workloads_at(objects: tuple[Manifest, ...], namespace: str) -> list[Manifest]:
    return [each for each in of_kind(objects, *WORKLOADS) if namespace_of(each) == namespace]


@each_combination
def test_whatever_selects_pods_finds_some_of_one_workload(combination: Combination) -> None:
    objects = build(combination)
    for each in of_kind(objects, "Service", "PodDisruptionBudget", *WORKLOADS[:2]):
        selector = each["spec"]["selector"]
        selector = {"matchLabels": selector} if each["kind"] == "Service" else selector
        beside = workloads_at(objects, namespace_of(each))
        assert len([found for found in beside if is_selected(selector, labels_of(found))]) == 1, name_of(each)
    for each in of_kind(objects, "PodMonitor"):
        found = [
            found
            for found in workloads_at(objects, "radstream")
            if is_selected(each["spec"]["selector"], labels_of(found))
        ]
        assert found == services(objects)
        endpoints = [endpoint["port"] for endpoint in each["spec"]["podMetricsEndpoints"]]
        assert all(set(endpoints) <= ports_of(workload).keys() for workload in found)


@each_combination
def test_every_port_of_a_service_is_one_of_its_pods(combination: Combination) -> None:
    objects = build(combination)
    for service in of_kind(objects, "Service"):
        (workload,) = [
            each
            for each in workloads_at(objects, namespace_of(service))
            if is_selected({"matchLabels": service["spec"]["selector"]}, labels_of(each))
        ]
        for port in service["spec"]["ports"]:
            assert ports_of(workload)[port["targetPort"]] == port["port"]


@each_combination
def test_every_service_of_ours_is_scaled_by_one_and_protected(combination: Combination) -> None:
    objects = build(combination)
    scalers = of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject")
    scaled = [(each["spec"]["scaleTargetRef"]["kind"], each["spec"]["scaleTargetRef"]["name"]) for each in scalers]
    names = [(each["kind"], each["metadata"]["name"]) for each in services(objects)]
    assert sorted(scaled) == sorted(names)
    budgets = [each["metadata"]["name"] for each in of_kind(objects, "PodDisruptionBudget")]
    assert sorted(budgets) == sorted(name for _, name in names)
    assert all("replicas" not in each["spec"] for each in services(objects))  # it would undo what was scaled
    by_lag = {each["metadata"]["name"] for each in scalers if each["kind"] == "ScaledObject"}
    assert by_lag == ({"index", "render"} if "keda" in combination.components else set())


@each_combination
def test_no_consumer_has_more_copies_than_its_topics_have_partitions(combination: Combination) -> None:
    partitions = {group: topic.partitions for topic in TOPICS for group in topic.consumers}
    for each in of_kind(build(combination), "HorizontalPodAutoscaler", "ScaledObject"):
        most = each["spec"].get("maxReplicas") or each["spec"].get("maxReplicaCount")
        assert most <= partitions.get(each["metadata"]["name"], most)


def test_lag_is_watched_of_every_topic_and_group_where_the_services_find_the_log() -> None:
    objects = build(EVERYTHING)
    triggers = [trigger for each in of_kind(objects, "ScaledObject") for trigger in each["spec"]["triggers"]]
    watched = {
        (each["metadata"]["topic"], each["metadata"]["consumerGroup"]) for each in triggers if each["type"] == "kafka"
    }
    assert watched == {(topic.name, group) for topic in TOPICS for group in topic.consumers}
    (settings,) = [each for each in of_kind(objects, "ConfigMap") if "RADSTREAM_BUS_URL" in each["data"]]
    brokers = {each["metadata"]["bootstrapServers"] for each in triggers if each["type"] == "kafka"}
    assert [settings["data"]["RADSTREAM_BUS_URL"].startswith(f"kafka://{each}/?") for each in brokers] == [True]


def test_the_page_about_the_cluster_names_every_component_and_overlay_and_counts_the_alerts() -> None:
    text = (ROOT / "docs" / "cluster.md").read_text()
    assert [name for name in COMPONENTS if f"`components/{name}`" not in text] == []
    assert [base for base in BASES if f"`{base}`" not in text] == []
    assert set(re.findall(r"`components/([\w-]+)`", text)) == set(COMPONENTS)
    assert "eleven alerts" in text
    assert len(list(rules())) == 11


def test_strimzi_makes_every_topic_as_we_would() -> None:
    made = {
        each["metadata"]["name"]: (each["spec"]["partitions"], each["spec"]["replicas"], texts(each["spec"]["config"]))
        for each in of_kind(build(EVERYTHING), "KafkaTopic")
    }
    wanted = [_new_topic(topic, 3) for topic in all_topics()]
    assert made == {
        each.name: (each.num_partitions, each.replication_factor, texts(each.topic_configs)) for each in wanted
    }


def texts(config: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in config.items()}


def series() -> dict[str, set[str]]:
    """Return every series that a process gives to Prometheus, with its labels."""
    found: dict[str, set[str]] = {}
    for metric in vars(telemetry).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            labels, name = set(metric._labelnames), metric._name
            suffixes = {Counter: ["_total"], Gauge: [""], Histogram: ["_bucket", "_count", "_sum"]}[type(metric)]
            found |= {name + suffix: labels | ({"le"} if suffix == "_bucket" else set()) for suffix in suffixes}
    return found


def rules() -> Iterator[Manifest]:
    for each in of_kind(build(EVERYTHING), "PrometheusRule"):
        for group in each["spec"]["groups"]:
            yield from group["rules"]


@pytest.mark.parametrize("rule", [pytest.param(i, id=str(i)) for i in range(11)])
def test_each_alert_is_about_series_and_labels_that_exist(rule: int) -> None:
    found = list(rules())[rule]
    known = series()
    names = re.findall(r"\bradstream_\w+", found["expr"])
    assert names
    assert set(names) <= known.keys()
    grouped = {label.strip() for labels in re.findall(r"by \(([^)]*)\)", found["expr"]) for label in labels.split(",")}
    matched = set(re.findall(r"[{,](\w+)(?:=~|!=|!~|=)", found["expr"]))
    assert grouped | matched <= set().union(*(known[name] for name in names))
    told = set(re.findall(r"\$labels\.(\w+)", str(found["annotations"])))
    assert told <= grouped  # others are gone after the sum
    assert found["expr"].count("(") == found["expr"].count(")")
    assert found["labels"]["severity"] in ("critical", "warning")


@each_combination
def test_every_config_map_and_secret_that_is_used_is_there_and_every_one_that_is_there_is_used(
    combination: Combination,
) -> None:
    objects = build(combination)
    used: set[tuple[str, str, str]] = set()
    for workload in of_kind(objects, *WORKLOADS):
        used |= {(kind, namespace_of(workload), name) for kind, name in references(workload)}
    made = {
        (each["kind"], namespace_of(each), each["metadata"]["name"]) for each in of_kind(objects, "ConfigMap", "Secret")
    }
    assert made <= used
    assert {name for _, _, name in used - made} <= NEVER_GENERATED
    known = sources(objects)
    for workload in of_kind(objects, *WORKLOADS):
        for variable in container_of(workload).get("env", ()):
            if reference := variable.get("valueFrom", {}).get("configMapKeyRef"):
                assert reference["key"] in known["ConfigMap", namespace_of(workload), reference["name"]]


def references(workload: Manifest) -> Iterator[tuple[str, str]]:
    """Yield the kind and name of each ConfigMap and Secret that a pod uses."""
    for source in container_of(workload).get("envFrom", ()):
        for key, reference in source.items():
            yield {"configMapRef": "ConfigMap", "secretRef": "Secret"}[key], reference["name"]
    for variable in container_of(workload).get("env", ()):
        if reference := variable.get("valueFrom", {}).get("configMapKeyRef"):
            yield "ConfigMap", reference["name"]
    for volume in pod_of(workload).get("volumes", ()):
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]


@each_combination
def test_every_volume_that_is_mounted_is_there_and_the_reverse(combination: Combination) -> None:
    for workload in of_kind(build(combination), *WORKLOADS):
        mounted = {mount["name"] for mount in container_of(workload)["volumeMounts"]}
        claimed = {each["metadata"]["name"] for each in workload["spec"].get("volumeClaimTemplates", ())}
        assert mounted == {volume["name"] for volume in pod_of(workload).get("volumes", ())} | claimed
