"""Evaluation of a checkpoint on the test split.

    python -m cifar evaluate resnet

writes these files into the checkpoint's folder:

predictions.npz      logits, labels and features of the 10,000 test images, their map and their
                     nearest images
neighbors.parquet    the training images nearest to the mistakes
metrics.json         every number that is shown anywhere
README.md            the model card

The temperature, the out-of-distribution threshold and the confidence threshold are set on `val`. No
answer depends on the test split; its features are the feature bank of `ood`.
"""

import time
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import confusion_matrix, top_k_accuracy_score
from tqdm import tqdm

from cifar import CLASSES, files
from cifar.data import cifar10, ood_sets
from cifar.data.image_statistics import measure
from cifar.evaluation import metrics, near_duplicates, neighbors, ood
from cifar.evaluation.predictions import (
    MAX_FEATURES_BYTES,
    NEIGHBORS,
    Predictions,
    save_predictions,
)
from cifar.files import FileError
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.device import describe, fastest_device
from cifar.models.errors import CheckpointError
from cifar.models.facts import ONNX
from cifar.models.model_card import write_metrics
from cifar.models.staged import normalize
from cifar.models.summary import multiply_adds

CLASS_NUMBERS = range(len(CLASSES))
BATCH = 250


@torch.inference_mode()
def predict(
    ckpt: Checkpoint, images: torch.Tensor, *, mirrored: bool = False, label: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """Compute logits float32 (N, 10) and features float32 (N, D) of uint8 (N, 3, 32, 32) images.

    mirrored: flip the images left to right. label: names the progress bar; empty for none.
    """
    device = ckpt.model.device
    logits, features = [], []
    starts = range(0, len(images), BATCH)
    for start in tqdm(starts, label, unit_scale=BATCH, unit="img", disable=not label):
        batch = images[start : start + BATCH].to(device)
        inputs = normalize(batch.flip(-1) if mirrored else batch)
        outputs = ckpt.model.outputs(inputs.contiguous(memory_format=torch.channels_last))
        logits.append(outputs[0].float().cpu().numpy())
        features.append(outputs[1].float().cpu().numpy())
    return np.concatenate(logits), np.concatenate(features)


def evaluate(name: str | Path, source: Path | None = None, command: str = "") -> dict:
    """Measure a checkpoint, write the results into its folder, and return `metrics.json`'s content.

    source: of the training images, as for `cifar10.load`. command: what the user typed, for the
    record; `evaluate` with the checkpoint's place if left out. Raises CheckpointError or DataError.
    """
    device = fastest_device()
    torch.backends.cudnn.allow_tf32 = False  # recorded logits agree with a CPU's to 1e-4
    ckpt = checkpoint.load(checkpoint.find_own(name), device, measured=False)
    started = time.monotonic()
    val, test = cifar10.load("val", source), cifar10.load("test")
    val_labels, labels = val.labels.numpy(), test.labels.numpy()

    val_logits, val_features = predict(ckpt, val.images, label="val")
    temperature = metrics.fit_temperature(val_logits, val_labels)
    logits, features = predict(ckpt, test.images, label="test")
    check_features(features)
    mirrored, _ = predict(ckpt, test.images, mirrored=True, label="test, mirrored")

    result: dict = {
        "weights_sha256": ckpt.sha256,
        "official": test.official and val.official,
        "temperature": temperature,
        "val": split_metrics(val_logits, val_labels, temperature),
        "test": split_metrics(logits, labels, temperature),
    }
    averaged = (logits + mirrored) / 2
    result["test"]["mirrored"] = _share((averaged.argmax(1) == labels).sum(), len(labels))
    train = cifar10.load("train", source)
    train_logits, train_features = predict(ckpt, train.images, label="train")
    # A run may have used only the first images: leave out those it was not trained on. What a
    # brought network was trained on is unknown: all of them.
    used = slice(ckpt.training["images"] if ckpt.training else None)
    correct = (train_logits.argmax(1) == train.labels.numpy())[used]
    result["train"] = {"accuracy": _share(correct.sum(), len(correct))}
    nearest = neighbors.nearest(features, train_features, NEIGHBORS, "nearest training images")
    right = logits.argmax(1) == labels
    predictions = Predictions(
        logits,
        labels,
        features.astype(np.float16),
        test.official,
        ckpt.sha256,
        map=neighbors.embed(features, "map of the test images"),
        neighbours=train.indices.numpy()[nearest].astype(np.int32),
        neighbour_labels=train.labels.numpy()[nearest].astype(np.uint8),
        nearest_right=neighbors.nearest_among(features, right, "nearest right answers").astype(
            np.int32
        ),
        qualities=measure(test.images.permute(0, 2, 3, 1).numpy()),
    )
    result |= {
        "parameters": ckpt.config["parameters"],
        "multiply_adds": multiply_adds(ckpt.model) if ckpt.network != ONNX else None,
        "evaluation": {
            "hardware": describe(torch.device(device)),
            "seconds": round(time.monotonic() - started),
            "torch": torch.__version__,
            "command": command or f"python -m cifar evaluate {ckpt.place_for_others}",
        },
    }
    result |= ood.measure(
        temperature, predictions, val_logits, val_features, val_labels, ood_outputs(ckpt)
    )
    if test.official and train.official:  # the published list is of these images
        result["near_duplicates"] = near_duplicates.measure(
            test, train, features, train_features, nearest, right
        )
    result |= kept_sections(ckpt)
    save_predictions(ckpt.path / "predictions.npz", predictions)
    neighbors.save_images(ckpt.path / neighbors.FILE, predictions, train)
    write_metrics(ckpt, result)
    return result


def check_features(features: np.ndarray) -> None:
    """Raise CheckpointError for features (N, D) that cannot be recorded in float16."""
    most = MAX_FEATURES_BYTES // (2 * len(features))
    if features.shape[1] > most:
        raise CheckpointError(
            f"The network has {features.shape[1]:,} features, and at most {most:,} can be kept: "
            "choose others, by --features of `python -m cifar add`."
        )
    if np.abs(features).max() > np.finfo(np.float16).max:
        raise CheckpointError(
            f"The network has features of up to {np.abs(features).max():.0f}, which half precision "
            "cannot hold: choose others, by --features of `python -m cifar add`."
        )


def ood_outputs(ckpt: Checkpoint) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Compute logits and features of every out-of-distribution set, by its name; see `predict`."""
    outputs = {}
    for ood_set in ood_sets.SETS:
        images = torch.from_numpy(ood_set.images()).permute(0, 3, 1, 2)
        outputs[ood_set.name] = predict(ckpt, images, label=ood_set.title)
    return outputs


def kept_sections(ckpt: Checkpoint) -> dict:
    """Return the recorded scores of these weights, heat maps' and photographs'; {} without any."""
    try:
        recorded = files.read_json(ckpt.path / "metrics.json")
    except FileError:  # missing or damaged: the evaluation replaces it
        return {}
    same_weights = recorded.get("weights_sha256") == ckpt.sha256
    kept = ("explain", "photographs", "trust") if same_weights else ()
    return {section: recorded[section] for section in kept if section in recorded}


def split_metrics(logits: np.ndarray, labels: np.ndarray, temperature: float) -> dict:
    """Compute all metrics of one split from logits (N, 10) and labels (N,)."""
    predicted = logits.argmax(1)
    confusion = confusion_matrix(labels, predicted, labels=CLASS_NUMBERS)
    in_top5 = top_k_accuracy_score(labels, logits, k=5, normalize=False, labels=CLASS_NUMBERS)
    probs = metrics.probabilities(logits, temperature)
    return {
        "accuracy": _share((predicted == labels).sum(), len(labels)),
        "top5": _share(in_top5, len(labels)),
        "mistakes": int((predicted != labels).sum()),
        "nll": metrics.nll(logits, labels),
        "nll_calibrated": metrics.nll(logits, labels, temperature),
        "ece": metrics.expected_calibration_error(metrics.probabilities(logits), labels),
        "ece_calibrated": metrics.expected_calibration_error(probs, labels),
        "per_class": [
            {
                "class": name,
                "recall": _share(confusion[i, i], confusion[i].sum()),
                "precision": _share(confusion[i, i], confusion[:, i].sum()),
            }
            for i, name in enumerate(CLASSES)
        ],
        "confusion": confusion.tolist(),
        "reliability": metrics.reliability(metrics.probabilities(logits), labels),
        "reliability_calibrated": metrics.reliability(probs, labels),
    }


def _share(successes: int, n: int) -> dict:
    return metrics.proportion(int(successes), int(n))
