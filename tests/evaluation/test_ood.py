import dataclasses
import json
import threading
import time

import numpy as np
import pytest
from scipy.special import softmax

from cifar import files
from cifar.data import ood_sets
from cifar.evaluation import ood
from cifar.evaluation.classifier import Answer
from cifar.evaluation.predictions import Predictions, save_predictions
from cifar.models import checkpoint
from cifar.models.errors import CheckpointError

TITLES = [row.name for row in ood_sets.SETS]


def directions(count, width=16, spread=0.1, seed=0):
    """Features of various lengths that lie about five directions, float32 (count, width)."""
    rng = np.random.default_rng(seed)
    centres = np.eye(5, width)
    found = centres[np.arange(count) % 5] + spread * rng.random((count, width))
    return (found * rng.uniform(10, 30, (count, 1))).astype(np.float32)


def logits_of(count, right, seed=0):
    """Logits float32 (count, 10) and labels: as sure as random numbers say, right as often."""
    rng = np.random.default_rng(seed)
    labels, top = rng.integers(0, 10, count), rng.uniform(0.3, 1, count)
    said = np.where(rng.random(count) < right(top), labels, (labels + 1) % 10)
    probs = np.repeat((1 - top)[:, None] / 9, 10, 1)
    probs[np.arange(count), said] = top
    return (np.log(probs) + rng.uniform(2, 6, (count, 1))).astype(np.float32), labels


def recorded(count=400, **changed):
    logits, labels = logits_of(count, lambda top: top)
    features = directions(count).astype(np.float16)
    return Predictions(logits, labels, changed.get("features", features), True, "sha")


@pytest.fixture
def measured():
    val_logits, val_labels = logits_of(1000, lambda top: top, seed=1)
    sure = logits_of(30, lambda top: top, seed=2)[0]
    others = {name: (sure, -directions(30, seed=3)) for name in TITLES}
    others["shapes"] = sure, directions(30, seed=4)
    return ood.measure(1.0, recorded(), val_logits, directions(1000, seed=1), val_labels, others)


def unit(features):
    features = features.astype(np.float32)
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def plain(features):
    """Known features beside which none are short."""
    return dataclasses.replace(ood.FeatureBank.of(features), length=0.0)


def test_distances_are_those_to_the_50th_nearest_other():
    known, asked = directions(700), directions(40, seed=1)
    cosines = np.sort(unit(asked) @ unit(known).T, axis=1)[:, ::-1]
    np.testing.assert_allclose(ood.distances(asked, plain(known)), 1 - cosines[:, 49], atol=1e-6)


def test_a_recorded_image_does_not_find_itself():
    features = directions(300)
    recorded = features.astype(np.float16)
    cosines = unit(features) @ unit(recorded).T
    np.fill_diagonal(cosines, -1)
    expected = 1 - np.sort(cosines, axis=1)[:, -50]
    np.testing.assert_allclose(ood.distances(features, plain(recorded)), expected, atol=1e-6)


def test_what_is_known_is_directions_and_a_middle_length():
    known = ood.FeatureBank.of(np.array([[3, 4], [0, 1], [6, 8]], np.float16))
    np.testing.assert_allclose(known.directions, [[0.6, 0.8], [0, 1], [0.6, 0.8]], rtol=1e-6)
    assert known.directions.dtype == np.float32 and known.length == 5


def test_short_features_count_as_further_and_long_ones_as_they_are():
    known, asked = ood.FeatureBank.of(directions(200)), unit(directions(33, seed=1))
    usual = ood.distances(known.length * asked, known)
    np.testing.assert_allclose(ood.distances(7 * known.length * asked, known), usual, atol=1e-6)
    short = ood.distances(known.length / 3 * asked, known)
    np.testing.assert_allclose(short, 9 * usual, rtol=1e-4)


def test_batches_change_nothing(monkeypatch):
    known, asked = ood.FeatureBank.of(directions(200)), directions(33, seed=1)
    whole = ood.distances(asked, known)
    monkeypatch.setattr("cifar.evaluation.ood.BATCH", 10)
    np.testing.assert_allclose(ood.distances(asked, known), whole, rtol=1e-4)
    assert ood.distances(asked[:0], known).shape == (0,)


def test_features_that_are_all_zero_are_further_than_everything():
    known = ood.FeatureBank.of(directions(200))
    nothing = ood.distances(np.zeros((1, 16)), known)
    assert np.isfinite(nothing) and nothing > ood.distances(-directions(200) / 1000, known).max()


def test_few_known_features_will_do():
    assert ood.distances(directions(4), ood.FeatureBank.of(directions(2, seed=1))).shape == (4,)


def test_the_threshold_gives_5_percent_on_val(measured):
    alarms = measured["ood"]["false_alarms"]
    assert alarms["val"]["value"] == 0.05 and alarms["val"]["n"] == 1000
    assert 0.02 < alarms["test"]["value"] < 0.09 and alarms["test"]["n"] == 400


