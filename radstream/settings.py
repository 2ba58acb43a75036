"""The environment, read once and frozen. Every setting is `RADSTREAM_` and its name in capitals."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from radstream.contract.blob_keys import is_site
from radstream.contract.errors import UnsafeConfiguration

if TYPE_CHECKING:
    from radstream.dicom.searchable import Searchable


def to_ae_title(text: str) -> str:
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


def _attributes(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        _searchable(name)
    return names


def _searchable(name: str) -> Searchable:
    from radstream.dicom.searchable import searchable  # the data dictionary takes its time, and few need it here

    return searchable(name)


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
    dimse_host: str = Field("", description="address that the DIMSE doors bind to; empty: as all doors")
    dimse_port: int = Field(11112, ge=0, le=65535, description="port of the DIMSE door")
    dimse_plain: bool = Field(True, description="open that port, which is not encrypted")
    dimse_tls_port: int = Field(0, ge=0, le=65535, description="port of the DIMSE door with TLS; 0: none")
    tls_certificate: str = Field("", description="file of our certificate and its chain, PEM")
    tls_key: str = Field("", description="file of its private key, PEM without passphrase")
    tls_client_ca: str = Field("", description="file of who issues the certificates of callers, PEM")
    allow_open: bool = Field(False, description="bind beyond loopback although nobody has to say who they are")
    allow_delete: bool = Field(False, description="let whoever reaches the web door delete studies, series, instances")
    trust_forwarded: bool = Field(False, description="believe X-Forwarded-*: only if a gateway of ours is in front")

    ingest_urls: Words = Field((), description="where the gateway finds ingest's web door")
    render_urls: Words = Field((), description="where the gateway finds render's web door")
    api_urls: Words = Field((), description="where the gateway finds api's web door")

    ae_title: Annotated[str, AfterValidator(to_ae_title)] = Field("RADSTREAM", description="our AE title")
    called_ae_titles: Words = Field((), description="other AE titles we answer to; `*` is any")
    calling_ae_titles: Words = Field((), description="AE titles that may call; empty: any on loopback, none elsewhere")
    ae_table: str = Field("", description="file of the AE titles that are known, TOML")
    private_sop_classes: Words = Field((), description="UIDs of private storage SOP classes to accept")
    searchable_attributes: Annotated[Words, AfterValidator(_attributes)] = Field(
        (), description="keywords or tags that may be searched for beside those of the Standard; rebuild after a change"
    )
    urgent_calling_ae_titles: Words = Field((), description="AE titles whose instances go first")

    publish_deadline_s: float = Field(2.0, gt=0, description="how long ingest waits for the log before it marks")
    max_associations: int = Field(200, ge=1, description="associations at once")
    max_associations_per_host: int = Field(128, ge=1, description="associations at once of one address")
    max_associations_per_ae_title: int = Field(64, ge=1, description="associations at once of one calling AE title")
    max_instance_bytes: int = Field(64 << 30, ge=1, description="largest data set that is stored")
    max_lag: int = Field(0, ge=0, description="instances waiting to be indexed at which stores are refused; 0: never")
    min_free_bytes: int = Field(1 << 30, ge=0, description="room of the disk that a folder of blobs leaves")
    drain_s: float = Field(5.0, gt=0, description="how long what has begun may take to end at a stop")
    study_quiet_s: float = Field(60.0, gt=0, description="quiet time after which a study is complete")
    render_workers: int = Field(1, ge=1, description="worker processes of each service that decodes")
    volume_bytes: int = Field(1 << 30, ge=1, description="memory for volumes of series in the process that keeps them")
    transcoded_bytes: int = Field(8 << 30, ge=0, description="how much of frames made anew is kept in the previews")
    keep_rendered: bool = Field(True, description="make the picture of each instance when it arrives, and keep it")
    max_frame_pixels: int = Field(1 << 28, ge=1, description="largest Rows x Columns x Samples that is decoded")
    ohif_dir: str = Field("", description="folder that `make ohif` placed OHIF in; empty: build/ohif beside the code")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    @property
    def dimse_address(self) -> str:
        """What the DIMSE doors bind to."""
        return self.dimse_host or self.host

    @property
    def dimse_ports(self) -> tuple[int, ...]:
        """The ports of the DIMSE doors that are open, the plain one first."""
        plain = (self.dimse_port,) if self.dimse_plain else ()
        return plain + ((self.dimse_tls_port,) if self.dimse_tls_port else ())

    @property
    def searchable(self) -> tuple[Searchable, ...]:
        """What `searchable_attributes` names."""
        return tuple(_searchable(name) for name in self.searchable_attributes)

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
    refuse_if_contradictory(settings)
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
    """Raise `UnsafeConfiguration` if a door would be open to a network without asking who comes.

    The web door asks nobody yet. The DIMSE doors may be open to others if whoever calls proves to be one of a list.
    """
    if settings.allow_open:
        return
    if not is_loopback(settings.host):
        raise UnsafeConfiguration(
            f"RADSTREAM_HOST is {settings.host}, which other machines can reach, and nobody would have to say who they "
            "are. Bind to 127.0.0.1 (RADSTREAM_DIMSE_HOST may be another address), or start with --allow-open "
            "(RADSTREAM_ALLOW_OPEN=true) if the network is closed."
        )
    if not is_loopback(settings.dimse_address) and (missing := _missing_proof(settings)):
        raise UnsafeConfiguration(
            f"RADSTREAM_DIMSE_HOST is {settings.dimse_host}, which other machines can reach, and an AE title alone "
            f"proves nothing: {'; '.join(missing)}. Or start with --allow-open if the network is closed."
        )


def _missing_proof(settings: Settings) -> list[str]:
    """Return what is to be set so that whoever calls by DIMSE is known, and proves it."""
    missing = []
    if not (settings.dimse_tls_port and settings.tls_client_ca):
        missing.append("set RADSTREAM_DIMSE_TLS_PORT, RADSTREAM_TLS_CERTIFICATE, _KEY and _CLIENT_CA")
    if settings.dimse_plain:
        missing.append("close the port without TLS by RADSTREAM_DIMSE_PLAIN=false")
    if "*" in settings.calling_ae_titles or not (settings.ae_table or settings.calling_ae_titles):
        missing.append("name who may call by RADSTREAM_AE_TABLE or RADSTREAM_CALLING_AE_TITLES")
    return missing


def refuse_if_contradictory(settings: Settings) -> None:
    """Raise `UnsafeConfiguration` if settings that belong together are not there together."""
    contradictions = {
        "RADSTREAM_TLS_CERTIFICATE and RADSTREAM_TLS_KEY belong together: set both": (
            bool(settings.tls_certificate) != bool(settings.tls_key)
        ),
        "RADSTREAM_DIMSE_TLS_PORT needs RADSTREAM_TLS_CERTIFICATE and RADSTREAM_TLS_KEY": (
            settings.dimse_tls_port and not settings.tls_certificate
        ),
        "a certificate is set and no door uses it: set RADSTREAM_DIMSE_TLS_PORT": (
            (settings.tls_certificate or settings.tls_client_ca) and not settings.dimse_tls_port
        ),
        "no DIMSE door is open: set RADSTREAM_DIMSE_TLS_PORT, or RADSTREAM_DIMSE_PLAIN=true": not settings.dimse_ports,
        "RADSTREAM_DIMSE_PORT and RADSTREAM_DIMSE_TLS_PORT are the same port": (
            settings.dimse_plain and settings.dimse_tls_port and settings.dimse_port == settings.dimse_tls_port
        ),
    }
    for sentence, is_so in contradictions.items():
        if is_so:
            raise UnsafeConfiguration(sentence)
