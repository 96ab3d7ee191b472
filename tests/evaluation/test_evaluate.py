import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from cifar import CLASSES
from cifar.data import image_statistics, ood_sets
from cifar.data.pictures import Seen
from cifar.evaluation import neighbors, ood
from cifar.evaluation.classifier import classify
from cifar.evaluation.evaluate import evaluate, predict, split_metrics
from cifar.evaluation.predictions import Predictions, load_predictions, save_predictions
from cifar.models import checkpoint
from cifar.models.errors import CheckpointError
from cifar.models.staged import normalize

FILES = [
    "README.md",
    "config.json",
    "history.jsonl",
    "metrics.json",
    "model.safetensors",
    "neighbors.parquet",
    "predictions.npz",
]


def nearest_mean_head(model, split):
    """A head that answers with the class whose mean feature is nearest: all classes turn up."""
    with torch.no_grad():
        features = model.features(normalize(split.images))
        means = torch.stack([features[split.labels == i].mean(0) for i in range(10)])
        scale = 4 / (features @ means.T).std()
        model.head.weight.copy_(scale * means)
        model.head.bias.copy_(-scale * (means**2).sum(1) / 2)


@pytest.fixture(scope="module")
def evaluated(splits, write_checkpoint, stirred_model, tmp_path_factory):
    """The folder of a checkpoint that was evaluated, with its result and splits; to be read."""
    model = stirred_model("basenet")
    nearest_mean_head(model, splits["train"])
    folder = write_checkpoint(tmp_path_factory.mktemp("evaluated") / "net", model)
    return SimpleNamespace(folder=folder, result=evaluate(folder), splits=splits)


@pytest.fixture
def own_copy(evaluated, tmp_path):
    """A copy of that folder, to be written to."""
    return shutil.copytree(evaluated.folder, tmp_path / "net")


