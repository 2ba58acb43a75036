"""TLS of the DIMSE door: versions, certificates bound to AE titles, and what is replaced while running."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from radstream.contract.errors import Unavailable, UnsafeConfiguration
from radstream.dimse.client import Association, AssociationRejected
from radstream.dimse.reception import reception
from radstream.dimse.server import DimseServer, store_route, verification_route
from radstream.dimse.sop_classes import IMPLICIT_VR_LITTLE_ENDIAN, VERIFICATION
from radstream.dimse.tls import server_context
from radstream.settings import load_settings
from tests.certificates import Authority, Credentials
from tests.dimse_wire import Store
from tests.system import System, free_port

pytestmark = pytest.mark.e2e

UNRECOGNIZED = (1, 1, 3)


@dataclass
class Secured:
    """A system with a plain and a TLS door, the authority that both ends trust, and who has a certificate of it."""

    system: System
    authority: Authority
    ours: Credentials
    table: Path
    tls_port: int
    ct1: Credentials
    pinned: Credentials
    certified: Credentials

    def associate(
        self, title: str, shown: Credentials | None = None, *, tls: bool = True
    ) -> AbstractAsyncContextManager[Association]:
        return Association.request(
            "127.0.0.1",
            self.tls_port if tls else self.system.dimse_port,
            calling_ae_title=title,
            called_ae_title="RADSTREAM",
            contexts=[(VERIFICATION, [IMPLICIT_VR_LITTLE_ENDIAN])],
            timeout_s=10,
            ssl=self.authority.client(shown) if tls else None,
        )

    async def rejection(self, title: str, shown: Credentials | None = None, *, tls: bool = True) -> tuple[int, ...]:
        """Return why an association is rejected, () if it is not."""
        try:
            async with self.associate(title, shown, tls=tls) as association:
                assert await association.c_echo() == 0
        except AssociationRejected as error:
            return error.reject.result, error.reject.source, error.reject.reason
        return ()

    def shake_hands(self, context: ssl.SSLContext) -> tuple[str, bytes]:
        """Return the version of TLS and the certificate of the server, once it has taken ours."""
        address = ("127.0.0.1", self.tls_port)
        with socket.create_connection(address, timeout=10) as plain, context.wrap_socket(plain) as secure:
            secure.settimeout(0.2)
            with suppress(TimeoutError):  # of TLS 1.3 a refusal comes after our own end of the handshake
                secure.recv(1)
            return secure.version() or "", secure.getpeercert(binary_form=True) or b""

    def refuses_for(self, reason: str, context: ssl.SSLContext) -> bool:
        """Tell whether the server ends the handshake, and says so in its log."""
        before = self.system.log().count(reason)
        with pytest.raises(ssl.SSLError):
            self.shake_hands(context)
        deadline = time.monotonic() + 10
        while self.system.log().count(reason) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.system.log().count(reason) == before + 1


TABLE = """
[[ae]]
ae_title = "CT1"
[[ae]]
ae_title = "PINNED"
certificates = ["sha256:{fingerprint}"]
[[ae]]
ae_title = "CERTIFIED"
certificates = ["*"]
"""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder / "ca")
    ours = authority.issue("radstream", "DNS:localhost", "IP:127.0.0.1")
    ct1, pinned, certified = authority.issue("CT1"), authority.issue("anything"), authority.issue("whoever")
    table, tls_port = folder / "ae.toml", free_port()
    table.write_text(TABLE.format(fingerprint=pinned.fingerprint))
    environment = {
        "RADSTREAM_DIMSE_TLS_PORT": str(tls_port),
        "RADSTREAM_TLS_CERTIFICATE": str(ours.certificate),
        "RADSTREAM_TLS_KEY": str(ours.key),
        "RADSTREAM_TLS_CLIENT_CA": str(authority.certificate),
        "RADSTREAM_AE_TABLE": str(table),
    }
    system = System(folder / "radstream", environment).start()
    yield Secured(system, authority, ours, table, tls_port, ct1, pinned, certified)
    assert system.stop() == 0, system.log()[-4000:]


# --- versions and suites --------------------------------------------------------------------------------------------


def version_of(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
def test_tls_1_2_and_1_3_are_spoken(secured: Secured, version: ssl.TLSVersion, name: str) -> None:
    context = version_of(secured.authority.client(secured.ct1), version)
    assert secured.shake_hands(context)[0] == name


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_are_refused(secured: Secured, version: ssl.TLSVersion) -> None:
    context = secured.authority.client(secured.ct1)
    context.set_ciphers("ALL:@SECLEVEL=0")  # or our own end would refuse to speak it
    assert secured.refuses_for("UNSUPPORTED_PROTOCOL", version_of(context, version))


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-CCM8"])
def test_suites_without_authenticated_encryption_are_refused(secured: Secured, cipher: str) -> None:
    context = version_of(secured.authority.client(secured.ct1), ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    assert secured.refuses_for("NO_SHARED_CIPHER", context)


# --- certificates bound to AE titles --------------------------------------------------------------------------------


async def test_who_has_no_certificate_of_ours_is_not_let_in(secured: Secured, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "other").issue("CT1")
    expired = secured.authority.issue("CT1", days=-1)
    for shown in (None, stranger, expired):
        with pytest.raises(Unavailable) as refused:
            async with secured.associate("CT1", shown):
                raise AssertionError("must not be entered")
        assert not isinstance(refused.value, AssociationRejected)  # TLS comes first


async def test_a_certificate_is_bound_to_its_ae_title(secured: Secured) -> None:
    assert await secured.rejection("CT1", secured.ct1) == ()
    assert await secured.rejection("PINNED", secured.pinned) == ()
    assert await secured.rejection("CERTIFIED", secured.certified) == ()
    assert await secured.rejection("CT1", secured.pinned) == UNRECOGNIZED
    assert await secured.rejection("PINNED", secured.ct1) == UNRECOGNIZED
    assert await secured.rejection("whoever", secured.certified) == UNRECOGNIZED  # a valid name, and not in the table


async def test_a_title_bound_to_a_certificate_is_refused_on_the_plain_port(secured: Secured) -> None:
    assert await secured.rejection("CT1", tls=False) == ()
    assert await secured.rejection("PINNED", tls=False) == UNRECOGNIZED
    assert await secured.rejection("CERTIFIED", tls=False) == UNRECOGNIZED


# --- DCMTK ----------------------------------------------------------------------------------------------------------


def storescu(port: int, *options: object) -> tuple[int, str]:
    peer = ("127.0.0.1", port, get_testdata_file("CT_small.dcm"))
    command = list(map(str, ("/usr/bin/storescu", "-v", "-aec", "RADSTREAM", *options, *peer)))
    environment = {**os.environ, "TCP_NODELAY": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environment)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.dcmtk
@pytest.mark.parametrize("profile", ["+py", "+px", "+pz"])
def test_dcmtk_stores_by_mutual_tls_in_each_of_its_profiles(secured: Secured, profile: str) -> None:
    shown = ("+tls", secured.ct1.key, secured.ct1.certificate, "+cf", secured.authority.certificate)
    code, said = storescu(secured.tls_port, *shown, profile, "-aet", "CT1")
    assert code == 0, said
    assert "Received Store Response (Success)" in said


@pytest.mark.dcmtk
def test_dcmtk_is_told_that_its_certificate_is_of_another_title(secured: Secured) -> None:
    shown = ("+tls", secured.ct1.key, secured.ct1.certificate, "+cf", secured.authority.certificate)
    code, said = storescu(secured.tls_port, *shown, "-aet", "CERTIFIED2")
    assert code != 0
    assert "Calling AE Title Not Recognized" in said


@pytest.mark.dcmtk
def test_dcmtk_without_certificate_or_without_tls_stores_nothing(secured: Secured) -> None:
    assert storescu(secured.tls_port, "+tla", "+cf", secured.authority.certificate, "-aet", "CT1")[0] != 0
    assert storescu(secured.tls_port, "-aet", "CT1", "-ta", "5")[0] != 0


@pytest.mark.dcmtk
async def test_dcmtk_without_certificate_stores_where_none_is_asked_for(tmp_path: Path) -> None:
    authority, store = Authority(tmp_path / "ca"), Store()
    ours = authority.issue("radstream", "IP:127.0.0.1")
    context = server_context(ours.certificate, ours.key)
    server = DimseServer("127.0.0.1", 0, routes=(store_route(store),), ssl=context)
    await server.start()
    try:
        code, said = await asyncio.to_thread(storescu, server.port, "+tla", "+cf", authority.certificate)
    finally:
        await server.close(1.0)
    assert code == 0, said
    assert [sink.outcome for sink in store.sinks] == ["finished"]


def test_credentials_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    one, other = authority.issue("one"), authority.issue("other")
    encrypted = tmp_path / "encrypted.key"
    encrypt = ("openssl", "ec", "-in", one.key, "-out", encrypted, "-aes256", "-passout", "pass:secret")
    subprocess.run(list(map(str, encrypt)), check=True, capture_output=True)
    for key in (other.key, encrypted, tmp_path / "absent.key"):
        with pytest.raises(UnsafeConfiguration, match="cannot be used"):
            server_context(one.certificate, key)
    with pytest.raises(UnsafeConfiguration, match="cannot be used"):
        server_context(one.certificate, one.key, one.key)
    with pytest.raises(UnsafeConfiguration, match=r"absent\.pem"):
        server_context(one.certificate, one.key, tmp_path / "absent.pem")


async def test_a_door_that_cannot_be_opened_opens_no_other(tmp_path: Path) -> None:
    ours = Authority(tmp_path / "ca").issue("radstream")
    plain = free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = load_settings(
            dimse_port=plain,
            dimse_tls_port=taken.getsockname()[1],
            tls_certificate=str(ours.certificate),
            tls_key=str(ours.key),
        )
        with pytest.raises(UnsafeConfiguration, match=r"\(Address already in use\).*RADSTREAM_DIMSE_TLS_PORT"):
            async with reception(settings, [verification_route()]):
                raise AssertionError("must not be entered")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", plain), timeout=5)


# --- while running --------------------------------------------------------------------------------------------------


async def until(is_so: Callable[[], Awaitable[bool]], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not await is_so():
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.1)


async def follow(secured: Secured, change: Callable[[], object], event: str) -> None:
    """Make a change, and wait until every process that has the door has told of it."""
    doors = [name for name in secured.system.children() if name.partition("-")[0] in ("dimse", "ingest")]
    told = f'"event": "{event}"'
    before = secured.system.log().count(told)
    change()

    async def is_told_by_all() -> bool:
        return secured.system.log().count(told) >= before + len(doors)

    await until(is_told_by_all)


async def test_the_table_is_followed_while_running(secured: Secured) -> None:
    table, before = secured.table, secured.table.read_text()
    async with secured.associate("CT1", secured.ct1) as running:
        await follow(secured, lambda: table.write_text(before + '[[ae]]\nae_title = "NEW"\n'), "reloaded")
        assert await secured.rejection("NEW", tls=False) == ()
        await follow(secured, lambda: table.write_text("this is no table"), "not_reloaded")
        assert await secured.rejection("NEW", tls=False) == ()  # what was read before stays in force
        await follow(secured, lambda: table.write_text(before.replace('"CT1"', '"CT9"')), "reloaded")
        assert await secured.rejection("CT1", secured.ct1) == UNRECOGNIZED
        assert await running.c_echo() == 0  # who is in stays in
    await follow(secured, lambda: table.write_text(before), "reloaded")
    assert await secured.rejection("CT1", secured.ct1) == ()


async def test_certificates_are_replaced_while_running(secured: Secured) -> None:
    def certificate() -> bytes:
        return secured.shake_hands(secured.authority.client(secured.ct1))[1]

    old, ours = certificate(), secured.ours
    half = ours.certificate.read_text()[:200]
    async with secured.associate("CT1", secured.ct1) as running:
        await follow(secured, lambda: ours.certificate.write_text(half), "not_reloaded")
        assert certificate() == old
        ours.replace(secured.authority.issue("radstream", "DNS:localhost"))

        async def is_new() -> bool:
            return certificate() != old

        await until(is_new)
        assert await running.c_echo() == 0
    assert await secured.rejection("CT1", secured.ct1) == ()
