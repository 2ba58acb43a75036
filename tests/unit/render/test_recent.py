from __future__ import annotations

import pytest

from services.render.recent import Recent
from services.render.sandbox import Sandbox
from tests.pixel_files import pixel_files
from tests.render_engines import RenderArchive, path


def picture(size: int) -> bytes:
    return bytes(size)


def test_what_was_wanted_longest_ago_is_forgotten_first() -> None:
    recent = Recent(100)
    for name in "abcdefghij":
        recent.keep(name, picture(10))
    assert recent.get("a") is not None
    recent.keep("k", picture(10))
    assert recent.get("b") is None
    assert [name for name in "acdefghijk" if recent.get(name) is None] == []


def test_one_large_picture_does_not_take_the_place_of_many() -> None:
    recent = Recent(100)
    recent.keep("a", picture(12))
    recent.keep("large", picture(13))
    assert recent.get("a") is not None
    assert recent.get("large") is None


@pytest.mark.parametrize("query", ["", "?window=40,400", "?annotation=patient"])
async def test_the_same_picture_is_made_once_and_a_deleted_one_is_not_found(sandbox: Sandbox, query: str) -> None:
    archive = RenderArchive(sandbox)
    uid = (await archive.add_file(pixel_files()["CT_small.dcm"].content)).sop_instance_uid
    async with archive.client as client:
        first = await client.get(path(uid, "rendered") + query)
        archive.blobs.read_bytes = 0
        again = await client.get(path(uid, "rendered") + query)
        assert (again.content, archive.blobs.read_bytes) == (first.content, 0)
        other = await client.get(path(uid, "rendered") + "?viewport=32,32")
        assert other.content != first.content
        archive.catalog.collections["instances"].clear()
        assert (await client.get(path(uid, "rendered") + query)).status_code == 404