def strict_json(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def logits_of(folder, images):
    with torch.no_grad():
        return checkpoint.load(folder).model(normalize(images)).numpy()


def test_evaluate_writes_predictions_metrics_and_card(evaluated):
    assert sorted(path.name for path in evaluated.folder.iterdir()) == FILES
    assert strict_json(evaluated.folder / "metrics.json") == evaluated.result
    assert evaluated.result["official"] is False
    assert evaluated.result["parameters"] == 49_091


def test_recorded_predictions_are_what_the_network_says(evaluated):
    ckpt, test = checkpoint.load(evaluated.folder), evaluated.splits["test"]
    predictions = load_predictions(ckpt)
    expected = logits_of(evaluated.folder, test.images)
    np.testing.assert_allclose(predictions.logits, expected, atol=1e-4)
    assert predictions.logits.dtype == np.float32 and predictions.labels.dtype == np.int64
    assert np.array_equal(predictions.labels, test.labels)
    assert predictions.official is False and predictions.sha256 == ckpt.sha256


def test_recorded_features_lead_to_the_logits(evaluated):
    ckpt = checkpoint.load(evaluated.folder)
    predictions = load_predictions(ckpt)
    assert predictions.features.dtype == np.float16 and predictions.features.shape == (260, 56)
    with torch.no_grad():
        logits = ckpt.model.head(torch.from_numpy(predictions.features).float()).numpy()
    error = np.abs(logits - predictions.logits).max()
    assert error < 5e-3 * np.abs(predictions.logits).max()


def test_metrics_agree_with_scikit_learn(evaluated):
    test = evaluated.result["test"]
    predictions = load_predictions(checkpoint.load(evaluated.folder))
    labels, predicted = predictions.labels, predictions.logits.argmax(1)
    probs = torch.from_numpy(predictions.logits).double().softmax(1).numpy()
    accuracy = reference.accuracy_score(labels, predicted)
    top5 = reference.top_k_accuracy_score(labels, predictions.logits, k=5)
    assert 0.5 < accuracy < 0.9
    assert test["accuracy"]["value"] == pytest.approx(accuracy) and test["accuracy"]["n"] == 260
    assert test["mistakes"] == round((1 - accuracy) * 260)
    assert test["top5"]["value"] == pytest.approx(top5)
    assert test["nll"] == pytest.approx(reference.log_loss(labels, probs), rel=1e-6)
    assert test["confusion"] == reference.confusion_matrix(labels, predicted).tolist()


def test_recall_and_precision_of_each_class_agree_with_scikit_learn(evaluated):
    predictions = load_predictions(checkpoint.load(evaluated.folder))
    labels, predicted = predictions.labels, predictions.logits.argmax(1)
    recall = reference.recall_score(labels, predicted, average=None)
    precision = reference.precision_score(labels, predicted, average=None)
    rows = evaluated.result["test"]["per_class"]
    assert [row["class"] for row in rows] == list(CLASSES)
    assert [row["recall"]["value"] for row in rows] == pytest.approx(list(recall))
    assert [row["precision"]["value"] for row in rows] == pytest.approx(list(precision))


def test_the_temperature_is_the_best_on_val(evaluated):
    val, temperature = evaluated.splits["val"], evaluated.result["temperature"]
    logits = torch.from_numpy(logits_of(evaluated.folder, val.images)).double()

    def nll(t):
        return torch.nn.functional.cross_entropy(logits / t, val.labels).item()

    assert nll(temperature) < min(nll(temperature * 0.98), nll(temperature * 1.02))
    assert evaluated.result["val"]["nll_calibrated"] == pytest.approx(nll(temperature), rel=1e-5)
    assert checkpoint.load(evaluated.folder).temperature == temperature


def test_the_train_accuracy_is_right(evaluated):
    train = evaluated.splits["train"]
    # The first 64 are all that its configuration says it was trained on.
    right = logits_of(evaluated.folder, train.images[:64]).argmax(1) == train.labels[:64].numpy()
    found = evaluated.result["train"]["accuracy"]
    assert found["n"] == 64 and found["value"] == pytest.approx(right.mean())


def test_the_mirrored_accuracy_is_that_of_the_mean_of_both(evaluated, own_copy, monkeypatch):
    def turned(ckpt, images, *, mirrored=False, label=""):
        """The light network says the same of both: here it says something else of the second."""
        logits, features = predict(ckpt, images, mirrored=mirrored)
        return (2 * np.roll(logits, 1, 1) if mirrored else logits), features

    monkeypatch.setattr("cifar.evaluation.evaluate.predict", turned)
    test = evaluated.splits["test"]
    plain = logits_of(own_copy, test.images)
    both = plain + 2 * np.roll(plain, 1, 1)
    right = (both.argmax(1) == test.labels.numpy()).mean()
    found = evaluate(own_copy)["test"]
    assert found["mirrored"]["value"] == pytest.approx(right) != found["accuracy"]["value"]


def test_evaluating_again_changes_nothing_but_times(evaluated, own_copy):
    again = evaluate(own_copy)
    assert again | {"evaluation": 0} == evaluated.result | {"evaluation": 0}


def test_the_card_holds_what_was_measured(evaluated):
    card, test = (evaluated.folder / "README.md").read_text(), evaluated.result["test"]
    for share in (test["accuracy"], test["mirrored"], test["per_class"][3]["recall"]):
        low, high = 100 * share["low"], 100 * share["high"]
        assert f"| {100 * share['value']:.2f}% ({low:.2f} to {high:.2f}) |" in card
    assert card.startswith("---\nlicense: mit\n")
    assert f"| {evaluated.result['temperature']:.4f} |" in card
    assert evaluated.result["weights_sha256"] in card
    assert "official: false" in card and "official: true" not in card
    low, high = (100 * evaluated.result["ood"]["sets"][0]["detected"][k] for k in ("low", "high"))
    assert "| white noise | " in card and f"({low:.2f} to {high:.2f}) |" in card
    assert f"under {evaluated.result['unsure']['below']:.1%} confidence" in card


def unit(features):
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def test_neighbours_are_the_training_images_at_the_smallest_angle(evaluated):
    ckpt, train = checkpoint.load(evaluated.folder), evaluated.splits["train"]
    predictions = load_predictions(ckpt)
    _, features = predict(ckpt, evaluated.splits["test"].images)
    _, train_features = predict(ckpt, train.images)
    alike = unit(features) @ unit(train_features).T
    found = predictions.neighbours
    assert found.dtype == np.int32 and found.shape == (260, 5) and found.min() >= 50
    near = np.take_along_axis(alike, found - 50, axis=1)
    np.testing.assert_allclose(near, -np.sort(-alike, axis=1)[:, :5], atol=1e-5)


def test_the_nearest_right_image_is_right_another_and_nearest(evaluated):
    ckpt = checkpoint.load(evaluated.folder)
    predictions = load_predictions(ckpt)
    _, features = predict(ckpt, evaluated.splits["test"].images)
    found = predictions.nearest_right
    right = predictions.logits.argmax(1) == predictions.labels
    assert 0 < right.sum() < 260 and found.dtype == np.int32
    assert right[found].all() and (found != np.arange(260)).all()
    alike = unit(features) @ unit(features).T
    alike[np.arange(260), np.arange(260)] = -2
    alike[:, ~right] = -2
    np.testing.assert_allclose(alike[np.arange(260), found], alike.max(1), atol=1e-5)


def test_map_and_qualities_are_recorded(evaluated):
    ckpt, images = checkpoint.load(evaluated.folder), evaluated.splits["test"].images
    predictions = load_predictions(ckpt)
    _, features = predict(ckpt, images)
    np.testing.assert_allclose(predictions.map, neighbors.embed(features), atol=1e-5)
    expected = image_statistics.measure(images.permute(0, 2, 3, 1).numpy())
    assert np.array_equal(predictions.qualities, expected)


def test_doubts_are_measured_and_live_answers_agree(evaluated):
    ckpt, result = checkpoint.load(evaluated.folder), evaluated.result
    rows = {row["name"]: row for row in result["ood"]["sets"]}
    assert [(row["name"], row["n"]) for row in rows.values()] == [("noise", 30), ("black", 7)]
    answers = [classify(ckpt, Seen.image(image)) for image in ood_sets.SETS[0].images()]
    found = sum(ood.is_ood(ckpt, answer) for answer in answers)
    assert rows["noise"]["detected"]["value"] == pytest.approx(found / 30)
    assert result["ood"]["false_alarms"]["val"]["value"] == 10 / 200
    test = evaluated.splits["test"].images.permute(0, 2, 3, 1).numpy()
    answers = [classify(ckpt, Seen.image(image)) for image in test]
    alarms = sum(ood.is_ood(ckpt, answer) for answer in answers)
    assert result["ood"]["false_alarms"]["test"]["value"] == pytest.approx(alarms / 260)
    unsure = sum(ood.is_unsure(ckpt, answer) for answer in answers)
    assert result["unsure"]["test"]["share"]["value"] == pytest.approx(unsure / 260)


@pytest.fixture
def recorded(make_checkpoint):
    """A checkpoint with predictions of 40 images that nothing made."""
    ckpt = checkpoint.load(make_checkpoint())
    rng = np.random.default_rng(0)
    predictions = Predictions(
        rng.normal(size=(40, 10)).astype(np.float32),
        np.arange(40) % 10,
        rng.random((40, 8)).astype(np.float16),
        True,
        ckpt.sha256,
        map=rng.random((40, 2), dtype=np.float32),
        neighbours=rng.integers(0, 50_000, (40, 5), dtype=np.int32),
        nearest_right=np.roll(np.arange(40, dtype=np.int32), 1),
        qualities=rng.random((40, 4), dtype=np.float32),
    )
    save_predictions(ckpt.path / "predictions.npz", predictions)
    return SimpleNamespace(ckpt=ckpt, path=ckpt.path / "predictions.npz", predictions=predictions)


def test_what_is_saved_is_loaded(recorded):
    found = vars(load_predictions(recorded.ckpt))
    for name, value in vars(recorded.predictions).items():
        np.testing.assert_array_equal(found[name], value, strict=isinstance(value, np.ndarray))


def test_predictions_without_the_newer_arrays_can_be_read(recorded):
    alter(recorded.path, map=None, neighbours=None, nearest_right=None, qualities=None)
    predictions = load_predictions(recorded.ckpt)
    assert predictions.logits.shape == (40, 10) and predictions.map is None
    assert predictions.neighbours is predictions.nearest_right is predictions.qualities is None


def test_an_image_may_have_no_right_neighbour(recorded):
    alter(recorded.path, nearest_right=np.full(40, -1, np.int32))
    assert (load_predictions(recorded.ckpt).nearest_right == -1).all()


def alter(path, **changed):
    """Put other arrays into predictions.npz; None takes one out."""
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files} | changed
    np.savez(path, **{name: array for name, array in kept.items() if array is not None})


