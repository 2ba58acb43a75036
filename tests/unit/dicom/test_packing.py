from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from radstream.dicom.packing import pack, unpack


@pytest.mark.parametrize("encoded", [b"", b"{}", b'{"00080060":{"vr":"CS","Value":["CT"]}}' * 1000])
def test_what_is_unpacked_is_what_was_packed(encoded: bytes) -> None:
    assert unpack(pack(encoded)) == encoded


def test_threads_do_not_share_what_they_pack_with() -> None:
    texts = [str(number).encode() * 5000 for number in range(200)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda text: unpack(pack(text)), texts)) == texts
