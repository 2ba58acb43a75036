from __future__ import annotations

import zlib

import pytest
import zstandard
from starlette.requests import Request

from radstream.web.compression import PACKET_BYTES, compressed_whole

LONG = b'{"vr":"DA","Value":["20260101"]},' * 100


def request(accept_encoding: str) -> Request:
    return Request({"type": "http", "headers": [(b"accept-encoding", accept_encoding.encode())]})


@pytest.mark.parametrize("accepted", ["zstd", "gzip, deflate, br, zstd", "gzip;q=1, ZSTD;q=0.5"])
def test_zstd_is_preferred(accepted: str) -> None:
    data, headers = compressed_whole(request(accepted), LONG)
    assert headers == {"content-encoding": "zstd"}
    assert zstandard.ZstdDecompressor().decompress(data) == LONG
    assert len(data) < len(LONG) / 10


@pytest.mark.parametrize("accepted", ["gzip", "gzip, zstd;q=0"])
def test_gzip_is_for_who_does_not_know_zstd(accepted: str) -> None:
    data, headers = compressed_whole(request(accepted), LONG)
    assert headers == {"content-encoding": "gzip"}
    assert zlib.decompress(data, wbits=31) == LONG


@pytest.mark.parametrize("accepted", ["", "identity", "br", "*"])
def test_others_get_it_as_it_is(accepted: str) -> None:
    assert compressed_whole(request(accepted), LONG) == (LONG, {})


def test_what_fits_into_a_packet_is_left_as_it_is() -> None:
    short = LONG[:PACKET_BYTES]
    assert compressed_whole(request("zstd, gzip"), short) == (short, {})
