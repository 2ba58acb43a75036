from __future__ import annotations

import numpy as np
import pytest

from services.render.lettering import LARGEST_SIZE, SMALLEST_SIZE, legible, size_for, write_lines


@pytest.mark.parametrize("shape", [(200, 300), (200, 300, 3)])
@pytest.mark.parametrize("ground", [0, 128, 255])
@pytest.mark.parametrize("corner", ["top left", "top right", "bottom left", "bottom right"])
def test_lines_stand_in_their_corner_and_are_seen_on_any_ground(
    shape: tuple[int, ...], ground: int, corner: str
) -> None:
    picture = np.full(shape, ground, np.uint8)
    written = write_lines(picture, ["Doe^Jane", "1970"], corner)  # type: ignore[arg-type]
    assert (picture == ground).all()
    assert (written.shape, written.dtype) == (picture.shape, picture.dtype)
    rows, columns = np.nonzero((written != ground).reshape(200, 300, -1).any(axis=2))
    assert len(rows) > 50
    assert (rows.max() < 60) if corner.startswith("top") else (rows.min() > 140)
    assert (columns.max() < 120) if corner.endswith("left") else (columns.min() > 180)
    assert np.ptp(written) > 100


def test_text_that_does_not_fit_is_cut_off() -> None:
    assert write_lines(np.zeros((3, 4), np.uint8), ["a long line"] * 9, "top left").shape == (3, 4)


def test_letters_that_the_font_lacks_are_romanised() -> None:
    assert legible("Müller") == "Müller"
    assert legible("山田\x1b太郎").isascii()
    assert legible("Doe\nJane") == "Doe Jane"


def test_letters_grow_with_the_picture() -> None:
    assert size_for(np.zeros((10, 10))) == SMALLEST_SIZE
    assert size_for(np.zeros((512, 700))) == 14
    assert size_for(np.zeros((9000, 9000))) == LARGEST_SIZE
