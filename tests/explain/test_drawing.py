import re

import matplotlib
import numpy as np
import pytest
from PIL import Image

from cifar.explain.drawing import COLOURS, DIVERGING, colour_table, draw_contrast, overlay
from cifar.explain.methods import HeatMap
from cifar.models.facts import Layer

EIGHT = Layer("stage2", "stage 2", 8)


@pytest.fixture
def image(tiny_split):
    return tiny_split(10).images[3].permute(1, 2, 0).numpy()


def a_map(values):
    return HeatMap(np.float32(values), 0, "gradcam", (EIGHT,), "logits")


def gradient_heat(peak=3.0):
    return a_map(np.linspace(0, peak, 64).reshape(8, 8))


def coloured(shares, name=COLOURS):
    """Colours, float (..., 3) 0 to 255, of shares 0 to 1."""
    return np.array(matplotlib.colormaps[name](np.asarray(shares, dtype=np.float32)))[..., :3] * 255


def inferno(values):
    """Colours of a relative map brought to 32x32."""
    return coloured(Image.fromarray(np.float32(values)).resize((32, 32), Image.Resampling.BILINEAR))


def test_strength_0_is_the_image_untouched(image):
    drawn = overlay(image, gradient_heat(), strength=0)
    assert drawn.dtype == np.uint8 and np.array_equal(drawn, image)


def test_strength_1_is_the_colour_map_alone(image):
    drawn = overlay(image, gradient_heat(), strength=1)
    assert np.array_equal(drawn, overlay(255 - image, gradient_heat(), strength=1))
    np.testing.assert_allclose(drawn, inferno(gradient_heat(1.0).values), atol=0.51)


def test_more_evidence_covers_more_of_the_image(image):
    shares = np.array(Image.fromarray(gradient_heat(1.0).values).resize((32, 32), 2))
    over = 0.5 ** (4 - 3.6 * shares[..., None])
    expected = (1 - over) * image + over * coloured(shares)
    np.testing.assert_allclose(overlay(image, gradient_heat(), strength=0.5), expected, atol=0.51)
    assert over.min() < 0.07 and over.max() > 0.7


def test_a_shared_scale_makes_weak_maps_dark(image):
    weak, strong = gradient_heat(1.0), gradient_heat(4.0)
    drawn = overlay(image, weak, scale=strong.peak, strength=1)
    np.testing.assert_allclose(drawn, inferno(gradient_heat(0.25).values), atol=0.51)
    assert drawn.sum() < overlay(image, strong, scale=strong.peak, strength=1).sum()


def test_evidence_beyond_the_scale_has_the_brightest_colour(image):
    heat = a_map(np.full((8, 8), 5))
    assert (overlay(image, heat, scale=2.0, strength=1) == np.rint(coloured(1.0))).all()


@pytest.mark.parametrize("scale", [None, 0.0, 1.0])
@pytest.mark.parametrize("strength", [0.5, 1])
def test_a_map_without_evidence_leaves_the_image_as_it_is(image, scale, strength):
    heat = a_map(np.zeros((8, 8)))
    assert np.array_equal(overlay(image, heat, scale=scale, strength=strength), image)


def test_an_overlay_has_the_size_of_its_image():
    picture = np.full((50, 50, 3), 128, dtype=np.uint8)
    assert overlay(picture, gradient_heat()).shape == (50, 50, 3)


def test_cells_are_drawn_as_they_are():
    heat = a_map([[0, 1], [2, 4]])
    shares = np.kron([[0, 0.25], [0.5, 1]], np.ones((8, 8)))
    black = np.zeros((16, 16, 3), np.uint8)
    drawn = overlay(black, heat, strength=1, smooth=False)
    assert np.array_equal(drawn, np.rint(coloured(shares)))
    assert len(np.unique(overlay(black, heat, strength=1).reshape(-1, 3), axis=0)) > 4


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_outside_0_to_1_raises(image, strength):
    with pytest.raises(ValueError, match="choose 0 to 1"):
        overlay(image, gradient_heat(), strength=strength)


def test_a_contrast_has_its_middle_colour_where_nothing_differs():
    drawn = draw_contrast(np.float32([[-2, 0], [1, 4]]), 2, smooth=False)
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, np.rint(coloured([[0.25, 0.5], [0.625, 1]], DIVERGING)))
    middle = drawn[0, 1].astype(int)
    assert middle.min() > 240 and np.ptp(middle) <= 2


def test_a_contrast_turned_round_is_drawn_in_the_opposite_colours():
    difference = np.float32([[-3, -1, 0, 2, 3]])
    ours = draw_contrast(difference, 5, scale=4, smooth=False)[0]
    theirs = draw_contrast(-difference, 5, scale=4, smooth=False)[0]
    warm, cold = ours[4].astype(int), theirs[4].astype(int)
    assert warm[0] > warm[2] and cold[2] > cold[0]  # brown for more, teal for less
    assert np.array_equal(ours[2], theirs[2])


@pytest.mark.parametrize("scale", [None, 0.0, 2.0])
def test_no_contrast_at_all_is_nearly_white(scale):
    drawn = draw_contrast(np.zeros((8, 8), dtype=np.float32), 32, scale=scale)
    assert (drawn == np.rint(coloured(0.5, DIVERGING))).all()


@pytest.mark.parametrize(("name", "n"), [(COLOURS, 64), (DIVERGING, 65)])
def test_a_colour_table_holds_equal_steps_for_the_page(name, n):
    table = colour_table(name, n)
    assert len(table) == n and all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in table)
    for place in (0, n // 2, n - 1):
        rgb = [int(table[place][k : k + 2], 16) for k in (1, 3, 5)]
        assert rgb == np.rint(coloured(place / (n - 1), name)).tolist()


def luminance(name, n=65):
    rgb = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in colour_table(name, n)])
    linear = np.where(rgb / 255 > 0.04045, ((rgb / 255 + 0.055) / 1.055) ** 2.4, rgb / 255 / 12.92)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_in_grey_print_more_evidence_is_brighter_and_more_difference_darker():
    assert (np.diff(luminance(COLOURS)) > 0).all()
    difference = luminance(DIVERGING)
    assert difference.argmax() == 32
    assert (np.diff(difference[:33]) > 0).all() and (np.diff(difference[32:]) < 0).all()
