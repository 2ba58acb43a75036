"""Every pod of every combination is held to the restricted standard, ours to more; each rule can fail."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.manifests import (
    COMBINATIONS,
    EVERYTHING,
    WORKLOADS,
    Combination,
    build,
    container_of,
    name_of,
    of_kind,
    ours,
    pod_of,
)
from tests.pod_security import RESTRICTED, Pod, complaints

pytestmark = pytest.mark.xdist_group("manifests")

USER = 10001
PLANTED: dict[str, Callable[[Pod, Any], object]] = {
    "host_process": lambda pod, _: pod["securityContext"].update(windowsOptions={"hostProcess": True}),
    "host_namespaces": lambda pod, _: pod.update(hostPID=True),
    "privileged_containers": lambda _, container: container["securityContext"].update(privileged=True),
    "capabilities": lambda _, container: container["securityContext"]["capabilities"].update(add=["SYS_PTRACE"]),
    "volume_types": lambda pod, _: pod["volumes"].append({"name": "node", "hostPath": {"path": "/"}}),
    "host_ports": lambda _, container: container["ports"][0].update(hostPort=80),
    "host_probes": lambda _, container: container["livenessProbe"]["httpGet"].update(host="10.0.0.1"),
    "app_armor": lambda pod, _: pod["securityContext"].update(appArmorProfile={"type": "Unconfined"}),
    "selinux": lambda pod, _: pod["securityContext"].update(seLinuxOptions={"type": "spc_t"}),
    "proc_mount": lambda _, container: container["securityContext"].update(procMount="Unmasked"),
    "seccomp": lambda pod, _: pod["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    "sysctls": lambda pod, _: pod["securityContext"].update(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
    "privilege_escalation": lambda _, container: container["securityContext"].pop("allowPrivilegeEscalation"),
    "running_as_non_root": lambda pod, _: pod["securityContext"].update(runAsUser=0),
}


def ingest() -> Pod:
    """Return a pod spec that is good, to be spoilt."""
    (found,) = [pod_of(each) for each in ours(build(EVERYTHING)) if each["metadata"]["name"] == "ingest"]
    return copy.deepcopy(found)


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_every_pod_keeps_the_restricted_standard(combination: Combination) -> None:
    workloads = of_kind(build(combination), *WORKLOADS)
    assert {name_of(each): complaints(pod_of(each)) for each in workloads if complaints(pod_of(each))} == {}
    assert len(workloads) >= 6


@pytest.mark.parametrize("rule", RESTRICTED, ids=lambda rule: rule.__name__)
def test_each_rule_finds_a_planted_offence(rule: Callable[..., Any]) -> None:
    pod = ingest()
    assert list(rule(pod)) == []
    PLANTED[rule.__name__](pod, pod["containers"][0])
    assert list(rule(pod))


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_every_namespace_enforces_that_standard(combination: Combination) -> None:
    for namespace in of_kind(build(combination), "Namespace"):
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_ours_write_to_scratch_alone_and_can_ask_the_cluster_nothing(combination: Combination) -> None:
    for workload in ours(build(combination)):
        pod, container = pod_of(workload), container_of(workload)
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["runAsGroup"] == USER
        assert pod["automountServiceAccountToken"] is False
        assert pod["serviceAccountName"] == "radstream"
        assert pod["enableServiceLinks"] is False  # else names of Services become settings that nobody set
        scratch = {volume["name"] for volume in pod["volumes"] if volume.get("emptyDir", {}).get("sizeLimit")}
        writable = [mount for mount in container["volumeMounts"] if not mount.get("readOnly")]
        assert {mount["name"] for mount in writable} == scratch == {"scratch"}
    (account,) = of_kind(build(combination), "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert of_kind(build(combination), "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding") == []


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_only_what_is_for_trying_has_keys_in_the_repository(combination: Combination) -> None:
    secrets = {each["metadata"]["name"].rsplit("-", 1)[0] for each in of_kind(build(combination), "Secret")}
    assert secrets == ({"radstream-engines", "seaweedfs"} if combination.base.endswith("local") else set())