ZEROS = {
    "map": np.zeros((40, 2), np.float32),
    "neighbours": np.zeros((40, 5), np.int32),
    "qualities": np.zeros((40, 4), np.float32),
    "features": np.zeros((40, 8), np.float16),
}


@pytest.mark.parametrize(
    "changed",
    [
        {"logits": np.zeros((40, 9), np.float32)},
        {"logits": np.zeros((39, 10), np.float32)},
        {"logits": np.full((40, 10), np.nan, np.float32)},
        {"logits": np.float32(1)},
        {"labels": np.full(40, 10, np.uint8)},
        {"labels": np.zeros((40, 1), np.uint8)},
        {"features": ZEROS["features"][1:]},
        {"features": ZEROS["features"] + np.float16(np.inf)},
        {"map": ZEROS["map"][:, :1]},
        {"map": ZEROS["map"].astype(np.float64)},
        {"map": ZEROS["map"] + np.float32(1.1)},
        {"map": ZEROS["map"] + np.float32(np.nan)},
        {"neighbours": ZEROS["neighbours"][:, :4]},
        {"neighbours": ZEROS["neighbours"] - np.int32(1)},
        {"neighbours": ZEROS["neighbours"] + np.int32(50_000)},
        {"neighbours": ZEROS["neighbours"].astype(np.float32)},
        {"nearest_right": np.full(40, 40, np.int32)},
        {"nearest_right": np.full(40, -2, np.int32)},
        {"nearest_right": np.arange(40, dtype=np.int32)},
        {"qualities": ZEROS["qualities"][:, :3]},
        {"qualities": ZEROS["qualities"] - np.float32(1)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_arrays_that_do_not_fit_are_refused(recorded, changed):
    alter(recorded.path, **changed)
    name = next(iter(changed))
    with pytest.raises(CheckpointError, match=rf"predictions\.npz cannot be read \({name}"):
        load_predictions(recorded.ckpt)


def test_predictions_of_other_weights_are_refused(own_copy, write_checkpoint, stirred_model):
    write_checkpoint(own_copy, stirred_model("basenet", seed=1))
    ckpt = checkpoint.load(own_copy, measured=False)
    with pytest.raises(CheckpointError, match=r"predictions\.npz was made by other weights"):
        load_predictions(ckpt)
    with pytest.raises(CheckpointError, match=r"metrics\.json was measured on other weights"):
        checkpoint.load(own_copy)


def test_other_weights_can_be_evaluated_anew(evaluated, own_copy, write_checkpoint, stirred_model):
    model = stirred_model("basenet", seed=1)
    nearest_mean_head(model, evaluated.splits["train"])
    result = evaluate(write_checkpoint(own_copy, model))
    assert result["weights_sha256"] != evaluated.result["weights_sha256"]
    assert load_predictions(checkpoint.load(own_copy)).sha256 == result["weights_sha256"]


@pytest.mark.parametrize("kept", [0, 3, 0.3, 0.9, -1])
def test_truncated_predictions_are_refused(recorded, kept):
    content = recorded.path.read_bytes()
    recorded.path.write_bytes(content[: int(kept * len(content)) if 0 < kept < 1 else kept])
    with pytest.raises(CheckpointError, match=r"predictions\.npz cannot be read"):
        load_predictions(recorded.ckpt)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.8])
def test_altered_predictions_are_refused(recorded, place):
    content = bytearray(recorded.path.read_bytes())
    start = int(place * len(content))
    content[start : start + 20] = bytes(20)
    recorded.path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"predictions\.npz cannot be read"):
        load_predictions(recorded.ckpt)


