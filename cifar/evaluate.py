"""Checkpoint and data in, predictions and metrics out.

    python -m cifar evaluate resnet

writes, into the checkpoint's folder, `predictions.npz` (logits, labels and features of the 10,000
test images, their map and their nearest images), `metrics.json` (every number that is shown
anywhere) and `README.md` (the model card). The temperature is fitted on `val`; the test split is
only read.
"""

import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from cifar import CLASSES, checkpoint, data, metrics, neighbours
from cifar.card import model_card
from cifar.checkpoint import Checkpoint, CheckpointError
from cifar.device import describe
from cifar.model import multiply_adds, normalize
from cifar.qualities import QUALITIES, measure

BATCH = 250
NEIGHBOURS = 5
# Arrays that predictions may lack.
OPTIONAL = ("map", "neighbours", "nearest_right", "qualities")
# Features in float16 beyond this would make the file too large for a repository.
MAX_FEATURES_BYTES = 12_000_000


@dataclass(frozen=True)
class Predictions:
    """What a checkpoint said of the test split, in official test order.

    logits: float32 (N, 10). labels: int64 (N,). features: float16 (N, D). official: whether the
    images were those of the official release. sha256: of the weights.
    map: float32 (N, 2), 0 to 1, the place of each image among the others (`neighbours.embed`).
    neighbours: int32 (N, 5), the training images with the nearest features, nearest first, by their
    position in the official training order.
    nearest_right: int32 (N,), the test index of the nearest other image that was classified right,
    of whatever class; -1 where there is none.
    qualities: float32 (N, 4), what `qualities.measure` finds in the pixels.
    Features and what follows the sha256 may be None.
    """

    logits: np.ndarray
    labels: np.ndarray
    features: np.ndarray | None
    official: bool
    sha256: str
    map: np.ndarray | None = None
    neighbours: np.ndarray | None = None
    nearest_right: np.ndarray | None = None
    qualities: np.ndarray | None = None


@torch.inference_mode()
def predict(
    ckpt: Checkpoint, images: torch.Tensor, *, mirrored: bool = False, label: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """Logits float32 (N, 10) and features float32 (N, D) of uint8 images (N, 3, 32, 32)."""
    device = next(ckpt.model.parameters()).device
    logits, features = [], []
    starts = range(0, len(images), BATCH)
    for start in tqdm(starts, label, unit_scale=BATCH, unit="img", disable=not label):
        batch = images[start : start + BATCH].to(device)
        inputs = normalize(batch.flip(-1) if mirrored else batch)
        found = ckpt.model.features(inputs.contiguous(memory_format=torch.channels_last))
        features.append(found.float().cpu().numpy())
        logits.append(ckpt.model.head(found).float().cpu().numpy())
    return np.concatenate(logits), np.concatenate(features)


def evaluate(name: str | Path) -> dict:
    """Measure a checkpoint, write what was found beside it, and return `metrics.json`'s content.

    Raises CheckpointError or DataError.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.allow_tf32 = False  # recorded logits agree with a CPU's to 1e-4
    ckpt = checkpoint.load(name, device, measured=False)
    started = time.monotonic()
    val, test = data.load("val"), data.load("test")
    val_labels, labels = val.labels.numpy(), test.labels.numpy()

    val_logits, _ = predict(ckpt, val.images, label="val")
    temperature = metrics.fit_temperature(val_logits, val_labels)
    logits, features = predict(ckpt, test.images, label="test")
    mirrored, _ = predict(ckpt, test.images, mirrored=True, label="test, mirrored")

    result = {
        "weights_sha256": ckpt.sha256,
        "official": test.official and val.official,
        "temperature": temperature,
        "val": split_metrics(val_logits, val_labels, temperature),
        "test": split_metrics(logits, labels, temperature),
    }
    both = (logits + mirrored) / 2
    result["test"]["mirrored"] = _share((both.argmax(1) == labels).sum(), len(labels))
    train = data.load("train")
    train_logits, train_features = predict(ckpt, train.images, label="train")
    correct = train_logits.argmax(1) == train.labels.numpy()
    result["train"] = {"accuracy": _share(correct.sum(), len(correct))}
    alike = neighbours.nearest(features, train_features, NEIGHBOURS, "nearest training images")
    right = logits.argmax(1) == labels
    predictions = Predictions(
        logits,
        labels,
        features.astype(np.float16),
        test.official,
        ckpt.sha256,
        map=neighbours.embed(features, "map of the test images"),
        neighbours=train.indices.numpy()[alike].astype(np.int32),
        nearest_right=neighbours.nearest_among(features, right, "nearest right answers").astype(
            np.int32
        ),
        qualities=measure(test.images.permute(0, 2, 3, 1).numpy()),
    )
    result |= {
        "parameters": ckpt.config["parameters"],
        "multiply_adds": multiply_adds(ckpt.model),
        "evaluation": {
            "hardware": describe(torch.device(device)),
            "seconds": round(time.monotonic() - started),
            "torch": torch.__version__,
            "command": f"python -m cifar evaluate {name}",
        },
    }
    save_predictions(ckpt.path / "predictions.npz", predictions)
    checkpoint.write_json(ckpt.path / "metrics.json", result)
    card = model_card(ckpt.config, result)
    checkpoint.replace(ckpt.path / "README.md", lambda path: path.write_text(card))
    return result


def split_metrics(logits: np.ndarray, labels: np.ndarray, temperature: float) -> dict:
    """Every number about one split, from logits (N, 10) and labels (N,)."""
    predicted = logits.argmax(1)
    confusion = metrics.confusion_matrix(predicted, labels)
    probs = metrics.probabilities(logits, temperature)
    return {
        "accuracy": _share((predicted == labels).sum(), len(labels)),
        "top5": _share(round(metrics.top_k_accuracy(logits, labels, 5) * len(labels)), len(labels)),
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


def save_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions whole; features only where they are small enough for a repository."""
    arrays = {
        "logits": predictions.logits.astype(np.float32),
        "labels": predictions.labels.astype(np.uint8),
        "official": np.array(predictions.official),
        "weights_sha256": np.array(predictions.sha256),
    }
    if predictions.features is not None and predictions.features.nbytes <= MAX_FEATURES_BYTES:
        arrays["features"] = predictions.features
    for name in OPTIONAL:
        if (array := getattr(predictions, name)) is not None:
            arrays[name] = array

    def write(partial: Path) -> None:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, **arrays)

    checkpoint.replace(path, write)


