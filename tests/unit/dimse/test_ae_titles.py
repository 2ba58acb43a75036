"""The table of known application entities: what it may say, and that nothing in it is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from radstream.contract.errors import UnsafeConfiguration
from radstream.dimse.ae_titles import ApplicationEntity, parse_ae_table, read_ae_table

FINGERPRINT = "AB:" * 31 + "AB"
TABLE = f"""
[[ae]]
ae_title = "CT1"
hosts = ["10.1.2.0/24", "192.0.2.7", "2001:db8::/32"]
certificates = ["sha256:{FINGERPRINT}", "ct1.hospital.example"]
max_associations = 4
urgent = true

[[ae]]
ae_title = "OLD SCANNER "
"""


def test_a_table_is_read() -> None:
    table = parse_ae_table(TABLE)
    assert list(table) == ["CT1", "OLD SCANNER"]
    ct1 = table["CT1"]
    assert ct1.certificates == ("sha256:" + "ab" * 32, "ct1.hospital.example")
    assert (ct1.max_associations, ct1.urgent) == (4, True)
    assert table["OLD SCANNER"] == ApplicationEntity("OLD SCANNER")


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        ("10.1.2.200", True),
        ("10.1.3.1", False),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("2001:db8::1%eth0", True),
        ("::ffff:10.1.2.9", True),
        ("::1", False),
        ("", False),
    ],
)
def test_an_entity_calls_from_its_hosts(host: str, is_one: bool) -> None:
    assert parse_ae_table(TABLE)["CT1"].calls_from(host) is is_one
    assert parse_ae_table(TABLE)["OLD SCANNER"].calls_from(host)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.1.2.7:104", ("10.1.2.7", 104)),
        ("pacs2:11112", ("pacs2", 11112)),
        ("[2001:db8::7]:104", ("2001:db8::7", 104)),
    ],
)
def test_an_entity_may_have_an_address_to_be_called_at(text: str, address: tuple[str, int]) -> None:
    table = parse_ae_table(f'[[ae]]\nae_title = "A"\naddress = "{text}"\n')
    assert table["A"].address == address


@pytest.mark.parametrize(
    "text", ['"pacs2"', '"pacs2:0"', '"pacs2:65536"', '"a b:104"', "104", '":104"', '"2001:db8::7:104"']
)
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UnsafeConfiguration, match="address is a host and a port"):
        parse_ae_table(f'[[ae]]\nae_title = "A"\naddress = {text}\n')


def test_a_table_without_entries_knows_nobody() -> None:
    assert parse_ae_table("") == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ae_title =", "no TOML"),
        ("[ae]\nae_title = 'A'", "nothing else"),
        ("[[ee]]\nae_title = 'A'", "nothing else"),
        ("ae = [1]", "no table"),
        ("[[ae]]\nhosts = ['10.0.0.1']", "ae_title"),
        ("[[ae]]\nae_title = 1", "text"),
        ("[[ae]]\nae_title = 'LONGER THAN 16 LETTERS'", "1 to 16"),
        ("[[ae]]\nae_title = 'A'\nhost = ['10.0.0.1']", "there is no host"),
        ("[[ae]]\nae_title = 'A'\nhosts = '10.0.0.1'", "hosts is a list"),
        ("[[ae]]\nae_title = 'A'\nhosts = []", "not empty"),
        ("[[ae]]\nae_title = 'A'\nhosts = ['scanner.example']", "does not appear to be"),
        ("[[ae]]\nae_title = 'A'\nhosts = ['10.0.0.1/24']", "host bits"),
        ("[[ae]]\nae_title = 'A'\ncertificates = []", "not empty"),
        ("[[ae]]\nae_title = 'A'\ncertificates = ['']", "texts"),
        ("[[ae]]\nae_title = 'A'\ncertificates = ['SHA256:AB']", "64 hexadecimal"),
        ("[[ae]]\nae_title = 'A'\nmax_associations = 0", "from 1"),
        ("[[ae]]\nae_title = 'A'\nmax_associations = true", "from 1"),
        ("[[ae]]\nae_title = 'A'\nurgent = 'yes'", "true or false"),
        ("[[ae]]\nae_title = 'A'\n[[ae]]\nae_title = 'A '", "twice"),
    ],
)
def test_what_means_nothing_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(UnsafeConfiguration, match=why):
        parse_ae_table(text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeConfiguration, match="cannot be read"):
        read_ae_table(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(UnsafeConfiguration, match="cannot be read"):
        read_ae_table(tmp_path / "latin.toml")