def test_absent_predictions_are_named(make_checkpoint):
    ckpt = checkpoint.load(make_checkpoint())
    with pytest.raises(
        CheckpointError, match=r"predictions\.npz cannot be read .*evaluate .*/net`"
    ):
        load_predictions(ckpt)


def test_predictions_with_pickled_objects_are_refused(make_checkpoint):
    ckpt = checkpoint.load(make_checkpoint())
    np.savez(ckpt.path / "predictions.npz", logits=np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match=r"predictions\.npz cannot be read"):
        load_predictions(ckpt)


def test_features_that_are_too_large_are_left_out(make_checkpoint, monkeypatch):
    ckpt = checkpoint.load(make_checkpoint())
    labels, features = np.arange(4), np.zeros((4, 8), np.float16)
    predictions = Predictions(np.eye(10)[:4], labels, features, True, ckpt.sha256)
    monkeypatch.setattr("cifar.evaluation.predictions.MAX_FEATURES_BYTES", 63)
    save_predictions(ckpt.path / "predictions.npz", predictions)
    assert load_predictions(ckpt).features is None
    monkeypatch.setattr("cifar.evaluation.predictions.MAX_FEATURES_BYTES", 64)
    save_predictions(ckpt.path / "predictions.npz", predictions)
    assert load_predictions(ckpt).features.shape == (4, 8)


