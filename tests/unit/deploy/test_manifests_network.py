"""The network policies are the data path: closed, and an opening for each arrow that the code has."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from radstream.contract.topics import TOPICS
from services.command.edge import OWNERS
from tests.manifests import (
    COMBINATIONS,
    COMPONENT,
    ROOT,
    Combination,
    Manifest,
    build,
    environment,
    is_selected,
    labels_of,
    namespace_of,
    of_kind,
    ours,
    ports_of,
    services,
)

pytestmark = pytest.mark.xdist_group("manifests")

Arrow = tuple[str, str]
each_combination = pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
ENGINE_OF = {"bus": "log", "blobs": "blob-store", "previews": "blob-store", "catalog": "catalog"}
SETTING_OF = {"log": "BUS_URL", "blob-store": "BLOBS_URL", "catalog": "CATALOG_URL"}
ENGINES = {"namespaceSelector": {"matchLabels": {"radstream.dev/engines": "allowed"}}}


def policies(combination: Combination) -> list[Manifest]:
    """Return the policies of Radstream's own namespace."""
    return [each for each in of_kind(build(combination), "NetworkPolicy") if namespace_of(each) == "radstream"]


def engines_used_by(service: str) -> set[str]:
    """Return the engines that a service's code touches: attributes of `Backends`, wherever it uses them."""
    names: set[str] = set()
    for path in (ROOT / "services" / service).rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text()))
        names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return {engine for name, engine in ENGINE_OF.items() if name in names}


@functools.cache
def arrows_of_the_code() -> set[Arrow]:
    """Return who speaks with whom: producers and consumers of topics, users of engines, owners of URLs."""
    log = {(name, "log") for topic in TOPICS for name in (*topic.producers, *topic.consumers)}
    engines = {(name, engine) for name in (*OWNERS, "index") for engine in engines_used_by(name)}
    urls = {("gateway", owner) for owner in OWNERS}
    init = {("init", engine) for engine in ENGINE_OF.values()}
    return log | engines | urls | init | {("modalities", "ingest"), ("web", "gateway")}


def rules(policy: Manifest, direction: str) -> Iterator[Mapping[str, Any]]:
    yield from policy["spec"].get(direction, ())


def component_of(policy: Manifest) -> str:
    return str(policy["spec"]["podSelector"].get("matchLabels", {}).get(COMPONENT, "all"))


def arrows_out(combination: Combination) -> set[Arrow]:
    """Return the arrows that leave a pod, by what policies let out."""
    objects = build(combination)
    found: set[Arrow] = set()
    for policy in policies(combination):
        sender = component_of(policy)
        for rule in rules(policy, "egress"):
            for peer in rule["to"]:
                found |= {(sender, target) for target in targets(peer, rule["ports"], sender, objects)}
    return found


def targets(
    peer: Mapping[str, Any], ports: list[dict[str, Any]], sender: str, objects: tuple[Manifest, ...]
) -> set[str]:
    if "podSelector" in peer and "namespaceSelector" not in peer:
        return {
            labels_of(each)[COMPONENT]
            for each in services(objects)
            if is_selected(peer["podSelector"], labels_of(each))
        }
    if peer == ENGINES or "ipBlock" in peer:
        return {
            engine
            for engine in set(ENGINE_OF.values())
            if {port_of(engine, sender, objects)} == {p["port"] for p in ports}
        }
    return {"dns"}


def port_of(engine: str, sender: str, objects: tuple[Manifest, ...]) -> int:
    """Return the port of an engine as its user is told it."""
    (user,) = [each for each in ours(objects) if labels_of(each)[COMPONENT] == sender]
    url = urlsplit(environment(user, objects)[f"RADSTREAM_{SETTING_OF[engine]}"].split(",")[0])
    return url.port or 443


@each_combination
def test_nothing_goes_in_or_out_but_by_an_arrow(combination: Combination) -> None:
    closed = [each for each in policies(combination) if each["metadata"]["name"] == "deny-all"]
    assert [each["spec"] for each in closed] == [{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}]
    for policy in policies(combination):
        for direction, kind in (("ingress", "Ingress"), ("egress", "Egress")):
            assert not policy["spec"].get(direction) or kind in policy["spec"]["policyTypes"]
            for rule in rules(policy, direction):
                assert rule.get("from") or rule.get("to")  # neither means anybody
                assert rule.get("ports")  # none means all


@each_combination
def test_each_arrow_that_leaves_a_service_is_one_of_the_code_and_the_reverse(combination: Combination) -> None:
    wanted = {arrow for arrow in arrows_of_the_code() if arrow[0] not in ("modalities", "web")}
    if combination.base.endswith("local") and "external-s3" in combination.components:
        # Its Secret names the engine beside it until somebody writes another.
        wanted = {arrow for arrow in wanted if arrow[1] != "blob-store"}
    assert arrows_out(combination) == wanted | {("all", "dns")}


@each_combination
def test_each_arrow_that_enters_a_service_is_one_of_the_code_and_the_reverse(combination: Combination) -> None:
    found: set[Arrow] = set()
    for policy in policies(combination):
        for rule in rules(policy, "ingress"):
            found |= {(sender_of(peer), component_of(policy)) for peer in rule["from"]}
    inside = {("modalities", "ingest"), ("web", "gateway")} | {("gateway", owner) for owner in OWNERS}
    monitoring = {("monitoring", "all")} if "prometheus-rules" in combination.components else set()
    assert found == inside | monitoring


def sender_of(peer: Mapping[str, Any]) -> str:
    if "ipBlock" in peer:
        return "modalities"
    if "namespaceSelector" in peer:
        namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        return {"ingress-nginx": "web", "monitoring": "monitoring"}[namespace]
    return str(peer["podSelector"]["matchLabels"][COMPONENT])


@each_combination
def test_each_port_that_is_opened_is_one_of_the_pods_that_it_is_opened_for(combination: Combination) -> None:
    objects = build(combination)
    for policy in policies(combination):
        selected = [each for each in ours(objects) if is_selected(policy["spec"]["podSelector"], labels_of(each))]
        assert selected
        for rule in rules(policy, "ingress"):
            for each in selected:
                wanted = {port["port"] for port in rule["ports"]}
                assert wanted <= ports_of(each).keys() or (each["kind"] == "Job" and component_of(policy) == "all")
        for rule in rules(policy, "egress"):
            for peer in rule["to"]:
                if set(peer) == {"podSelector"}:
                    reached = [each for each in services(objects) if is_selected(peer["podSelector"], labels_of(each))]
                    assert reached
                    assert all({port["port"] for port in rule["ports"]} <= ports_of(each).keys() for each in reached)


@each_combination
def test_every_policy_is_named_after_its_arrow(combination: Combination) -> None:
    for policy in policies(combination):
        name = policy["metadata"]["name"]
        if "-to-" in name or "-from-" in name:
            assert name.startswith(f"{component_of(policy)}-")


@each_combination
def test_the_engines_of_the_local_overlay_let_in_radstream_alone(combination: Combination) -> None:
    objects = build(combination)
    theirs = [each for each in of_kind(objects, "NetworkPolicy") if namespace_of(each) == "radstream-engines"]
    assert bool(theirs) == combination.base.endswith("local")
    senders = {
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for policy in theirs
        for rule in rules(policy, "ingress")
        for peer in rule["from"]
        if "namespaceSelector" in peer
    }
    assert senders == ({"radstream", "keda"} if theirs else set())