def load_predictions(ckpt: Checkpoint) -> Predictions:
    """The recorded predictions of a checkpoint.

    Raises CheckpointError if they are absent, broken, or were made by other weights.
    """
    path = ckpt.path / "predictions.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        _check(found)
        predictions = Predictions(
            found["logits"],
            found["labels"].astype(np.int64),
            found.get("features"),
            bool(found["official"]),
            str(found["weights_sha256"]),
            **{name: found.get(name) for name in OPTIONAL},
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}): run `python -m cifar evaluate {ckpt.name}`."
        ) from error
    if predictions.sha256 != ckpt.sha256:
        raise CheckpointError(
            f"{path} was made by other weights: run `python -m cifar evaluate {ckpt.name}`."
        )
    return predictions


def _check(arrays: dict[str, np.ndarray]) -> None:
    """Raises ValueError for an array of predictions.npz that is not what Predictions says."""
    n, top = arrays["labels"].size, np.inf
    train_images = len(data.OFFICIAL_MD5["train"]) * data.BLOCK
    for name, dtype, shape, low, high in (
        ("logits", np.float32, (n, len(CLASSES)), -top, top),
        ("labels", np.uint8, (n,), 0, len(CLASSES) - 1),
        ("features", np.float16, (n, None), -top, top),
        ("map", np.float32, (n, 2), 0, 1),
        ("neighbours", np.int32, (n, NEIGHBOURS), 0, train_images - 1),
        ("nearest_right", np.int32, (n,), -1, n - 1),
        ("qualities", np.float32, (n, len(QUALITIES)), 0, top),
    ):
        if name not in arrays and name in ("features", *OPTIONAL):
            continue
        array = arrays[name]
        fits = len(array.shape) == len(shape) and all(
            wanted in (None, size) for wanted, size in zip(shape, array.shape, strict=True)
        )
        if array.dtype != dtype or not fits:
            raise ValueError(f"{name} is {array.dtype} {array.shape}")
        if not np.isfinite(array).all() or (array < low).any() or (array > high).any():
            raise ValueError(f"{name} holds a number that is out of its range")
    if (arrays.get("nearest_right") == np.arange(n)).any():
        raise ValueError("nearest_right names an image as its own neighbour")
