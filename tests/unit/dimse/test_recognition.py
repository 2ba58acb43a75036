"""Who may associate: titles, addresses and certificates, each by itself and together."""

from __future__ import annotations

import pytest

from radstream.dimse.ae_titles import parse_ae_table
from radstream.dimse.recognition import (
    CALLED_AE_TITLE_NOT_RECOGNIZED,
    CALLING_AE_TITLE_NOT_RECOGNIZED,
    AETitlePolicy,
    Caller,
    is_bound,
)
from radstream.dimse.tls import PeerCertificate, names_in
from tests.dimse_wire import make_request

FINGERPRINT = "sha256:" + "ab" * 32
CERTIFICATE = PeerCertificate(FINGERPRINT, frozenset({"CT1", "ct1.hospital.example"}))
POLICY = AETitlePolicy(
    called=("RADSTREAM",),
    calling=("PLAIN",),
    entities=parse_ae_table(
        f"""
        [[ae]]
        ae_title = "CT1"
        hosts = ["10.0.0.0/8"]
        [[ae]]
        ae_title = "PINNED"
        certificates = ["{FINGERPRINT}"]
        [[ae]]
        ae_title = "NAMED"
        certificates = ["ct1.hospital.example", "other.example"]
        [[ae]]
        ae_title = "ANY"
        certificates = ["*"]
        """
    ),
)


@pytest.mark.parametrize(
    ("title", "host", "certificate", "is_recognized"),
    [
        ("CT1", "10.1.1.1", None, True),
        ("CT1", "11.1.1.1", None, False),
        ("CT1", "10.1.1.1", CERTIFICATE, True),
        ("CT1", "11.1.1.1", CERTIFICATE, False),
        ("PINNED", "11.1.1.1", CERTIFICATE, True),
        ("PINNED", "11.1.1.1", PeerCertificate("sha256:" + "cd" * 32, frozenset({"PINNED"})), False),
        ("PINNED", "11.1.1.1", None, False),
        ("NAMED", "11.1.1.1", CERTIFICATE, True),
        ("NAMED", "11.1.1.1", PeerCertificate(FINGERPRINT, frozenset({"NAMED"})), False),
        ("ANY", "11.1.1.1", CERTIFICATE, True),
        ("ANY", "11.1.1.1", None, False),
        ("PLAIN", "11.1.1.1", None, True),
        ("PLAIN", "11.1.1.1", CERTIFICATE, False),
        ("PLAIN", "11.1.1.1", PeerCertificate(FINGERPRINT, frozenset({"PLAIN"})), True),
        ("PLAIN", "11.1.1.1", PeerCertificate(FINGERPRINT, frozenset({"plain"})), False),
        ("STRANGER", "10.1.1.1", None, False),
        ("STRANGER", "10.1.1.1", PeerCertificate(FINGERPRINT, frozenset({"STRANGER"})), False),
        ("*", "10.1.1.1", None, False),
        ("", "10.1.1.1", None, False),
    ],
)
def test_titles_addresses_and_certificates(
    title: str, host: str, certificate: PeerCertificate | None, is_recognized: bool
) -> None:
    refused = POLICY.refusal(make_request(calling_ae_title=title), Caller(host, certificate))
    assert refused == (None if is_recognized else CALLING_AE_TITLE_NOT_RECOGNIZED)


def test_where_anybody_may_call_a_certificate_still_names_its_owner() -> None:
    anybody = AETitlePolicy()
    for title, refused in (("CT1", None), ("MR1", CALLING_AE_TITLE_NOT_RECOGNIZED)):
        assert anybody.refusal(make_request(calling_ae_title=title), Caller("", CERTIFICATE)) == refused
        assert anybody.refusal(make_request(calling_ae_title=title), Caller("")) is None


def test_our_own_name_is_asked_for_first() -> None:
    request = make_request(calling_ae_title="STRANGER", called_ae_title="OTHER")
    assert POLICY.refusal(request, Caller("")) == CALLED_AE_TITLE_NOT_RECOGNIZED


def test_who_is_named_goes_before_others() -> None:
    assert POLICY.knows("CT1")
    assert POLICY.knows("PLAIN")
    assert not POLICY.knows("STRANGER")
    assert POLICY.knows_some
    assert not AETitlePolicy().knows("CT1")
    assert not AETitlePolicy().knows("*")
    assert not AETitlePolicy().knows_some
    assert AETitlePolicy(calling=("*", "CT1")).knows_some


def test_hosts_of_the_table_are_known() -> None:
    assert POLICY.knows_host("10.9.9.9")
    assert not POLICY.knows_host("11.9.9.9")  # although some entities may call from anywhere
    assert not AETitlePolicy().knows_host("10.9.9.9")


def test_an_empty_binding_is_the_title_itself() -> None:
    assert is_bound("CT1", (), CERTIFICATE)
    assert not is_bound("CT2", (), CERTIFICATE)
    assert is_bound("CT2", (), None)


def test_a_certificate_is_called_by_its_common_names_and_alternative_names() -> None:
    decoded = {
        "subject": ((("countryName", "CH"),), (("commonName", "CT1"),), (("commonName", "CT ONE"),)),
        "issuer": ((("commonName", "CA"),),),
        "subjectAltName": (("DNS", "ct1"), ("IP Address", "192.0.2.1"), ("URI", "urn:ct:1"), ("email", "a@b.example")),
    }
    assert names_in(decoded) == {"CT1", "CT ONE", "ct1", "192.0.2.1", "urn:ct:1"}
    assert names_in({}) == frozenset()
