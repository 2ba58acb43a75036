"""TLS of a DIMSE port (PS3.15 B.9 to B.12, after BCP 195), and whom a peer's certificate names."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from radstream.contract.errors import UnsafeConfiguration

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secret, authenticated encryption only (RFC 9325 4.2). Those of TLS 1.3 are all of this kind."""


@dataclass(frozen=True)
class PeerCertificate:
    """What a verified certificate says of its owner.

    Parameters
    ----------
    fingerprint : str
        ``sha256:`` and the SHA-256 of its DER form in hexadecimal digits.
    names : frozenset of str
        Its common names, and the DNS names, addresses and URIs of its subjectAltName.
    """

    fingerprint: str
    names: frozenset[str]

    def is_one_of(self, allowed: Collection[str]) -> bool:
        """Tell whether its fingerprint or one of its names is in `allowed`; exactly, also in case."""
        return self.fingerprint in allowed or not self.names.isdisjoint(allowed)


def peer_certificate(transport: asyncio.BaseTransport) -> PeerCertificate | None:
    """Return the verified certificate of a connection's peer, None if it showed none."""
    tls = transport.get_extra_info("ssl_object")
    encoded = None if tls is None else tls.getpeercert(binary_form=True)
    if not encoded:
        return None
    return PeerCertificate(f"sha256:{hashlib.sha256(encoded).hexdigest()}", names_in(tls.getpeercert()))


def names_in(certificate: dict[str, Any]) -> frozenset[str]:
    """Return the names in a certificate as `ssl.SSLSocket.getpeercert` decodes it."""
    common_names = (value for rdn in certificate.get("subject", ()) for key, value in rdn if key == "commonName")
    others = (value for kind, value in certificate.get("subjectAltName", ()) if kind in {"DNS", "IP Address", "URI"})
    return frozenset((*common_names, *others))


def server_context(certificate: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """Return the context of a server.

    Parameters
    ----------
    certificate, key : Path
        PEM; the certificate's chain follows it. The key has no passphrase.
    client_ca : Path, optional
        PEM: who issues the certificates of clients. With it a client without a valid one is not let in.

    Raises
    ------
    UnsafeConfiguration
        If a file cannot be read, or certificate and key do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION
    try:
        for file in filter(None, (certificate, key, client_ca)):
            file.open("rb").close()  # whose error names the file, which those of OpenSSL do not
        # A callable, so that a passphrase is an error and not a question on the terminal.
        context.load_cert_chain(certificate, key, password=_no_passphrase)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ValueError) as error:
        raise UnsafeConfiguration(f"the certificates of the DIMSE door cannot be used: {error}") from error
    return context


def _no_passphrase() -> str:
    raise ValueError("the private key has a passphrase")
