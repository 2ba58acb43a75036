"""What a pod is told is what the code understands, and it is told all that it needs: settings, ports, URLs, command."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import typer

from radstream.sandbox.pool import MEMORY_BYTES
from radstream.settings import Settings, load_settings
from radstream.web import health
from services.command.__main__ import SERVICES, make_app
from services.command.cluster import COPIES
from services.command.edge import OWNERS
from services.render.reconstruction.volumes import WORKER_BYTES
from tests.manifests import (
    COMBINATIONS,
    COMPONENT,
    K8S,
    LOCAL,
    Combination,
    Manifest,
    build,
    container_of,
    env_file,
    environment,
    labels_of,
    namespace_of,
    of_kind,
    ours,
    pod_of,
    ports_of,
    services,
)

pytestmark = pytest.mark.xdist_group("manifests")

SETTINGS = {f"RADSTREAM_{name.upper()}" for name in Settings.model_fields}
IN_THE_CLUSTER = {*COPIES, "gateway"}
each_combination = pytest.mark.parametrize("combination", COMBINATIONS, ids=str)


def settings_of(workload: Manifest, objects: tuple[Manifest, ...], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings that a container starts with; raises if it would refuse to start."""
    with monkeypatch.context() as patch:
        for name, value in environment(workload, objects).items():
            patch.setenv(name, value)
        return load_settings()


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@each_combination
def test_every_setting_that_is_given_exists(combination: Combination) -> None:
    objects = build(combination)
    for workload in ours(objects):
        given = {name for name in environment(workload, objects) if name.startswith("RADSTREAM_")}
        assert given - SETTINGS == set()
        assert len(given) > 10


