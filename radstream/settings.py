"""The environment, read once and frozen. Every setting is `RADSTREAM_` and its name in capitals."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from radstream.contract.blob_keys import is_site
from radstream.contract.errors import UnsafeConfiguration


def _ae_title(text: str) -> str:
    """Return `text` as AE title: 1 to 16 printable ASCII characters without backslash (PS3.5 6.2, VR AE)."""
    title = text.strip(" ")
    if not 1 <= len(title) <= 16 or not title.isascii() or not title.isprintable() or "\\" in title:
        raise ValueError("an AE title has 1 to 16 printable ASCII characters and no backslash")
    return title


def _site(text: str) -> str:
    if not is_site(text):
        raise ValueError("a site has 1 to 32 lower-case letters, digits and hyphens")
    return text


def _words(value: object) -> object:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]


class Settings(BaseSettings):
    """Everything an operator may set; see `docs/operations.md` for the table."""

    model_config = SettingsConfigDict(env_prefix="RADSTREAM_", frozen=True, extra="ignore")

    home: Path = Field(default_factory=lambda: Path.home() / ".radstream", description="folder of the embedded engines")
    site: Annotated[str, AfterValidator(_site)] = Field("main", description="name of this hospital or clinic")

    bus_url: str = Field("", description="where the log is; empty: the folder `bus` in home")
    blobs_url: str = Field("", description="where the blobs are; empty: the folder `blobs` in home")
    previews_url: str = Field("", description="where previews are cached; empty: the folder `previews` in home")
    catalog_url: str = Field("", description="where the catalog is; empty: the folder `catalog` in home")

    host: str = Field("127.0.0.1", description="address that all doors bind to")
    http_port: int = Field(8042, ge=0, le=65535, description="port of the web door")
    health_port: int = Field(0, ge=0, le=65535, description="port of /healthz, /readyz, /metrics; 0: the web door")
    share_dimse_port: bool = Field(False, description="let several processes listen on the DIMSE port")
    dimse_port: int = Field(11112, ge=0, le=65535, description="port of the DIMSE door")
    allow_open: bool = Field(False, description="bind beyond loopback although nobody has to say who they are")
    trust_forwarded: bool = Field(False, description="believe X-Forwarded-*: only if a gateway of ours is in front")

    ingest_urls: Words = Field((), description="where the gateway finds ingest's web door")
    render_urls: Words = Field((), description="where the gateway finds render's web door")
    api_urls: Words = Field((), description="where the gateway finds api's web door")

    ae_title: Annotated[str, AfterValidator(_ae_title)] = Field("RADSTREAM", description="our AE title")
    called_ae_titles: Words = Field((), description="other AE titles we answer to; `*` is any")
    calling_ae_titles: Words = Field((), description="AE titles that may call; empty: any on loopback, none elsewhere")
    private_sop_classes: Words = Field((), description="UIDs of private storage SOP classes to accept")
    urgent_calling_ae_titles: Words = Field((), description="AE titles whose instances go first")

    publish_deadline_s: float = Field(2.0, gt=0, description="how long ingest waits for the log before it marks")
    min_free_bytes: int = Field(1 << 30, ge=0, description="room of the disk that a folder of blobs leaves")
    drain_s: float = Field(5.0, gt=0, description="how long what has begun may take to end at a stop")
    study_quiet_s: float = Field(60.0, gt=0, description="quiet time after which a study is complete")
    render_workers: int = Field(1, ge=1, description="decoding worker processes of each service that renders")
    max_frame_pixels: int = Field(1 << 28, ge=1, description="largest Rows x Columns x Samples that is decoded")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    def engine_url(self, name: str) -> str:
        """Return the URL of `name` ("bus", "blobs", "previews" or "catalog"), a folder in home by default."""
        return str(getattr(self, f"{name}_url")) or str(self.home / name)


def load_settings(**overrides: object) -> Settings:
    """Return the settings of this process: `overrides`, then the environment, then the defaults.

    Raises
    ------
    UnsafeConfiguration
        If a value means nothing, or the combination would let strangers in; the text says what to set.
    """
    given: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValueError as error:
        raise UnsafeConfiguration(str(error)) from error
    refuse_if_open(settings)
    return settings


def to_environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables from which `load_settings` makes the same settings."""
    return {
        f"RADSTREAM_{name.upper()}": ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in settings.model_dump().items()
    }


def is_loopback(host: str) -> bool:
    """Tell whether `host` is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_if_open(settings: Settings) -> None:
    """Raise `UnsafeConfiguration` if the doors would be open to a network without asking who comes."""
    if not is_loopback(settings.host) and not settings.allow_open:
        raise UnsafeConfiguration(
            f"RADSTREAM_HOST is {settings.host}, which other machines can reach, and nobody would have to say who they "
            "are. Bind to 127.0.0.1, or start with --allow-open (RADSTREAM_ALLOW_OPEN=true) if the network is closed."
        )
