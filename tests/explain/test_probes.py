import numpy as np
import pytest
import torch

from cifar import files
from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify
from cifar.explain.probes import PROBES, Flip, Sweep, flips, sweeps
from cifar.models import checkpoint
from cifar.models.staged import normalize

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
SMOOTH = np.stack(
    [np.add.outer(np.arange(32) * a, np.arange(32) * b) for a, b in ((3, 4), (5, 1), (0, 7))], 2
).astype(np.uint8)


def apply(name, setting, image=IMAGE):
    return PROBES[name].apply(image, setting)


@pytest.mark.parametrize("probe", PROBES.values(), ids=lambda probe: probe.name)
def test_a_setting_changes_pixels_unless_it_is_neutral(probe):
    for setting in probe.settings:
        check_setting(probe, setting)


def check_setting(probe, setting):
    before = IMAGE.copy()
    changed = probe.apply(IMAGE, setting)
    assert changed.dtype == np.uint8 and changed.shape == (32, 32, 3)
    assert np.array_equal(changed, IMAGE) == (setting == probe.neutral)
    changed[:] = 0  # its own memory
    assert np.array_equal(IMAGE, before)


@pytest.mark.parametrize("probe", PROBES.values(), ids=lambda probe: probe.name)
def test_settings_are_in_order_and_hold_the_neutral_one(probe):
    assert probe.settings.count(probe.neutral) == 1
    assert list(probe.settings) in (sorted(set(probe.settings)), sorted(set(probe.settings))[::-1])


def test_names_are_keys_and_the_images_are_few():
    assert all(name == probe.name for name, probe in PROBES.items())
    assert sum(len(probe.settings) for probe in PROBES.values()) <= 150


def test_words_tell_settings_apart():
    for probe in PROBES.values():
        words = [probe.words(setting) for setting in probe.settings]
        assert len(set(words)) == len(words) and words.count("unchanged") == 1
        assert probe.words(probe.neutral) == "unchanged"


@pytest.mark.parametrize(
    ("name", "setting", "words"),
    [
        ("shift_x", -4, "4 px to the left"),
        ("shift_x", 1, "1 px to the right"),
        ("shift_y", -2, "2 px up"),
        ("shift_y", 8, "8 px down"),
        ("rotate", 30, "30 degrees clockwise"),
        ("rotate", -5, "5 degrees counter-clockwise"),
        ("mirror", 1, "mirrored"),
        ("brightness", 0.5, "0.5 times as bright"),
        ("contrast", 1.25, "1.25 times the contrast"),
        ("blur", 1.4, "blur 1.4 px"),
        ("noise", 20, "noise of 20 levels"),
        ("jpeg", 20, "JPEG quality 20"),
        ("grey", 30, "30 % of the colour gone"),
        ("grey", 100, "all colour gone"),
        ("crop", 24, "only the central 24 px"),
        ("jpeg", 100, "unchanged"),
    ],
)
def test_words(name, setting, words):
    assert setting in PROBES[name].settings
    assert PROBES[name].words(setting) == words


@pytest.mark.parametrize("n", [1, 8])
def test_a_shift_moves_every_pixel_by_so_many_and_reflects_the_edge(n):
    right, left = apply("shift_x", n), apply("shift_x", -n)
    assert np.array_equal(right[:, n:], IMAGE[:, :-n])
    assert np.array_equal(right[:, :n], IMAGE[:, n:0:-1])
    assert np.array_equal(left[:, :-n], IMAGE[:, n:])
    assert np.array_equal(left[:, -n:], IMAGE[:, -2 : -2 - n : -1])
    turned = IMAGE.transpose(1, 0, 2)
    assert np.array_equal(apply("shift_y", n), apply("shift_x", n, turned).transpose(1, 0, 2))
    assert np.array_equal(apply("shift_y", -n), apply("shift_x", -n, turned).transpose(1, 0, 2))


def test_a_quarter_turn_is_exact():
    assert np.array_equal(apply("rotate", 90), np.rot90(IMAGE, -1))  # clockwise
    assert np.array_equal(apply("rotate", -90), np.rot90(IMAGE))


