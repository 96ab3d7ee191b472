import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from cifar import CLASSES, LensError
from cifar.data.pictures import Seen
from cifar.evaluation import metrics, ood, photographs
from cifar.models import checkpoint, model_card


@pytest.fixture
def folder(tmp_path):
    """60 noisy pictures of three classes and 12 of something else, in folders."""
    rng = np.random.default_rng(0)
    for name, count in (("cat", 20), ("dog", 20), ("ship", 20), ("teapot", 12)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for k in range(count):
            pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{k}.png")
    return tmp_path / "photos"


@pytest.fixture
def net(tmp_path):
    """A folder with the light network as it is shipped, without its photographs."""
    path = shutil.copytree(checkpoint.ROOT / "basenet", tmp_path / "net")
    known = json.loads((path / "metrics.json").read_text())
    known.pop("photographs", None)
    (path / "metrics.json").write_text(json.dumps(known))
    return path


def test_a_folder_of_classes_and_a_table_give_the_same(folder, tmp_path):
    found = photographs.find(folder)
    assert len(found) == 72 and sum(one.label == photographs.OTHER for one in found) == 12
    for one in found:
        name = one.path.parent.name
        assert one.label == (CLASSES.index(name) if name in CLASSES else photographs.OTHER)
        bits = hashlib.sha256(one.path.read_bytes()).hexdigest()
        assert one.second == (bits[0] in "89abcdef")
    rows = [f"photos/{one.path.relative_to(folder)},{one.path.parent.name}" for one in found]
    (tmp_path / "photos.csv").write_text("\n".join(["file,label", *rows]))
    assert photographs.find(tmp_path / "photos.csv") == found


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("name,label\na.png,cat\n", "no CSV file with the columns file and label"),
        ("file,label\ngone.png,cat\n", "gone.png cannot be read"),
        ("file,label\n", "has 0 photographs of the ten classes"),
    ],
)
def test_a_bad_table_says_what_is_wrong(table, problem, tmp_path):
    (tmp_path / "table.csv").write_text(table)
    with pytest.raises(LensError, match=problem):
        photographs.find(tmp_path / "table.csv")


def test_a_broken_picture_and_a_tiny_one_are_named(folder, net):
    before = (net / "metrics.json").read_bytes()
    (folder / "cat" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(LensError, match=r"broken\.png: The file is not a picture"):
        photographs.evaluate(net, folder)
    Image.new("RGB", (32, 32)).save(folder / "cat" / "broken.png")
    with pytest.raises(LensError, match=r"broken\.png has 32x32 pixels"):
        photographs.evaluate(net, folder)
    assert (net / "metrics.json").read_bytes() == before


def test_an_evaluation_is_recorded_and_used_for_pictures_that_are_cut(folder, net):
    without = checkpoint.read(net)
    assert without.calibrated_for("looks") is without
    result = photographs.evaluate(net, folder, "noise of our own")
    section = result["photographs"]
    assert section["classes"] == {"cat": 20, "dog": 20, "ship": 20} and section["others"] == 12
    assert "noise of our own" in model_card.read(net)

    ckpt = checkpoint.read(net)
    assert ckpt.measured == result
    for kind in ("look", "looks"):
        fitted, found = section["views"][kind]["fitted"], ckpt.calibrated_for(kind)
        assert found.temperature == fitted["temperature"]
        assert found.measured["ood"]["threshold"] == fitted["ood_threshold"]
        assert found.measured["unsure"]["below"] == fitted["unsure_below"]
        assert found.measured["ood"]["scale"] == ckpt.measured["ood"]["scale"]
    assert ckpt.calibrated_for("image") is ckpt


@pytest.fixture
def numbers(monkeypatch, net):
    """Measurements of 300 pictures with two looks each, and what they were made from."""
    ckpt = checkpoint.read(net)
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 10, 300)
    second = rng.random(300) < 0.4
    logits = rng.normal(0, 2, (300, 2, 10)) + 3 * (labels[:, None, None] == np.arange(10))
    features = rng.normal(0, 1, (300, 2, ckpt.model.head.in_features)).astype(np.float32)
    monkeypatch.setattr(photographs, "outputs", lambda *_: list(zip(logits, features, strict=True)))
    scores = ood.scores(
        features.mean(1), logits.mean(1), ood.feature_bank(ckpt), ckpt.measured["ood"]["scale"]
    )
    pictures = [Seen(np.zeros((2, 32, 32, 3), np.uint8), "looks")] * 300
    return photographs.measure(ckpt, pictures, labels, second), logits, labels, second, scores


def test_each_half_is_measured_with_the_temperature_of_the_other(numbers):
    found, logits, labels, second, _ = numbers
    known = labels != photographs.OTHER
    confidence, right = [], []
    for half in (second, ~second):
        other = known & ~half
        temperature = metrics.fit_mean_confidence(logits[other], labels[other])
        probs = metrics.probabilities(logits[known & half], temperature).mean(1)
        confidence += probs.max(1).tolist()
        right += (probs.argmax(1) == labels[known & half]).tolist()
    assert found["confidence"] == pytest.approx(np.mean(confidence))
    assert found["accuracy"]["value"] == np.mean(right) and found["accuracy"]["n"] == known.sum()


def test_what_is_unlike_is_measured_on_the_half_that_chose_nothing(numbers):
    found, _, labels, second, scores = numbers
    known = labels != photographs.OTHER
    threshold = np.quantile(scores[known & ~second], 0.95, method="inverted_cdf")
    assert found["false_alarms"]["value"] == (scores[known & second] > threshold).mean()
    assert found["detected"]["value"] == (scores[~known & second] > threshold).mean()
    assert found["auroc"]["value"] == pytest.approx(
        roc_auc_score(~known[second], scores[second]), abs=1e-9
    )


def test_the_area_has_an_interval_or_is_none():
    low, high = np.arange(50.0), np.arange(50.0) + 10
    found = photographs.area_under_roc(low, high)
    assert found["low"] < found["value"] < found["high"]
    assert photographs.area_under_roc(low, low)["value"] == 0.5
    assert photographs.area_under_roc(low, high[:0]) == {"value": None, "low": 0.0, "high": 1.0}


def test_mean_confidence_is_brought_to_the_accuracy():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 10, 500)
    logits = rng.normal(0, 3, (500, 1, 10)) + rng.normal(0, 0.5, (500, 3, 10))
    logits += 4 * (labels[:, None, None] == np.arange(10))
    temperature = metrics.fit_mean_confidence(logits, labels)
    probs = metrics.probabilities(logits, temperature).mean(1)
    assert probs.max(1).mean() == pytest.approx((probs.argmax(1) == labels).mean(), abs=0.01)
    assert metrics.fit_mean_confidence(
        100 * logits[:1], logits[:1].mean(1).argmax(1)
    ) == pytest.approx(0.05)