@each_combination
def test_every_process_would_start_with_what_it_is_given(
    combination: Combination, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = build(combination)
    for workload in ours(objects):
        settings = settings_of(workload, objects, monkeypatch)
        assert settings.host == "0.0.0.0"
        assert settings.health_port
        assert Path("/tmp") in settings.home.parents
        if workload["metadata"]["name"] == "gateway":
            assert not {"RADSTREAM_BLOBS_URL", "RADSTREAM_CATALOG_URL"} & environment(workload, objects).keys()
            continue
        urls = [settings.engine_url(name) for name in ("bus", "blobs", "previews", "catalog")]
        schemes = [url.split("://")[0] for url in urls]
        assert schemes == ["kafka", "s3", "s3", "mongodb"]  # no folder of a pod, which ends with it
        assert urls[1] != urls[2]  # one may be deleted at any time, the other never


@each_combination
def test_the_ports_of_a_pod_are_those_that_its_process_opens(
    combination: Combination, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = build(combination)
    for workload in services(objects):
        settings, name = settings_of(workload, objects, monkeypatch), workload["metadata"]["name"]
        opened = {"health": settings.health_port}
        opened |= {"http": settings.http_port} if name != "index" else {}
        if name == "ingest":
            opened |= {"dimse-tls": settings.dimse_tls_port} if settings.dimse_tls_port else {}
            opened |= {"dimse": settings.dimse_port} if settings.dimse_plain else {}
        assert ports_of(workload) == opened


@each_combination
def test_a_dimse_door_is_open_and_reached_by_the_service_for_it(
    combination: Combination, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = build(combination)
    (ingest,) = [each for each in services(objects) if each["metadata"]["name"] == "ingest"]
    (dimse,) = [each for each in of_kind(objects, "Service") if each["metadata"]["name"] == "dimse"]
    settings = settings_of(ingest, objects, monkeypatch)
    assert [port["port"] for port in dimse["spec"]["ports"]] == list(settings.dimse_ports)
    assert [ports_of(ingest)[port["targetPort"]] for port in dimse["spec"]["ports"]] == list(settings.dimse_ports)
    if "tls" in combination.components:
        (mount,) = [each for each in container_of(ingest)["volumeMounts"] if each["name"] == "tls"]
        assert {str(Path(path).parent) for path in (settings.tls_certificate, settings.tls_key)} == {mount["mountPath"]}


@each_combination
def test_every_service_of_the_cluster_has_its_workload_and_every_workload_its_service(combination: Combination) -> None:
    workloads = services(build(combination))
    assert {each["metadata"]["name"] for each in workloads} == IN_THE_CLUSTER
    for each in workloads:
        assert container_of(each)["args"] == [each["metadata"]["name"]]
        assert labels_of(each)[COMPONENT] == each["metadata"]["name"]
        assert each["metadata"]["name"] in SERVICES


def parsed(arguments: list[str]) -> dict[str, Any]:
    """Return the parameters of a command line; raises if the command does not take it."""
    group = typer.main.get_command(make_app())
    assert isinstance(group, click.Group) or hasattr(group, "commands")
    command = group.commands[arguments[0]]
    return dict(command.make_context(arguments[0], arguments[1:]).params)


@each_combination
def test_the_command_takes_every_line_of_arguments(combination: Combination) -> None:
    for workload in ours(build(combination)):
        assert parsed(container_of(workload)["args"])
    with pytest.raises(Exception, match="No such option"):
        parsed(shlex.split("init --dead-line 3"))


@each_combination
def test_every_probe_asks_the_health_door_for_what_is_there(combination: Combination) -> None:
    paths = {getattr(route, "path", "") for route in health.router({}).routes}
    for workload in services(build(combination)):
        container = container_of(workload)
        probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
        assert {probe["port"] for probe in probes.values()} == {"health"}
        assert {probe["path"] for probe in probes.values()} <= paths
        assert probes["readiness"]["path"] == "/readyz"  # an engine that is away must not restart anybody
        assert probes["startup"]["path"] == probes["liveness"]["path"] == "/healthz"
    for monitor in of_kind(build(combination), "PodMonitor"):
        assert {each["path"] for each in monitor["spec"]["podMetricsEndpoints"]} <= paths


@each_combination
def test_the_gateway_finds_each_owner_of_a_url_and_the_ingress_finds_the_gateway(
    combination: Combination, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = build(combination)
    doors = {
        (each["metadata"]["name"], port["port"])
        for each in of_kind(objects, "Service")
        if namespace_of(each) == "radstream"
        for port in each["spec"]["ports"]
    }
    (gateway,) = [each for each in services(objects) if each["metadata"]["name"] == "gateway"]
    settings = settings_of(gateway, objects, monkeypatch)
    for owner in OWNERS:
        (url,) = getattr(settings, f"{owner}_urls")
        assert urlsplit(url).hostname == owner
        assert (owner, urlsplit(url).port) in doors
    for ingress in of_kind(objects, "Ingress"):
        (rule,) = ingress["spec"]["rules"]
        (path,) = rule["http"]["paths"]
        assert path["path"] == "/"  # the gateway decides; a path alone does not tell whose it is
        assert path["backend"]["service"] == {"name": "gateway", "port": {"name": "http"}}
        assert [each["hosts"] for each in ingress["spec"].get("tls", ())] in ([], [[rule["host"]]])
    assert settings.trust_forwarded is bool(of_kind(objects, "Ingress"))


@each_combination
def test_a_stop_leaves_time_to_drain(combination: Combination, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = build(combination)
    for workload in services(objects):
        pause_s = container_of(workload)["lifecycle"]["preStop"]["sleep"]["seconds"]
        drain_s = settings_of(workload, objects, monkeypatch).drain_s
        assert pod_of(workload)["terminationGracePeriodSeconds"] >= pause_s + drain_s + 10


@each_combination
def test_render_may_use_the_memory_that_its_workers_may(
    combination: Combination, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = build(combination)
    (render,) = [each for each in services(objects) if each["metadata"]["name"] == "render"]
    limit = container_of(render)["resources"]["limits"]["memory"]
    settings = settings_of(render, objects, monkeypatch)
    workers = 2 * settings.render_workers + 1  # for pictures, for transfer syntaxes, for what is urgent
    needed = workers * MEMORY_BYTES + settings.volume_bytes + WORKER_BYTES + (512 << 20)
    assert int(limit.removesuffix("Gi")) << 30 >= needed


@each_combination
def test_index_has_a_name_in_its_groups_that_outlives_it(
    combination: Combination, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = build(combination)
    (index,) = [each for each in services(objects) if each["metadata"]["name"] == "index"]
    assert index["kind"] == "StatefulSet"
    assert settings_of(index, objects, monkeypatch).bus_url.endswith("&instance_id=index-0")


def test_the_engines_of_the_local_overlay_are_where_its_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = build(LOCAL)
    (api,) = [each for each in services(objects) if each["metadata"]["name"] == "api"]
    settings = settings_of(api, objects, monkeypatch)
    engines = {
        f"{each['metadata']['name']}.radstream-engines.svc": each["spec"]["ports"][0]["port"]
        for each in of_kind(objects, "Service")
        if namespace_of(each) == "radstream-engines"
    }
    urls = [urlsplit(settings.engine_url(name)) for name in ("bus", "blobs", "previews", "catalog")]
    found = {str(url.hostname).removeprefix("mongod-0."): url.port for url in urls}
    assert found == engines


@pytest.mark.parametrize("folder", ["overlays/production", "components/external-s3"])
def test_the_example_of_a_secret_names_what_the_secret_must_have(folder: str) -> None:
    example = env_file(K8S / folder / "engines.env.example")
    assert example.keys() == env_file(K8S / "overlays/local/engines.env").keys()
    assert example.keys() == {"RADSTREAM_BLOBS_URL", "RADSTREAM_PREVIEWS_URL", "RADSTREAM_CATALOG_URL"}
