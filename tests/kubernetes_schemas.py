"""Strict validation of manifests, offline: Kubernetes by the schemas that a package ships, operators by hand.

The operators publish their schemas for a cluster to install. What is here is the part that the manifests use, written
after their references (KEDA 2.16 `ScaledObject`, Prometheus operator 0.80 `PodMonitor` and `PrometheusRule`, Strimzi
0.49 `KafkaTopic`), and closed: a field that is not named is a fault.
"""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any, Final

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tests.manifests import Manifest, name_of

VERSIONS: Final = ("1.30.0", "1.37.0")
"""The oldest Kubernetes that has everything the manifests use (`preStop.sleep`), and the newest that is known here."""

TEXT: Final = {"type": "string", "minLength": 1}
COUNT: Final = {"type": "integer", "minimum": 0}
TEXTS: Final = {"type": "object", "additionalProperties": TEXT}


def closed(required: str = "", **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def a_list_of(items: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a list that is not empty."""
    return {"type": "array", "items": items, "minItems": 1}


METADATA: Final = closed("name", name=TEXT, namespace=TEXT, labels=TEXTS, annotations=TEXTS)
SELECTOR: Final = closed(
    matchLabels=TEXTS,
    matchExpressions=a_list_of(
        closed(
            "key operator",
            key=TEXT,
            operator={"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
            values=a_list_of(TEXT),
        )
    ),
)
DURATION: Final = {"type": "string", "pattern": "^[1-9][0-9]*(ms|s|m|h)$"}
SCALING_POLICY: Final = closed(
    "type value periodSeconds", type={"enum": ["Pods", "Percent"]}, value=COUNT, periodSeconds=COUNT
)
TRIGGERS: Final = {
    "kafka": closed(
        "bootstrapServers consumerGroup topic lagThreshold",
        bootstrapServers={"type": "string", "pattern": "^[A-Za-z0-9.-]+:[0-9]+(,[A-Za-z0-9.-]+:[0-9]+)*$"},
        consumerGroup=TEXT,
        topic=TEXT,
        lagThreshold={"type": "string", "pattern": "^[1-9][0-9]*$"},
    ),
    "cpu": closed("value", value={"type": "string", "pattern": "^[1-9][0-9]*$"}),
}
CUSTOM: Final = {
    ("keda.sh/v1alpha1", "ScaledObject"): closed(
        "scaleTargetRef triggers",
        scaleTargetRef=closed("name", apiVersion=TEXT, kind=TEXT, name=TEXT),
        minReplicaCount=COUNT,
        maxReplicaCount=COUNT,
        pollingInterval=COUNT,
        cooldownPeriod=COUNT,
        advanced=closed(
            horizontalPodAutoscalerConfig=closed(
                behavior=closed(
                    scaleDown=closed(stabilizationWindowSeconds=COUNT, policies=a_list_of(SCALING_POLICY)),
                )
            )
        ),
        triggers=a_list_of(
            {
                "oneOf": [
                    closed(
                        "type metadata",
                        type={"const": name},
                        metadata=metadata,
                        metricType={"enum": ["AverageValue", "Value", "Utilization"]},
                    )
                    for name, metadata in TRIGGERS.items()
                ]
            }
        ),
    ),
    ("monitoring.coreos.com/v1", "PodMonitor"): closed(
        "selector podMetricsEndpoints",
        selector=SELECTOR,
        podTargetLabels=a_list_of(TEXT),
        podMetricsEndpoints=a_list_of(closed("port", port=TEXT, path=TEXT, interval=DURATION)),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): closed(
        "groups",
        groups=a_list_of(
            closed(
                "name rules",
                name=TEXT,
                rules=a_list_of(
                    closed("alert expr", alert=TEXT, expr=TEXT, labels=TEXTS, annotations=TEXTS) | {"minProperties": 4}
                ),
            )
        ),
    ),
    ("kafka.strimzi.io/v1", "KafkaTopic"): closed(
        "partitions replicas",
        partitions={"type": "integer", "minimum": 1},
        replicas={"type": "integer", "minimum": 1, "maximum": 32767},
        config={"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean"]}},
    ),
}
_rule = CUSTOM["monitoring.coreos.com/v1", "PrometheusRule"]["properties"]["groups"]["items"]["properties"]["rules"]
_rule["items"]["properties"]["for"] = DURATION


def faults(manifest: Manifest, version: str) -> list[str]:
    """Return what is wrong with an object for a version of Kubernetes, nothing for a good one."""
    found = _validator(version, manifest["apiVersion"], manifest["kind"]).iter_errors(manifest)
    return [f"{name_of(manifest)} {'.'.join(map(str, error.path))}: {error.message[:300]}" for error in found]


@functools.cache
def _validator(version: str, api_version: str, kind: str) -> Any:
    if spec := CUSTOM.get((api_version, kind)):
        whole = closed("apiVersion kind metadata spec", apiVersion=TEXT, kind=TEXT, metadata=METADATA, spec=spec)
        return Draft202012Validator(whole)
    group, _, number = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.split(".")[0], number) if part)
    return Draft202012Validator(_schema(version, name), registry=_definitions(version))


@functools.cache
def _definitions(version: str) -> Registry[Any]:
    registry: Registry[Any] = Resource.from_contents(_schema(version, "_definitions")) @ Registry()
    return registry


def _schema(version: str, name: str) -> Any:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}-local-strict"
    return json.loads((folder / f"{name}.json").read_text())
