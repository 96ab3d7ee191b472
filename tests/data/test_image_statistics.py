import numpy as np
import pytest

from cifar.data.image_statistics import QUALITIES, measure


def image(*colours):
    """Equally wide vertical stripes."""
    columns = np.repeat(np.array(colours, np.uint8), 32 // len(colours), axis=0)
    return np.broadcast_to(columns, (32, 32, 3))


def found(*images):
    return dict(zip(QUALITIES, measure(np.stack(images)).T, strict=True))


def test_plain_images_have_brightness_alone():
    grey, white = image((51, 51, 51)), image((255, 255, 255))
    assert found(grey, white)["brightness"] == pytest.approx([0.2, 1])
    for name in ("contrast", "sharpness", "colourfulness"):
        assert found(grey, white)[name] == pytest.approx([0, 0], abs=1e-4)


def test_green_is_the_brightest_primary():
    primaries = [image((255, 0, 0)), image((0, 255, 0)), image((0, 0, 255))]
    assert found(*primaries)["brightness"] == pytest.approx([0.299, 0.587, 0.114])


def test_contrast_of_halves():
    black_white = image((0, 0, 0), (255, 255, 255))
    assert found(black_white)["contrast"] == pytest.approx([0.5])


def test_sharpness_equals_plain_python():
    """An edge between columns 15 and 16: 1 to its left, -1 to its right, 0 elsewhere."""
    edge = image((0, 0, 0), (255, 255, 255))
    assert found(edge)["sharpness"] == pytest.approx([2 / 30])


def test_a_blurred_image_is_less_sharp():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (34, 34, 3))
    blurred = sum(noise[i : i + 32, j : j + 32] for i in range(3) for j in range(3)) // 9
    values = found(noise[1:-1, 1:-1].astype(np.uint8), blurred.astype(np.uint8))["sharpness"]
    assert values[0] > 10 * values[1]


def test_colourfulness_follows_the_published_formula():
    """Half red, half blue: rg is 255 or 0, yb 127.5 or -255."""
    rg, yb = np.array([255, 0]), np.array([127.5, -255])
    spread = np.sqrt(rg.std() ** 2 + yb.std() ** 2)
    expected = spread + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2)
    assert found(image((255, 0, 0), (0, 0, 255)))["colourfulness"] == pytest.approx([expected])


def test_batches_change_nothing(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (23, 32, 32, 3), dtype=np.uint8)
    whole = measure(images)
    assert whole.dtype == np.float32 and whole.shape == (23, 4)
    monkeypatch.setattr("cifar.data.image_statistics.BATCH", 5)
    assert np.array_equal(measure(images), whole)


def test_every_test_image_can_be_measured(test_split):
    values = measure(test_split.images.permute(0, 2, 3, 1).numpy())
    assert np.isfinite(values).all() and values.min() >= 0
    brightness, contrast, _, colourfulness = values.T
    assert brightness.max() <= 1 and contrast.max() <= 0.5
    # As torch has it, image by image in double precision.
    pixels = test_split.images[:50].double() / 255
    light = (pixels * pixels.new_tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1)
    assert brightness[:50] == pytest.approx(light.mean((1, 2)).numpy(), rel=1e-5)
    assert (colourfulness == 0).sum() == _greys(test_split.images)


def _greys(images):
    """How many images have equal red, green and blue everywhere."""
    return ((images[:, 0] == images[:, 1]) & (images[:, 1] == images[:, 2])).all((1, 2)).sum()
