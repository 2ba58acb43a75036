"""The restricted pod security standard as a checker of pod specs, and what Radstream demands of its own pods beside it.

Each rule is a function from a pod spec to complaints, named as the standard names its control (1.30, Linux).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

Pod = dict[str, Any]
Rule = Callable[[Pod], Iterator[str]]

VOLUMES: Final = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
SECCOMP: Final = ("RuntimeDefault", "Localhost")
SELINUX_TYPES: Final = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
SYSCTLS: Final = frozenset(
    {"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"}
    | {"net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"}
    | {f"net.ipv4.tcp_{name}" for name in ("keepalive_time", "fin_timeout", "keepalive_intvl", "keepalive_probes")}
)


def complaints(pod: Pod) -> list[str]:
    """Return what the restricted standard forbids in a pod spec."""
    return [f"{rule.__name__}: {text}" for rule in RESTRICTED for text in rule(pod)]


def containers(pod: Pod) -> Iterator[tuple[Pod, Pod]]:
    """Yield every container of any sort, with its security context."""
    for sort in ("initContainers", "containers", "ephemeralContainers"):
        for container in pod.get(sort, ()):
            yield container, container.get("securityContext", {})


def contexts(pod: Pod) -> Iterator[Pod]:
    """Yield the security context of the pod and of each container."""
    yield pod.get("securityContext", {})
    yield from (context for _, context in containers(pod))


def host_process(pod: Pod) -> Iterator[str]:
    """HostProcess: no Windows containers with the privileges of the node."""
    yield from ("hostProcess" for each in contexts(pod) if each.get("windowsOptions", {}).get("hostProcess"))


def host_namespaces(pod: Pod) -> Iterator[str]:
    """Host Namespaces: neither network, processes nor IPC of the node."""
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name))


def privileged_containers(pod: Pod) -> Iterator[str]:
    """Privileged Containers."""
    yield from (each["name"] for each, context in containers(pod) if context.get("privileged"))


def capabilities(pod: Pod) -> Iterator[str]:
    """Capabilities: all dropped, none added but for low ports."""
    for each, context in containers(pod):
        given = context.get("capabilities", {})
        if "ALL" not in given.get("drop", ()) or set(given.get("add", ())) - {"NET_BIND_SERVICE"}:
            yield each["name"]


def volume_types(pod: Pod) -> Iterator[str]:
    """HostPath Volumes and Volume Types: nothing of the node."""
    for volume in pod.get("volumes", ()):
        yield from (f"{volume['name']}: {sort}" for sort in volume.keys() - {"name"} - VOLUMES)


def host_ports(pod: Pod) -> Iterator[str]:
    """Host Ports: none."""
    for each, _ in containers(pod):
        yield from (each["name"] for port in each.get("ports", ()) if port.get("hostPort"))


def host_probes(pod: Pod) -> Iterator[str]:
    """Host Probes and Lifecycle Hooks: of this pod, not of a host that is named."""
    for each, _ in containers(pod):
        probes = [each.get(f"{sort}Probe", {}) for sort in ("liveness", "readiness", "startup")]
        hooks = [each.get("lifecycle", {}).get(name, {}) for name in ("preStop", "postStart")]
        for probe in probes + hooks:
            yield from (each["name"] for how in ("httpGet", "tcpSocket") if probe.get(how, {}).get("host"))


def app_armor(pod: Pod) -> Iterator[str]:
    """AppArmor: not switched off."""
    yield from ("AppArmor" for each in contexts(pod) if each.get("appArmorProfile", {}).get("type") == "Unconfined")


def selinux(pod: Pod) -> Iterator[str]:
    """SELinux: no type, user or role of one's own."""
    for each in contexts(pod):
        options = each.get("seLinuxOptions", {})
        if options.get("type", "") not in SELINUX_TYPES or options.get("user") or options.get("role"):
            yield "seLinuxOptions"


def proc_mount(pod: Pod) -> Iterator[str]:
    """/proc Mount Type: the default."""
    yield from (each["name"] for each, context in containers(pod) if context.get("procMount", "Default") != "Default")


def seccomp(pod: Pod) -> Iterator[str]:
    """Seccomp: said, and not Unconfined."""
    inherited = pod.get("securityContext", {}).get("seccompProfile", {}).get("type")
    for each, context in containers(pod):
        if context.get("seccompProfile", {}).get("type", inherited) not in SECCOMP:
            yield each["name"]


def sysctls(pod: Pod) -> Iterator[str]:
    """Sysctls: only the safe ones."""
    wanted = pod.get("securityContext", {}).get("sysctls", ())
    yield from (each["name"] for each in wanted if each["name"] not in SYSCTLS)


def privilege_escalation(pod: Pod) -> Iterator[str]:
    """Privilege Escalation: said to be impossible."""
    yield from (
        each["name"] for each, context in containers(pod) if context.get("allowPrivilegeEscalation") is not False
    )


def running_as_non_root(pod: Pod) -> Iterator[str]:
    """Running as Non-root, and Running as Non-root user: said for every container, and no user 0."""
    inherited = pod.get("securityContext", {})
    for each, context in containers(pod):
        if not context.get("runAsNonRoot", inherited.get("runAsNonRoot")):
            yield f"{each['name']}: runAsNonRoot"
        if context.get("runAsUser", inherited.get("runAsUser")) == 0:
            yield f"{each['name']}: runAsUser"


RESTRICTED: Final[tuple[Rule, ...]] = (
    host_process,
    host_namespaces,
    privileged_containers,
    capabilities,
    volume_types,
    host_ports,
    host_probes,
    app_armor,
    selinux,
    proc_mount,
    seccomp,
    sysctls,
    privilege_escalation,
    running_as_non_root,
)
