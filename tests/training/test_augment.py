import numpy as np
import pytest
import torch

from cifar.training.augment import DRAWS, augment, cutmix, cutout, flip, resize, shift


@pytest.fixture
def images():
    return torch.randint(
        0, 256, (24, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )


def integers(low, high, count=24, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(low, high + 1, (count,), generator=generator)


def drawn(count=24, seed=0):
    return torch.rand(count, DRAWS, generator=torch.Generator().manual_seed(seed))


def reflected(i, size):
    if i < 0:
        return -i
    return i if i < size else 2 * (size - 1) - i


def test_flip_equals_a_slow_loop(images):
    mirrored = integers(0, 1).bool()
    expected = [a[:, :, ::-1] if m else a for a, m in zip(images.numpy(), mirrored, strict=True)]
    assert 0 < mirrored.sum() < 24
    assert np.array_equal(flip(images, mirrored), np.stack(expected))


@pytest.mark.parametrize("reach", [1, 2, 4])
@pytest.mark.parametrize("side", [16, 32])
def test_shift_equals_a_slow_loop(images, reach, side):
    images = images[..., :side, :side]
    dy, dx = integers(-reach, reach), integers(-reach, reach, seed=2)
    expected = np.empty_like(images.numpy())
    for n, image in enumerate(images.numpy()):
        for y in range(side):
            for x in range(side):
                row, column = reflected(y - int(dy[n]), side), reflected(x - int(dx[n]), side)
                expected[n, :, y, x] = image[:, row, column]
    shifted = shift(images, dy, dx, reach)
    assert shifted.dtype == torch.uint8 and np.array_equal(shifted, expected)


def test_shift_moves_down_and_right_and_reflects_at_the_edge():
    ramp = torch.arange(8, dtype=torch.uint8).view(1, 1, 1, 8).expand(1, 3, 8, 8)
    moved = shift(ramp, torch.tensor([0]), torch.tensor([2]), 2)
    assert moved[0, 0, 0].tolist() == [2, 1, 0, 1, 2, 3, 4, 5]
    moved = shift(ramp.transpose(2, 3), torch.tensor([-2]), torch.tensor([0]), 2)
    assert moved[0, 0, :, 0].tolist() == [2, 3, 4, 5, 6, 7, 6, 5]


@pytest.mark.parametrize("size", [1, 4, 7, 8, 12])
def test_cutout_equals_a_slow_loop(images, size):
    cy, cx = integers(0, 31), integers(0, 31, seed=2)
    expected = images.numpy().copy()
    for n in range(24):
        top, left = int(cy[n]) - size // 2, int(cx[n]) - size // 2
        for y in range(max(0, top), min(32, top + size)):
            for x in range(max(0, left), min(32, left + size)):
                expected[n, :, y, x] = 120
    cut = cutout(images, cy, cx, size)
    assert cut.dtype == torch.uint8 and np.array_equal(cut, expected)


def test_cutout_is_cut_at_the_borders():
    black = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    corners = cutout(black, torch.tensor([0, 31]), torch.tensor([0, 31]), 8)
    assert (corners[0, 0] == 120).sum() == 4 * 4 and (corners[0, :, :4, :4] == 120).all()
    assert (corners[1, 0] == 120).sum() == 5 * 5 and (corners[1, :, 27:, 27:] == 120).all()


def test_cutmix_equals_a_slow_loop(images):
    cy, cx, sizes = integers(0, 31), integers(0, 31, seed=2), integers(0, 32, seed=3)
    expected, own = images.numpy().copy(), np.full(24, 1024)
    for n in range(24):
        top, left = int(cy[n]) - int(sizes[n]) // 2, int(cx[n]) - int(sizes[n]) // 2
        for y in range(max(0, top), min(32, top + int(sizes[n]))):
            for x in range(max(0, left), min(32, left + int(sizes[n]))):
                expected[n, :, y, x] = images[n - 1, :, y, x]
                own[n] -= 1
    mixed, kept = cutmix(images, cy, cx, sizes)
    assert mixed.dtype == torch.uint8 and np.array_equal(mixed, expected)
    assert kept.dtype == torch.float32 and np.allclose(kept, own / 1024, atol=1e-6)


@pytest.mark.parametrize("size", [8, 16, 24, 32])
@pytest.mark.parametrize("value", [0, 77, 255])
def test_resize_keeps_a_constant_image_constant(size, value):
    resized = resize(torch.full((2, 3, 32, 32), value, dtype=torch.uint8), size)
    assert resized.dtype == torch.uint8 and resized.shape == (2, 3, size, size)
    assert (resized == value).all()


def triangle_resized(image, size):
    """Shrink (H, W) by a triangle filter as wide as two new pixels, in both directions."""
    scale = len(image) / size
    weights = np.zeros((size, len(image)))
    for i in range(size):
        distance = np.abs(np.arange(len(image)) + 0.5 - (i + 0.5) * scale) / scale
        weights[i] = np.clip(1 - distance, 0, None)
    weights /= weights.sum(1, keepdims=True)
    return weights @ image @ weights.T


@pytest.mark.parametrize("size", [8, 16, 24])
def test_resize_averages_over_what_a_new_pixel_covers(images, size):
    expected = np.stack([[triangle_resized(c, size) for c in a] for a in images.numpy() / 1.0])
    assert np.abs(resize(images, size).numpy() - expected).max() <= 0.51


def test_resize_to_the_same_size_changes_nothing(images):
    assert torch.equal(resize(images, 32), images)


def test_augment_with_nothing_on_returns_the_images(images):
    still = torch.zeros(24, dtype=torch.bool)
    result, kept = augment(images, still, drawn(), shift_by=0, cutout_size=0, size=32)
    assert torch.equal(result, images) and (kept == 1).all()


def test_augment_depends_on_its_arguments_alone(images):
    before, mirrored = images.clone(), integers(0, 1).bool()
    options = {"shift_by": 2, "cutout_size": 8, "cutmix_share": 0.5, "size": 24}
    first, kept = augment(images, mirrored, drawn(seed=5), **options)
    torch.rand(3)
    again, kept_again = augment(images, mirrored, drawn(seed=5), **options)
    assert torch.equal(first, again) and torch.equal(kept, kept_again)
    assert not torch.equal(first, augment(images, mirrored, drawn(seed=6), **options)[0])
    assert torch.equal(images, before)
    assert first.shape == (24, 3, 24, 24) and first.dtype == torch.uint8
    assert kept.shape == (24,) and kept.dtype == torch.float32


def test_the_largest_numbers_that_can_be_drawn_stay_within_reach():
    # In float32, products just below a whole number could be rounded up to it.
    largest = torch.full((1, DRAWS), 1 - 2**-24)
    dot, still = torch.zeros(1, 3, 32, 32, dtype=torch.uint8), torch.zeros(1, dtype=torch.bool)
    dot[:, :, 8, 8] = 255
    for reach in range(1, 16):
        moved, _ = augment(dot, still, largest, shift_by=reach, cutout_size=0, size=32)
        assert moved[0, 0, 8 + reach, 8 + reach] == 255
    cut, _ = augment(dot, still, largest, shift_by=0, cutout_size=1, size=32)
    assert cut[0, 0, 31, 31] == 120


def test_augment_moves_by_every_distance_within_reach():
    # A single bright pixel in the middle tells where its image went.
    dots = torch.zeros(2000, 3, 32, 32, dtype=torch.uint8)
    dots[:, :, 16, 16] = 255
    still = torch.zeros(2000, dtype=torch.bool)
    moved = augment(dots, still, drawn(2000), shift_by=2, cutout_size=0, size=32)[0][:, 0]
    places = {(int(y) - 16, int(x) - 16) for _, y, x in moved.nonzero()}
    assert places == {(y, x) for y in range(-2, 3) for x in range(-2, 3)}


def test_augment_cuts_around_every_pixel():
    black = torch.zeros(8000, 3, 8, 8, dtype=torch.uint8)
    still = torch.zeros(8000, dtype=torch.bool)
    cut = augment(black, still, drawn(8000), shift_by=0, cutout_size=1, size=8)[0][:, 0]
    assert (cut.flatten(1) == 120).sum(1).tolist() == [1] * 8000
    assert (cut == 120).any(0).all()


def test_augment_mixes_a_share_of_the_images_and_cuts_out_of_the_others():
    # Every image of one grey level: what is painted over it shows its neighbour's, or the hole's.
    levels = torch.arange(100).repeat(40)
    grey = levels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 32, 32)
    still = torch.zeros(4000, dtype=torch.bool)
    options = {"shift_by": 0, "cutout_size": 8, "cutmix_share": 0.25, "size": 32}
    changed, kept = augment(grey, still, drawn(4000), **options)
    changed = changed[:, 0].flatten(1)
    own, hole = (changed == levels.view(-1, 1)), (changed == 120)
    others = changed == levels.roll(1).view(-1, 1)
    assert (own | hole | others).all()
    torch.testing.assert_close(kept, 1 - others.float().mean(1))
    assert not (hole.any(1) & others.any(1)).any()
    assert abs(others.any(1).float().mean() - 0.25) < 0.03
    # An area from 0 to 1 evenly, less what lies beyond the borders.
    assert 0 <= kept.min() < 0.1 and 0.65 < kept[others.any(1)].mean() < 0.75


def test_augment_flips_before_it_shifts(images):
    all_mirrored = torch.ones(24, dtype=torch.bool)
    options = {"shift_by": 2, "cutout_size": 4, "size": 32}
    still = torch.zeros(24, dtype=torch.bool)
    expected, _ = augment(images.flip(-1), still, drawn(seed=3), **options)
    assert torch.equal(augment(images, all_mirrored, drawn(seed=3), **options)[0], expected)
