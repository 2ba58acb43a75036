"""What is made without a worker is what a worker would make, and only what is plain is made so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from services.render import plain
from services.render.enhancement.steps import parse_enhancement
from services.render.pixels import Wish
from services.render.plain import MOST_HEADER_BYTES, Plain, is_plain
from services.render.task import Order, RenderedImage, Smaller, Task, decode_images, encode_order
from services.render.viewport import Region
from services.render.windows import Window
from services.render.work import render
from tests.pixel_files import PixelFile, pixel_files

NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}


@pytest.fixture
def threads() -> Iterator[Plain]:
    made = Plain(1)
    yield made
    made.close()


def task_of(file: PixelFile, **options: Any) -> Task:
    at = next(file.content.index(mark) for mark in (b"\xe0\x7f\x10\x00",) if mark in file.content)
    order = Order(transfer_syntax_uid=file.transfer_syntax_uid, pixel_data_vr="OW", **options)
    return Task(order, file.content[:at], file.frame(0)[0])


def by_a_worker(task: Task) -> RenderedImage:
    return decode_images(task.order.media_type, *render(encode_order(task.order), task.header, task.frame))


def small(**options: Any) -> Task:
    return task_of(pixel_files()["MR_small.dcm"], **options)


@pytest.mark.parametrize("name", ["MR_small.dcm", "CT_small.dcm"])
@pytest.mark.parametrize(
    "wish",
    [
        Wish(),
        Wish(window=Window(40, 400)),
        Wish(box=(32, 20)),
        Wish(region=Region(5, 6, 20, 30, True, False), window=Window(500, 100, "SIGMOID")),
    ],
)
async def test_a_plain_picture_is_what_a_worker_makes(threads: Plain, name: str, wish: Wish) -> None:
    task = task_of(pixel_files()[name], wish=wish, smaller=(Smaller(16, 70), Smaller(48, 80)))
    assert is_plain(task)
    made = await threads.make(task)
    assert made == by_a_worker(task)
    assert made is not None
    assert [image.rows for image in made.smaller] == [16, 48]


async def test_grey_native_frames_of_every_file_are_alike_and_the_others_are_left_to_a_worker(threads: Plain) -> None:
    seen = 0
    for file in pixel_files().values():
        if file.transfer_syntax_uid not in NATIVE or b"\xe0\x7f\x10\x00" not in file.content:
            continue
        task = task_of(file)
        made = await threads.make(task) if is_plain(task) else None
        if made is not None:
            assert made == by_a_worker(task), file
            seen += 1
    assert seen > 5


@pytest.mark.parametrize(
    "changes",
    [
        {"media_type": "image/png"},
        {"wish": Wish(enhancement=parse_enhancement("clahe"))},
        {"wish": Wish(annotations=("patient",))},
        {"presentation_state": b"x"},
        {"is_encapsulated": True},
        {"is_whole": True},
        {"is_float": True},
        {"transfer_syntax_uid": "1.2.840.10008.1.2.2"},
        {"transfer_syntax_uid": "1.2.840.10008.1.2.5"},
    ],
)
def test_what_may_do_harm_or_take_long_is_for_a_worker(changes: dict[str, Any]) -> None:
    task = small()
    assert not is_plain(replace(task, order=msgspec.structs.replace(task.order, **changes)))


def test_long_headers_and_frames_are_for_a_worker() -> None:
    task = small()
    assert not is_plain(replace(task, header=task.header + bytes(MOST_HEADER_BYTES)))
    assert not is_plain(replace(task, frame=bytes(2 * plain.MOST_PIXELS + 1)))


async def test_a_picture_that_would_be_large_is_for_a_worker(threads: Plain) -> None:
    assert await threads.make(small(wish=Wish(box=(4096, 4096)))) is None


async def test_what_fails_is_for_a_worker_to_explain(threads: Plain) -> None:
    task = small()
    assert await threads.make(replace(task, frame=task.frame[:100])) is None
    assert await threads.make(replace(task, header=task.header[:200])) is None