def test_other_directions_are_found_and_like_ones_are_not(measured):
    rows = {row["name"]: row for row in measured["ood"]["sets"]}
    assert list(rows) == TITLES and all(row["n"] == 30 for row in rows.values())
    assert rows["digits"]["detected"]["value"] == 1 and rows["shapes"]["detected"]["value"] < 0.2
    assert rows["digits"]["detected"]["low"] == pytest.approx(30 / (30 + 1.959964**2))
    json.dumps(measured, allow_nan=False)


def test_not_sure_is_where_fewer_than_9_in_10_are_right(measured):
    below = measured["unsure"]["below"]
    assert below == pytest.approx(0.9, abs=0.07)  # calibrated: as often right as it says
    for part in (measured["unsure"]["val"], measured["unsure"]["test"]):
        assert part["accuracy_below"]["value"] < 0.75 and part["accuracy_above"]["value"] > 0.88
        low, high = part["accuracy_below"]["n"], part["accuracy_above"]["n"]
        assert part["share"]["value"] == low / (low + high)
    assert measured["unsure"]["test"]["share"]["n"] == 400


def test_the_temperature_counts():
    val_logits, val_labels = logits_of(500, lambda top: top)
    others = {name: (val_logits[:3], directions(3)) for name in TITLES}
    cool, warm = (
        ood.measure(t, recorded(), val_logits, directions(500), val_labels, others)
        for t in (1.0, 2.0)
    )
    assert warm["unsure"]["below"] < cool["unsure"]["below"]
    assert warm["ood"] == cool["ood"]


@pytest.mark.parametrize(
    ("confidence", "right", "below"),
    [
        ([0.5, 0.6, 0.7, 0.8], [0, 0, 1, 1], 0.7),
        ([0.8, 0.5, 0.7, 0.6], [1, 0, 1, 0], 0.7),  # in any order
        ([0.5, 0.6], [1, 1], 0.5),
        # A wrong one among ten from 0.6 on: 9 in 10 are right there.
        ([0.5, *np.arange(0.60, 0.70, 0.01)], [0, 0] + [1] * 9, 0.61),
        ([0.5, *np.arange(0.60, 0.70, 0.01)], [0, 1, 0] + [1] * 8, 0.62),
        ([0.5] + [0.6] * 10, [0, 0] + [1] * 9, 0.6),
        ([0.5] + [0.6] * 9, [0, 0] + [1] * 8, np.nextafter(1, 2)),
        ([0.5, 0.9, 1.0], [0, 0, 0], np.nextafter(1, 2)),
    ],
)
def test_unsure_below(confidence, right, below):
    found = ood.unsure_below(np.array(confidence), np.array(right, dtype=bool))
    assert found == pytest.approx(below, abs=1e-12) and isinstance(found, float)


def answer(features, logits=None):
    """An answer with given logits, or with the energy of the test images on average."""
    logits = np.log([0.65, *[0.35 / 9] * 9]) + 4 if logits is None else logits
    probs = softmax(logits.astype(np.float64))
    return Answer(logits, probs, features, np.zeros((1, 1), np.int64), "image")


@pytest.fixture
def ckpt(make_checkpoint, metrics_of, measured):
    """A checkpoint with predictions and metrics that nothing made."""
    found = checkpoint.load(make_checkpoint())
    predictions = dataclasses.replace(recorded(), sha256=found.sha256)
    save_predictions(found.path / "predictions.npz", predictions)
    metrics = metrics_of(found.sha256, temperature=1.0, **measured)
    files.write_json(found.path / "metrics.json", metrics)
    return checkpoint.load(found.path)


def test_unlike_goes_by_direction_and_length(ckpt):
    alike, other = directions(20, seed=8), -directions(20, seed=8)
    assert sum(ood.is_ood(ckpt, answer(row)) for row in alike) <= 4
    assert all(ood.is_ood(ckpt, answer(row)) for row in alike / 100)
    assert all(ood.is_ood(ckpt, answer(row)) for row in other)
    assert ood.is_ood(ckpt, answer(np.zeros(16, np.float32)))


def test_unlike_agrees_with_what_was_measured(ckpt, measured):
    test = recorded()
    features = test.features.astype(np.float32) * np.float32(1.0001)  # as if live
    rows = zip(features, test.logits, strict=True)
    alarms = sum(ood.is_ood(ckpt, answer(*row)) for row in rows)
    assert alarms / 400 == pytest.approx(measured["ood"]["false_alarms"]["test"]["value"])


def test_unsure_goes_by_confidence(ckpt):
    below = ckpt.metrics["unsure"]["below"]
    for confidence, expected in ((below - 0.01, True), (below + 0.01, False)):
        probs = np.full(10, (1 - confidence) / 9)
        probs[3] = confidence
        assert ood.is_unsure(ckpt, answer(np.zeros(16), np.log(probs))) is expected
    exact = np.array([below, *[(1 - below) / 9] * 9])
    said = dataclasses.replace(answer(np.zeros(16)), probabilities=exact)
    assert ood.is_unsure(ckpt, said) is False