@pytest.mark.parametrize("degrees", [-90, -20, 5, 45])
def test_a_turn_goes_clockwise_and_leaves_no_black_corner(degrees):
    light = np.full((32, 32, 3), 200, np.uint8)
    assert (apply("rotate", degrees, light) == 200).all()
    light[2:8, 15:17] = 0  # a mark at 12 o'clock
    rows, columns = np.nonzero(apply("rotate", degrees, light)[..., 0] < 100)
    inner = np.hypot(rows - 15.5, columns - 15.5) < 14  # without its reflections
    x, y = columns[inner].mean() - 15.5, 15.5 - rows[inner].mean()
    assert np.degrees(np.arctan2(x, y)) == pytest.approx(degrees, abs=3)


def test_mirror_exchanges_left_and_right():
    assert np.array_equal(apply("mirror", 1), IMAGE[:, ::-1])


def test_brightness_multiplies_every_value():
    for factor in PROBES["brightness"].settings:
        expected = np.clip(IMAGE * np.float64(factor), 0, 255)
        assert np.abs(apply("brightness", factor) - expected).max() <= 1


def test_contrast_spreads_values_about_the_mean_luminance():
    for factor in (0.2, 0.5, 1.5):
        found = apply("contrast", factor, SMOOTH).astype(float)
        mean = (SMOOTH @ (0.299, 0.587, 0.114)).mean()
        expected = np.clip(mean + factor * (SMOOTH - mean), 0, 255)
        assert np.abs(found - expected).max() <= 2


def test_blur_spreads_a_point_as_far_as_it_says():
    point = np.zeros((32, 32, 3), np.uint8)
    point[16, 16] = 255
    for sigma in (1, 1.4, 2):
        spread = apply("blur", sigma, point)[..., 0].astype(float).sum(0)
        found = np.sqrt((spread * (np.arange(32) - 16) ** 2).sum() / spread.sum())
        assert found == pytest.approx(sigma, rel=0.15)
    flat = np.full((32, 32, 3), 77, np.uint8)
    assert (apply("blur", 3, flat) == 77).all()  # no dark border


def test_noise_has_the_strength_that_it_says_and_is_always_the_same():
    grey = np.full((32, 32, 3), 128, np.uint8)
    for deviation in (4, 20, 30):
        difference = apply("noise", deviation, grey).astype(float) - 128
        assert difference.std() == pytest.approx(deviation, rel=0.05)
        assert abs(difference.mean()) < deviation / 15
    assert np.array_equal(apply("noise", 20), apply("noise", 20))


def test_jpeg_loses_more_at_lower_quality():
    change = [
        np.square(apply("jpeg", quality, SMOOTH) - SMOOTH.astype(float)).mean()
        for quality in (100, 95, 50, 5)
    ]
    assert change[0] == 0 and change == sorted(change) and change[1] < change[3] / 4


def test_grey_takes_the_colour_away():
    gone = apply("grey", 100).astype(int)
    assert np.array_equal(gone[..., 0], gone[..., 1]) and np.array_equal(gone[..., 1], gone[..., 2])
    assert np.abs(gone[..., 0] - IMAGE @ (0.299, 0.587, 0.114)).max() <= 1
    half = apply("grey", 50)
    assert np.abs(half - (gone + IMAGE.astype(int)) / 2).max() <= 1


def test_crop_shows_the_centre_larger():
    image = np.zeros((32, 32, 3), np.uint8)
    image[8:24, 8:24] = 255
    assert (apply("crop", 12, image) == 255).all()
    edge = apply("crop", 20, image)[16, :, 0].astype(int)  # white from 2 of 20 on
    assert edge[1] < 128 < edge[5] and (edge[6:26] > 240).all()


@pytest.fixture(scope="module")
def ckpt(tmp_path_factory, stirred_model, write_checkpoint):
    folder = tmp_path_factory.mktemp("probes") / "net"
    model = stirred_model("basenet")
    with torch.no_grad():  # so unsure of the image that some probe changes the answer
        pixels = torch.from_numpy(IMAGE).permute(2, 0, 1)[None]
        model.head.bias -= model(normalize(pixels))[0]
        model.head.bias[3] += 0.05
    write_checkpoint(folder, model)
    (folder / "metrics.json").write_text(
        '{"temperature": 0.7, "weights_sha256": "'
        + files.sha256_of(folder / "model.safetensors")
        + '"}'
    )
    return checkpoint.load(folder)


