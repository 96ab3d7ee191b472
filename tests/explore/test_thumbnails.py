import io

import numpy as np
import pytest
from PIL import Image

from cifar.explore import thumbnails

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (1203, 32, 32, 3), dtype=np.uint8)
FIRST, SECOND = RNG.random(1203) < 0.1, RNG.random(1203) < 0.2
PLACES = thumbnails.positions([FIRST, SECOND])


def cell(number, place):
    picture = np.asarray(Image.open(io.BytesIO(thumbnails.sheet(IMAGES, PLACES, number))))
    row, column = divmod(place % 500, 25)
    return picture[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32]


def test_every_image_has_a_place_of_its_own():
    assert PLACES.dtype == np.uint16
    assert sorted(PLACES) == list(range(1203))


def test_mistakes_of_the_first_model_come_first_then_those_of_the_second():
    assert PLACES[FIRST].max() == FIRST.sum() - 1
    assert PLACES[SECOND & ~FIRST].max() == (FIRST | SECOND).sum() - 1


@pytest.mark.parametrize("index", [0, 1, 17, 700, 1202, int(PLACES.argmax())])
def test_a_cell_holds_the_pixels_of_its_image(index):
    assert np.array_equal(cell(PLACES[index] // 500, PLACES[index]), IMAGES[index])


def test_sheets_are_no_larger_than_needed():
    sizes = [Image.open(io.BytesIO(thumbnails.sheet(IMAGES, PLACES, k))).size for k in range(3)]
    assert sizes == [(800, 640), (800, 640), (800, 9 * 32)]
    assert thumbnails.count(1203) == 3 and thumbnails.count(10_000) == 20


@pytest.mark.parametrize("number", [-1, 3])
def test_a_sheet_that_there_is_not_is_refused(number):
    with pytest.raises(ValueError, match="choose 0 to 2"):
        thumbnails.sheet(IMAGES, PLACES, number)


def test_without_a_model_there_is_no_order():
    with pytest.raises(ValueError, match="at least one"):
        thumbnails.positions([])
