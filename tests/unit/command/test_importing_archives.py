"""`radstream import`: archives, also those that are damaged, encrypted or bombs."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from services.command.sources import archive
from tests.importing import FILES, Import, files_below, make_zip, write


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
async def test_an_archive_is_read_where_it_lies(run: Import, disc: Path, tmp_path: Path, compression: int) -> None:
    path = make_zip(disc / "export.bin", [*FILES, b"a letter"], compression)
    before = files_below(tmp_path)
    summary = await run(path)
    assert (summary.stored, summary.not_dicom, summary.failed) == (7, 1, 0)
    assert run.stored == sorted(FILES)
    assert files_below(tmp_path) == before


async def test_an_archive_in_a_folder_is_found(run: Import, disc: Path) -> None:
    write(disc, FILES[:2])
    make_zip(disc / "more.zip", FILES[2:])
    assert (await run(disc)).stored == 7


async def test_a_dicom_file_that_begins_as_an_archive_is_a_dicom_file(run: Import, disc: Path) -> None:
    (disc / "polyglot").write_bytes(b"PK\x03\x04" + FILES[0][4:])
    assert (await run(disc)).stored == 1
    assert run.stored == [FILES[0]]


async def test_a_damaged_member_fails_alone(run: Import, disc: Path) -> None:
    path = make_zip(disc / "export.zip", FILES[:2], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(FILES[0]) + 5000] ^= 0xFF  # in the pixels: only the CRC-32 tells
    path.write_bytes(content)
    summary = await run(path)
    assert (summary.stored, dict(summary.failures)) == (1, {"a file cannot be read": 1})
    assert run.engines.blobs.open_writers == 0


async def test_a_damaged_archive_is_a_failure(run: Import, disc: Path) -> None:
    path = make_zip(disc / "export.zip", FILES)
    path.write_bytes(path.read_bytes()[:-30])
    assert (await run(path)).failed == 1


async def test_an_encrypted_member_is_a_failure(run: Import, disc: Path) -> None:
    path = make_zip(disc / "export.zip", FILES[:1])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert (await run(path)).failures == {"a member of an archive is encrypted": 1}


async def test_a_method_that_may_inflate_without_bound_is_not_read(run: Import, disc: Path) -> None:
    path = make_zip(disc / "export.zip", FILES[:1], zipfile.ZIP_LZMA)
    assert (await run(path)).failures == {"a member of an archive is compressed by another method than deflate": 1}


async def test_an_archive_that_expands_beyond_measure_is_left_alone(
    run: Import, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ALWAYS_ALLOWED_BYTES", 1 << 20)
    path = make_zip(disc / "bomb.zip", [FILES[0], FILES[1] + bytes(64 << 20), FILES[2]])
    summary = await run(path)
    assert (summary.stored, dict(summary.failures)) == (1, {"an archive expands beyond measure": 2})


async def test_an_archive_with_an_endless_table_of_contents_is_left_alone(
    run: Import, disc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "CONTENTS_LIMIT_BYTES", 500)
    path = make_zip(disc / "bomb.zip", FILES)
    assert (await run(path)).failures == {"an archive cannot be read, or has far too many members": 1}


def test_the_table_of_contents_of_a_large_archive_is_measured_too(disc: Path) -> None:
    path = make_zip(disc / "export.zip", FILES[:1])
    content = path.read_bytes()
    end = content.index(b"PK\x05\x06")
    size, offset = struct.unpack_from("<LL", content, end + 12)
    zip64 = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 2, 2, 1 << 40, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    path.write_bytes(content[:end] + zip64 + locator + content[end:])
    assert size < 1000
    assert archive._contents_bytes(path) == 1 << 40