@pytest.fixture(scope="module")
def swept(ckpt):
    return sweeps(ckpt, IMAGE)


def test_a_sweep_is_what_the_network_says_of_each_image(ckpt, swept):
    assert [sweep.probe for sweep in swept] == list(PROBES.values())
    for sweep in swept:
        count = len(sweep.probe.settings)
        assert sweep.images.shape == (count, 32, 32, 3) and sweep.images.dtype == np.uint8
        assert sweep.probabilities.shape == (count, 10) and sweep.change.shape == (count,)
        assert sweep.probabilities.dtype == sweep.change.dtype == np.float64
        for i, setting in enumerate(sweep.probe.settings):
            assert np.array_equal(sweep.images[i], sweep.probe.apply(IMAGE, setting))
            answer = classify(ckpt, Seen.image(sweep.images[i]))
            np.testing.assert_allclose(sweep.probabilities[i], answer.probabilities, atol=1e-4)
            squares = (sweep.images[i].astype(float) - IMAGE) ** 2
            assert sweep.change[i] == pytest.approx(np.sqrt(squares.mean()))


def test_batches_change_nothing(ckpt, swept, monkeypatch):
    monkeypatch.setattr("cifar.evaluation.classifier.BATCH", 7)
    for one, other in zip(sweeps(ckpt, IMAGE), swept, strict=True):
        assert np.array_equal(one.images, other.images)
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)


def test_flips_are_true_and_the_smallest_and_in_order(ckpt, swept):
    found = flips(swept)
    assert found and [flip.change for flip in found] == sorted(flip.change for flip in found)
    before = classify(ckpt, Seen.image(IMAGE)).predicted
    by_probe = {flip.probe.name: flip for flip in found}
    assert len(by_probe) == len(found)
    for sweep in swept:
        changed = {
            setting: change
            for setting, image, change in zip(
                sweep.probe.settings, sweep.images, sweep.change, strict=True
            )
            if classify(ckpt, Seen.image(image)).predicted != before
        }
        flip = by_probe.get(sweep.probe.name)
        assert (flip is None) == (not changed)
        if flip:
            assert flip.change == min(changed.values()) == changed[flip.setting]
            answer = classify(ckpt, Seen.image(flip.probe.apply(IMAGE, flip.setting)))
            assert flip.becomes == answer.predicted != before


def invented(name, answers, change):
    probe = PROBES[name]
    return Sweep(
        probe,
        np.zeros((len(answers), 32, 32, 3), np.uint8),
        np.eye(10)[answers],
        np.array(change, dtype=float),
    )


def test_flips_of_known_answers():
    flat = [0] * 17
    far, near = flat.copy(), flat.copy()
    near[8 + 3] = 4
    near[8 - 2] = 5
    far[0] = 9
    change = np.abs(np.arange(-8, 9)) * 2.0
    found = flips(
        [
            invented("shift_x", far, change),
            invented("shift_y", near, change),
            invented("rotate", flat, change),
            invented("mirror", [3, 3], [0, 50]),
        ]
    )
    assert found == [
        Flip(PROBES["shift_y"], -2, 5, 4.0),
        Flip(PROBES["shift_x"], -8, 9, 16.0),
    ]
    assert found[0].words == "2 px up"


def test_equal_pixels_are_no_flip():
    answers = [0] * 17
    answers[3] = 1  # as rounding may have it where two classes tie
    assert flips([invented("shift_x", answers, np.zeros(17))]) == []


def test_a_flat_grey_image_survives_what_cannot_change_it(ckpt):
    swept = sweeps(ckpt, np.full((32, 32, 3), 128, np.uint8))
    unchanged = {"shift_x", "shift_y", "rotate", "mirror", "blur", "grey", "crop", "contrast"}
    for sweep in swept:
        if sweep.probe.name in unchanged:
            assert (sweep.change == 0).all()
    assert not {flip.probe.name for flip in flips(swept)} & unchanged
