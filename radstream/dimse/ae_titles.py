"""The application entities that a site knows: a table in TOML, read by people and by us."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from radstream.contract.errors import UnsafeConfiguration
from radstream.settings import to_ae_title

_ADDRESS: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class ApplicationEntity:
    """A known application entity.

    Parameters
    ----------
    ae_title : str
    hosts : tuple of network
        Where it calls from, empty for anywhere.
    certificates : tuple of str
        What its certificate is or is called: ``sha256:`` and 64 hexadecimal digits, or a name. Empty: its AE title.
    max_associations : int, optional
        At once; by default as for everybody.
    urgent : bool
        Its instances go first.
    address : (str, int), optional
        Host and port at which it can be called itself.
    """

    ae_title: str
    hosts: tuple[Network, ...] = ()
    certificates: tuple[str, ...] = ()
    max_associations: int | None = None
    urgent: bool = False
    address: tuple[str, int] | None = None

    def calls_from(self, host: str) -> bool:
        """Tell whether `host`, an IP address, is one of its own; every address is if none is named."""
        return not self.hosts or is_within(host, self.hosts)


def is_within(host: str, networks: tuple[Network, ...]) -> bool:
    """Tell whether the IP address `host` lies in one of `networks`."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False  # a UNIX socket has none
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)


def read_ae_table(path: Path) -> dict[str, ApplicationEntity]:
    """Return the table in the file `path`, by AE title; errors as of `parse_ae_table`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnsafeConfiguration(f"the AE table {path} cannot be read: {error}") from error
    return parse_ae_table(text)


def parse_ae_table(text: str) -> dict[str, ApplicationEntity]:
    """Return the application entities of a table, by AE title.

    Parameters
    ----------
    text : str
        TOML: a table ``[[ae]]`` each, with ``ae_title`` and, each where it is wanted, ``hosts`` (addresses and
        networks), ``certificates``, ``max_associations``, ``urgent`` and ``address`` (``"host:port"``).

    Raises
    ------
    UnsafeConfiguration
        If it means nothing; the text says which entry, and why. Nothing is guessed: an entry that is misspelt might
        let in whom it should keep out.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnsafeConfiguration(f"the AE table is no TOML: {error}") from error
    entries = document.pop("ae", [])
    if document or not isinstance(entries, list):
        raise UnsafeConfiguration("the AE table holds [[ae]] entries and nothing else")
    table = {entity.ae_title: entity for entity in map(_entity, entries)}
    if len(table) != len(entries):
        raise UnsafeConfiguration("the AE table names an AE title twice")
    return table


def _entity(entry: Mapping[str, Any]) -> ApplicationEntity:
    name = entry.get("ae_title", "without ae_title") if isinstance(entry, Mapping) else "that is no table"
    try:
        if isinstance(entry, Mapping) and (unknown := entry.keys() - ApplicationEntity.__dataclass_fields__.keys()):
            raise TypeError(f"there is no {', '.join(sorted(unknown))}")
        return _checked(**entry)
    except (TypeError, ValueError) as error:
        raise UnsafeConfiguration(f"the AE table's entry {name}: {error}") from error


def _checked(
    *,
    ae_title: str,
    hosts: list[str] | None = None,
    certificates: list[str] | None = None,
    max_associations: int | None = None,
    urgent: bool = False,
    address: str | None = None,
) -> ApplicationEntity:
    if not isinstance(ae_title, str) or not isinstance(urgent, bool):
        raise TypeError("ae_title is a text, and urgent is true or false")
    if max_associations is not None and (type(max_associations) is not int or max_associations < 1):
        raise ValueError("max_associations is a number from 1")
    networks = tuple(ipaddress.ip_network(host) for host in _texts("hosts", hosts))
    names = tuple(map(_certificate, _texts("certificates", certificates)))
    place = None if address is None else _address(address)
    return ApplicationEntity(to_ae_title(ae_title), networks, names, max_associations, urgent, place)


def _address(text: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(text) if isinstance(text, str) else None
    if match is None or not 1 <= int(match[3]) <= 65535:
        raise ValueError("address is a host and a port, such as 10.1.2.7:104 or [2001:db8::7]:104")
    return match[1] or match[2], int(match[3])


def _texts(name: str, value: list[str] | None) -> list[str]:
    if value is None:
        return []
    # An empty list would mean anywhere, or anybody: hardly what who wrote it had in mind.
    if not isinstance(value, list) or not value or not all(isinstance(text, str) and text for text in value):
        raise TypeError(f"{name} is a list of texts, and not empty")
    return value


def _certificate(text: str) -> str:
    kind, _, digits = text.partition(":")
    if kind.lower() != "sha256":
        return text
    digits = digits.replace(":", "").lower()
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise ValueError("a fingerprint is sha256: and 64 hexadecimal digits")
    return f"sha256:{digits}"