@pytest.fixture(autouse=True)
def no_banks(monkeypatch):
    """Forget the feature banks of other tests, whose networks have the same weights."""
    monkeypatch.setattr(ood, "_banks", {})


def test_the_known_features_are_read_once_by_any_number_of_threads(ckpt, monkeypatch):
    read, load = [], ood.load_predictions

    def slow(found):
        read.append(found)
        time.sleep(0.05)
        return load(found)

    monkeypatch.setattr(ood, "load_predictions", slow)
    features, said = directions(16, seed=2), []
    threads = [
        threading.Thread(target=lambda row=row: said.append(ood.is_ood(ckpt, answer(row))))
        for row in features
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 16 and len(read) == 1


def test_other_weights_in_the_same_folder_bring_their_own_features(ckpt):
    before = ood.feature_bank(ckpt)
    later = dataclasses.replace(ckpt, sha256="later")
    predictions = dataclasses.replace(recorded(features=directions(400, seed=5)), sha256="later")
    save_predictions(
        ckpt.path / "predictions.npz",
        dataclasses.replace(predictions, features=predictions.features.astype(np.float16)),
    )
    assert ood.feature_bank(ckpt) is before
    assert not np.allclose(ood.feature_bank(later).directions, before.directions)


def test_a_checkpoint_that_was_not_measured_says_what_to_do(make_checkpoint, metrics_of):
    bare = checkpoint.load(make_checkpoint())
    metrics = metrics_of(bare.sha256)
    del metrics["ood"]
    older = dataclasses.replace(bare, metrics=metrics)
    said = answer(np.zeros(16, np.float32))
    for ask in (ood.is_ood, ood.is_unsure):
        with pytest.raises(CheckpointError, match="was not measured yet: run `python -m cifar ev"):
            ask(bare, said)
        with pytest.raises(CheckpointError, match=r"has no ood; run .*evaluate .*/net`"):
            ask(older, said)


def test_predictions_without_features_say_what_to_do(ckpt):
    bare = dataclasses.replace(recorded(), features=None, sha256=ckpt.sha256)
    save_predictions(ckpt.path / "predictions.npz", bare)
    with pytest.raises(CheckpointError, match="holds no features to compare"):
        ood.is_ood(ckpt, answer(np.zeros(16, np.float32)))


@pytest.fixture(scope="module")
def pictures():
    return {row.name: row.images() for row in ood_sets.SETS}


@pytest.mark.parametrize("row", ood_sets.SETS, ids=TITLES)
def test_a_foreign_set_is_the_same_at_every_call(row, pictures):
    images = pictures[row.name]
    assert images.dtype == np.uint8 and images.shape[1:] == (32, 32, 3)
    assert 500 <= len(images) <= 2000
    assert np.array_equal(row.images(), images)


@pytest.mark.parametrize(
    ("name", "count", "mean", "trend"),
    [
        ("digits", 1797, 78.854, -281.97),
        ("letters", 1000, 127.495, 932.52),
        ("pages", 1000, 165.641, 558.08),
        ("drawings", 1000, 221.784, 467.28),
        ("textures", 1000, 127.391, -17.21),
        ("shapes", 1000, 128.670, -534.45),
        ("noise", 1000, 127.464, 25.97),
    ],
)
def test_a_foreign_set_is_the_one_that_was_measured(name, count, mean, trend, pictures):
    # Not a hash: another processor or JPEG decoder may round some pixels otherwise.
    assert len(pictures[name]) == count
    means = pictures[name].reshape(count, -1).mean(1)
    assert means.mean() == pytest.approx(mean, abs=0.02)
    assert means @ np.linspace(-1, 1, count) == pytest.approx(trend, abs=0.5)


def test_no_foreign_image_comes_twice(pictures):
    for name, images in pictures.items():
        distinct = len(np.unique(images.reshape(len(images), -1), axis=0))
        assert distinct > 0.98 * len(images), name


def test_textures_fall_off_with_frequency_as_photographs_do(pictures):
    grey = pictures["textures"].mean(3)
    power = (np.abs(np.fft.fft2(grey - grey.mean((1, 2), keepdims=True))) ** 2).mean(0)
    f = np.hypot(np.fft.fftfreq(32)[:, None], np.fft.fftfreq(32))
    inner = (f > 0) & (f < 0.35)
    slope = np.polyfit(np.log(f[inner]), np.log(power[inner]), 1)[0]
    assert slope == pytest.approx(-2, abs=0.3)


def test_both_parts_of_the_score_count_in_their_own_deviations(measured):
    scale = measured["ood"]["scale"]
    test = recorded()
    bank = ood.FeatureBank.of(test.features)
    logits, features = test.logits[:5], directions(5, seed=9)
    of_test = ood.distances(test.features, bank)
    distance = (ood.distances(features, bank) - of_test.mean()) / of_test.std()
    energies = -np.log(np.exp(test.logits.astype(np.float64)).sum(1))
    energy = (energies[:5] - energies.mean()) / energies.std()
    np.testing.assert_allclose(ood.scores(features, logits, bank, scale), distance + energy)
