import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from torch.nn.functional import interpolate

from cifar.explain.methods import HeatMap
from cifar.explain.perturbation import (
    blur,
    composite,
    impute,
    random_maps,
    ranking,
    resize,
    top_pixels,
)

SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@pytest.fixture
def pixels():
    return np.random.default_rng(1).standard_normal((3, 32, 32)).astype(np.float32)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape)


def heat(values):
    return HeatMap(np.asarray(values, dtype=np.float32), 3, "gradcam", (), "logits")


@pytest.mark.parametrize("size", [4, 8, 16, 32])
def test_a_map_grows_centre_on_centre(size):
    values = noise(size, size)
    expected = interpolate(torch.tensor(values)[None, None], size=(32, 32), mode="bilinear")
    np.testing.assert_allclose(resize(values, 32), expected[0, 0], atol=1e-6)


def test_pixels_come_by_falling_evidence():
    values = noise(8, 8)
    order = ranking(values)
    assert sorted(order) == list(range(1024))
    assert (np.diff(resize(values, 32).ravel()[order]) <= 0).all()


def test_equal_evidence_comes_in_one_random_order_and_not_row_by_row():
    order = ranking(np.zeros((8, 8)))
    assert np.array_equal(order, ranking(np.ones((4, 4))))
    early, rows = order[:512], np.arange(1024) // 32
    assert abs(rows[early].mean() - rows.mean()) < 4 and abs((early % 32).mean() - 15.5) < 4
    # Whole patches: most neighbours of an early pixel are early too.
    mask = top_pixels(order, (0.5,)).reshape(32, 32)
    assert (mask[:, 1:] == mask[:, :-1]).mean() > 0.85


def test_ties_do_not_move_what_differs():
    values = np.zeros((32, 32))
    values[10, 10], values[20, 20] = 2, 1
    assert list(ranking(values)[:2]) == [10 * 32 + 10, 20 * 32 + 20]


def test_masks_hold_the_first_of_an_order():
    order = ranking(noise(8, 8))
    masks = top_pixels(order, SHARES)
    assert masks.shape == (6, 1024) and list(masks.sum(1)) == [0, 205, 410, 614, 819, 1024]
    for mask, count in zip(masks, masks.sum(1), strict=True):
        assert set(np.flatnonzero(mask)) == set(order[:count])


def test_a_mix_takes_each_pixel_from_one_image(pixels):
    masks = top_pixels(ranking(noise(8, 8)), SHARES)
    found = composite(pixels, -pixels, masks)
    assert found.shape == (6, 3, 32, 32) and found.dtype == np.float32
    assert np.array_equal(found[0], -pixels) and np.array_equal(found[-1], pixels)
    assert np.array_equal(found[2] == pixels, np.repeat(masks[2].reshape(1, 32, 32), 3, axis=0))


def test_a_blurred_image_keeps_its_colours(pixels):
    soft = blur(pixels + np.array([1, 2, 3], dtype=np.float32).reshape(3, 1, 1))
    assert soft.dtype == np.float32 and soft.std(axis=(1, 2)).max() < 0.15
    np.testing.assert_allclose(soft.mean((1, 2)), [1, 2, 3], atol=0.1)


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # the library's
@pytest.mark.parametrize("size", [4, 8, 32])
def test_imputation_equals_the_grad_cam_library(pixels, size):
    masks = top_pixels(ranking(noise(size, size)), SHARES[:-1])
    found = impute(pixels, masks, np.random.default_rng(0), noise=0)
    library = NoisyLinearImputer(noise=0)
    for ours, mask in zip(found[1:], masks[1:], strict=True):
        kept = torch.from_numpy(np.float32(~mask.reshape(32, 32)))
        expected = library(torch.from_numpy(pixels), kept)
        np.testing.assert_allclose(ours, expected, atol=1e-5)
    np.testing.assert_allclose(found[0], pixels, atol=1e-6)


def test_only_masked_pixels_are_noisy(pixels):
    masks = top_pixels(ranking(noise(8, 8)), (0.5,))
    clean, noisy = (impute(pixels, masks, np.random.default_rng(0), noise=n)[0] for n in (0, 0.1))
    hidden = masks.reshape(32, 32)
    np.testing.assert_allclose(noisy[:, ~hidden], pixels[:, ~hidden], atol=1e-6)
    assert (noisy - clean)[:, hidden].std() == pytest.approx(0.1, rel=0.1)


def test_an_even_surface_is_guessed_exactly():
    plain = np.full((3, 32, 32), 0.7, dtype=np.float32)
    masks = top_pixels(ranking(noise(4, 4)), (0.99,))
    np.testing.assert_allclose(impute(plain, masks, np.random.default_rng(0), noise=0)[0], plain)


def test_an_image_cannot_be_guessed_from_nothing(pixels):
    with pytest.raises(ValueError, match="leave some to guess"):
        impute(pixels, np.ones((1, 1024), dtype=bool), np.random.default_rng(0))


def smoothness(values):
    """Correlation of neighbouring cells."""
    return np.corrcoef(values[:, 1:].ravel(), values[:, :-1].ravel())[0, 1]


def test_random_maps_are_as_smooth_as_the_map():
    smooth, rough = resize(noise(4, 4), 32), noise(32, 32)
    for values, low, high in ((smooth, 0.9, 1), (rough, -0.2, 0.2)):
        maps = random_maps(heat(values), 8, np.random.default_rng(0))
        assert all(found.shape == (32, 32) for found in maps)
        assert low < np.mean([smoothness(found) for found in maps]) < high


def test_random_maps_know_nothing_of_the_map():
    values = resize(noise(4, 4), 32)
    maps = random_maps(heat(values), 300, np.random.default_rng(0))
    likeness = [np.corrcoef(found.ravel(), values.ravel())[0, 1] for found in maps]
    assert abs(np.mean(likeness)) < 0.05


@pytest.mark.parametrize("value", [0, 5])
def test_random_maps_for_a_constant_map_are_noise(value):
    maps = random_maps(heat(np.full((8, 8), value)), 2, np.random.default_rng(0))
    assert all(np.ptp(found) > 0 for found in maps) and not np.array_equal(*maps)


def test_random_maps_are_those_of_their_seed():
    first_time, again, other = (
        random_maps(heat(noise(8, 8)), 2, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(first_time, again) and not np.array_equal(first_time, other)