def test_predict_goes_through_in_batches(make_checkpoint, tiny_split):
    ckpt, images = checkpoint.load(make_checkpoint()), tiny_split(510).images
    logits, features = predict(ckpt, images)
    assert logits.shape == (510, 10) and features.shape == (510, 56)
    np.testing.assert_allclose(logits, logits_of(ckpt.path, images), atol=1e-4)


def test_predict_mirrors_images_where_it_is_asked_to(make_checkpoint, tiny_split):
    ckpt, images = checkpoint.load(make_checkpoint("resnet")), tiny_split(10).images
    logits, _ = predict(ckpt, images)
    mirrored, _ = predict(ckpt, images, mirrored=True)
    np.testing.assert_allclose(mirrored, logits_of(ckpt.path, images.flip(-1)), atol=1e-4)
    assert np.abs(mirrored - logits).max() > 1e-2


def test_a_class_that_is_never_answered_has_no_precision():
    labels = np.arange(10)
    logits = np.eye(10)[[0] * 10]
    rows = split_metrics(logits, labels, 1.0)["per_class"]
    assert rows[0]["precision"]["value"] == 0.1 and rows[0]["recall"]["value"] == 1
    assert rows[1]["precision"]["n"] == 0 and rows[1]["precision"]["value"] is None
    assert rows[1]["recall"]["value"] == 0


def test_a_network_that_always_answers_the_same_can_be_evaluated(
    splits, write_checkpoint, stirred_model, tmp_path
):
    model = stirred_model("basenet").requires_grad_(False)
    model.head.weight.zero_()
    model.head.bias.copy_(torch.eye(10)[4])
    folder = write_checkpoint(tmp_path / "net", model)
    assert evaluate(folder)["test"]["confusion"][0][4] > 0
    strict_json(folder / "metrics.json")
    assert "| deer |" in (folder / "README.md").read_text()
