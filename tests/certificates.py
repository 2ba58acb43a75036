"""A certification authority of a test's own, made with the command openssl."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


def _openssl(*arguments: object) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, text=True)
    return done.stdout


@dataclass(frozen=True)
class Credentials:
    """A certificate and its key, PEM."""

    certificate: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        """As people copy it: upper case, with colons."""
        said = _openssl("x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha256")
        return said.strip().partition("=")[2]

    def replace(self, other: Credentials) -> None:
        """Take over the files of `other`, as an operator renames new ones into place."""
        other.certificate.rename(self.certificate)
        other.key.rename(self.key)


class Authority:
    """A certification authority in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._count = 0
        self.certificate, self._key = folder / "ca.pem", folder / "ca.key"
        subject = ("-subj", "/CN=Test CA", "-days", 2, "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        files = ("-keyout", self._key, "-out", self.certificate)
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject, *files)

    def issue(self, common_name: str, *alternative_names: str, days: int = 2) -> Credentials:
        """Return new credentials; `alternative_names` such as ``DNS:localhost``. With `days` -1 they have expired."""
        self._count += 1
        made = Credentials(self._folder / f"{self._count}.pem", self._folder / f"{self._count}.key")
        request, extensions = self._folder / f"{self._count}.csr", self._folder / f"{self._count}.ext"
        names = f"subjectAltName={','.join(alternative_names)}\n" if alternative_names else ""
        extensions.write_text(f"{names}basicConstraints=CA:FALSE\n")
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        _openssl("req", *curve, "-subj", f"/CN={common_name}", "-keyout", made.key, "-out", request)
        by = ("-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial", "-days", days, "-extfile", extensions)
        _openssl("x509", "-req", "-in", request, "-out", made.certificate, *by)
        return made

    def client(self, credentials: Credentials | None = None) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority, and shows `credentials`."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = False
        if credentials is not None:
            context.load_cert_chain(credentials.certificate, credentials.key)
        return context
