"""Enhancements on their way through the pipeline: windows by content, padding, colour, marks, and the web door."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import pytest

from radstream.contract.errors import UnsupportedInstance
from services.render.description import Description, describe
from services.render.enhancement.mark import mark
from services.render.enhancement.presets import PRESETS
from services.render.enhancement.steps import parse_enhancement
from services.render.enhancement.windowing import of_percentiles, window_of
from services.render.pixels import Wish
from services.render.sandbox import Sandbox
from services.render.subject import Subject
from services.render.viewport import Region
from services.render.windows import Window
from tests.pixel_files import pixel_files
from tests.render_engines import SERIES, STUDY, RenderArchive, path
from tests.rendering import render

Array = np.ndarray[Any, Any]
CT = Subject("CT", is_hounsfield=True)


def frame(name: str) -> tuple[Array, str, Description]:
    file = pixel_files()[name]
    return *file.decode(0), describe(file.dataset, 0, is_big_endian=file.is_big_endian)


def enhanced(name: str, enhancement: str, wish: Wish | None = None, **changes: Any) -> Array:
    samples, photometric_interpretation, description = frame(name)
    wish = replace(wish or Wish(), enhancement=parse_enhancement(enhancement) if enhancement else ())
    return render(samples, photometric_interpretation, replace(description, **changes), wish)


def without_mark(picture: Array) -> Array:
    return picture[: picture.shape[0] * 3 // 4]


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "US1_UNCR.dcm", "RG3_UNCR.dcm"])
def test_every_enhanced_picture_has_its_mark_burnt_in(name: str) -> None:
    picture, plain = enhanced(name, "unsharp:amount=0"), enhanced(name, "")
    corner = picture[picture.shape[0] * 3 // 4 :]
    assert (corner != plain[picture.shape[0] * 3 // 4 :]).any()
    assert corner.max() > 240
    np.testing.assert_array_equal(without_mark(picture), without_mark(plain))


def test_a_mark_that_is_too_long_for_a_picture_gives_way_to_its_first_word() -> None:
    small = np.full((64, 64), 100, np.uint8)
    np.testing.assert_array_equal(mark(small, "ENHANCED: " + "clahe " * 40), mark(small, "ENHANCED"))
    assert (mark(small, "ENHANCED") != small).mean() < 0.25


@pytest.mark.parametrize("preset", list(PRESETS))
def test_a_preset_is_the_window_by_its_name(preset: str) -> None:
    by_name = enhanced("CT_small.dcm", preset)
    by_numbers = enhanced("CT_small.dcm", "", Wish(PRESETS[preset]))
    np.testing.assert_array_equal(without_mark(by_name), without_mark(by_numbers))


@pytest.mark.parametrize("step", ["lung", "bone", "film"])
def test_steps_without_meaning_for_the_modality_are_refused(step: str) -> None:
    with pytest.raises(UnsupportedInstance):
        enhanced("MR_small.dcm", step)


def test_windows_are_refused_for_colour() -> None:
    with pytest.raises(UnsupportedInstance, match="colour"):
        enhanced("US1_UNCR.dcm", "auto")


def test_ct_without_hounsfield_units_has_no_presets() -> None:
    file = pixel_files()["CT_small.dcm"]
    subject = describe(file.dataset, 0).subject
    assert subject.is_hounsfield
    with pytest.raises(UnsupportedInstance, match="Hounsfield"):
        enhanced("CT_small.dcm", "lung", subject=replace(subject, is_hounsfield=False))


def ct_slice(inside: Array | float, *, lungs: bool = False, skull: bool = False, noise: float = 0) -> Array:
    """Return a round patient in air: what is inside, two lungs perhaps, a ring of bone perhaps; noise all over."""
    y, x = np.mgrid[-128:128, -128:128]
    distance = np.hypot(x, y)
    values = np.full(x.shape, -1000.0)
    values[distance < 100] = np.broadcast_to(inside, x.shape)[distance < 100]
    if lungs:
        values[np.hypot(np.abs(x) - 45, y) < 40] = -850
    if skull:
        values[(distance > 85) & (distance < 100)] = 900
    return (values + np.random.default_rng(1).normal(0, noise, x.shape)).astype(np.float32)


def striped(first: float, second: float) -> Array:
    """Return two tissues side by side."""
    return np.where(np.arange(256) // 16 % 2, first, second)[None, :]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (ct_slice(40, lungs=True), PRESETS["lung"]),
        (ct_slice(40, lungs=True, noise=25), PRESETS["lung"]),
        (ct_slice(700), PRESETS["bone"]),
        (ct_slice(-1000), PRESETS["soft-tissue"]),
        (ct_slice(striped(20, 40), skull=True), Window(30, 80)),
        (ct_slice(striped(-100, 60)), Window(-20, 256)),
        (ct_slice(striped(-100, 60), noise=60), None),
    ],
)
def test_the_window_of_ct_is_that_of_the_tissue_that_there_is_most_of(values: Array, expected: Window | None) -> None:
    found = window_of("auto", values, CT)
    if expected is not None:
        assert found == expected
    else:  # noisy air is not lung
        assert -60 < found.center < 20
        assert 240 < found.width < 400


def test_what_is_padding_decides_nothing() -> None:
    values = ct_slice(striped(20, 40))
    is_shown = np.ones(values.shape, bool)
    is_shown[:60] = False
    values[:60] = 0
    assert window_of("auto", values, CT, is_shown) == Window(30, 80)


def test_a_robust_window_does_not_look_at_outliers_and_borders() -> None:
    values = np.random.default_rng(1).normal(1000, 100, 100_000)
    plain = of_percentiles(values)
    spoiled = np.concatenate([values, np.zeros(50_000), np.full(30_000, 65535), [65000] * 20])
    found = of_percentiles(spoiled)
    assert found.center == pytest.approx(plain.center, abs=5)
    assert found.width == pytest.approx(plain.width, rel=0.05)
    assert of_percentiles(np.full(10, 7.0)).is_valid
    assert of_percentiles(np.array([])).is_valid


def test_film_has_a_sigmoid_and_darkens_nothing_to_black_or_white() -> None:
    samples, _, description = frame("RG3_UNCR.dcm")
    assert description.subject.modality in {"CR", "DX", "RG"}
    assert window_of("film", samples.astype(np.float32), description.subject).function == "SIGMOID"
    shown = without_mark(enhanced("RG3_UNCR.dcm", "film"))
    assert shown.std() > 20


def test_an_enhanced_picture_has_the_alternative_that_was_asked_for() -> None:
    file = pixel_files()["examples_overlay.dcm"]
    samples, kind = file.decode(0)
    description = replace(describe(file.dataset, 0), pixel_aspect=1.0)
    assert len(description.windows) == 2
    none = parse_enhancement("unsharp:amount=0")
    first, second = (render(samples, kind, description, Wish(enhancement=none, voi=name)) for name in ("1", "2"))
    plain = render(samples, kind, description, Wish(voi="2"))
    assert (first != second).any()
    np.testing.assert_array_equal(without_mark(second), without_mark(plain))


def test_padding_stays_black_and_casts_no_halo() -> None:
    samples, kind, description = frame("CT_small.dcm")
    samples = samples.copy()
    samples[:40] = -2000
    padded = replace(description, padding=(-2000, -2000))
    picture = render(samples, kind, padded, Wish(enhancement=parse_enhancement("soft-tissue,denoise,detail,clahe")))
    assert not picture[:40].any()


def test_the_looks_of_a_part_do_not_depend_on_the_cut() -> None:
    whole = enhanced("CT_small.dcm", "auto,denoise,detail,clahe")
    part = enhanced("CT_small.dcm", "auto,denoise,detail,clahe", Wish(region=Region(20, 10, 60, 80)))
    np.testing.assert_array_equal(without_mark(part), without_mark(whole[10:90, 20:80]))


def test_colours_keep_their_differences_when_brightness_is_enhanced() -> None:
    rgb = np.full((64, 64, 3), (90, 110, 130), np.uint8)
    rgb[:, 32:] = (120, 140, 160)
    file = pixel_files()["US1_UNCR.dcm"]
    description = replace(describe(file.dataset, 0), pixel_aspect=1.0)
    picture = render(rgb, "RGB", description, Wish(enhancement=parse_enhancement("unsharp:amount=2")))
    shown = without_mark(picture).astype(int)
    assert (np.abs(shown[..., 1] - shown[..., 0] - 20) <= 1).all()
    assert shown[10, 33, 0] - shown[10, 30, 0] > 40


def test_a_supplemental_palette_is_not_enhanced() -> None:
    samples, kind, description = frame("CT_small.dcm")
    palette = describe(pixel_files()["examples_palette.dcm"].dataset, 0).palette
    with pytest.raises(UnsupportedInstance, match="Supplemental Palette"):
        render(samples, kind, replace(description, palette=palette), Wish(enhancement=parse_enhancement("clahe")))


def test_detail_is_raised_in_the_full_depth_of_the_values() -> None:
    """A step of one in a window of 4096 is below a grey level; raised before windowing it is seen."""
    samples = np.full((128, 128), 2000, np.int16)
    samples[:, 64:] += 14
    _, kind, description = frame("CT_small.dcm")
    flat = replace(description, windows=(Window(2000, 4096),), slope=1.0, intercept=0.0)
    plain = render(samples, kind, flat, Wish())
    raised = render(samples, kind, flat, Wish(enhancement=parse_enhancement("detail:gain=8,unsharp:amount=3")))
    assert np.ptp(plain) <= 1
    assert np.ptp(without_mark(raised)) >= 3


# --- the door ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def archive(sandbox: Sandbox) -> RenderArchive:
    return RenderArchive(sandbox)


async def test_the_answer_says_how_the_picture_was_enhanced(archive: RenderArchive) -> None:
    uid = (await archive.add_file(pixel_files()["MR_small.dcm"].content)).sop_instance_uid
    async with archive.client as client:
        for resource in (path(uid, "rendered"), path(uid, "frames", "1", "rendered")):
            plain = await client.get(resource)
            answer = await client.get(resource, params={"enhance": "clahe:tiles=4,denoise"})
            assert answer.status_code == 200, answer.text
            assert answer.headers["radstream-enhanced"] == "denoise:strength=2:radius=2,clahe:clip=2:tiles=4"
            assert answer.headers["etag"] != plain.headers["etag"]
            assert "radstream-enhanced" not in plain.headers
            assert (imagecodecs.jpeg8_decode(answer.content) != imagecodecs.jpeg8_decode(plain.content)).any()


async def test_the_pictures_of_a_series_are_enhanced_together(archive: RenderArchive) -> None:
    for number in (1, 2):
        await archive.add_file(pixel_files()["MR_small.dcm"].content, sop_instance_uid=f"1.2.6.{number}")
    async with archive.client as client:
        answer = await client.get(f"/studies/{STUDY}/series/{SERIES}/rendered", params={"enhance": "clahe"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["radstream-enhanced"] == "clahe:clip=2:tiles=8"
    assert answer.content.count(b"\xff\xd8\xff") == 2


async def test_equal_enhancements_are_one_representation(archive: RenderArchive) -> None:
    uid = (await archive.add_file(pixel_files()["MR_small.dcm"].content)).sop_instance_uid
    async with archive.client as client:
        first = await client.get(path(uid, "rendered"), params={"enhance": "clahe,denoise"})
        again = {"if-none-match": first.headers["etag"]}
        same = await client.get(path(uid, "rendered"), params={"enhance": "DENOISE,clahe:clip=2"}, headers=again)
        other = await client.get(path(uid, "rendered"), params={"enhance": "denoise,clahe:clip=3"}, headers=again)
    assert (same.status_code, other.status_code) == (304, 200)


@pytest.mark.parametrize(
    ("enhance", "status"), [("nonsense", 400), ("clahe:clip=0", 400), ("lung", 406), ("film", 406)]
)
async def test_what_cannot_be_done_is_refused_with_its_reason(
    archive: RenderArchive, enhance: str, status: int
) -> None:
    uid = (await archive.add_file(pixel_files()["MR_small.dcm"].content)).sop_instance_uid
    async with archive.client as client:
        answer = await client.get(path(uid, "rendered"), params={"enhance": enhance})
    assert answer.status_code == status
    assert answer.text
