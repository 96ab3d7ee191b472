"""`predictions.npz`: a checkpoint's predictions on the test split, bound to its weights.

Reading is strict, as for checkpoints: a wrong shape, a wrong type, a number out of range and other
weights each raise an error that names the array or file. Nothing is ever unpickled.
"""

import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar import CLASSES, files
from cifar.data import release
from cifar.data.image_statistics import QUALITIES
from cifar.models.checkpoint import Checkpoint
from cifar.models.errors import CheckpointError

NEIGHBORS = 5  # nearest training images recorded per test image
# Arrays that may be missing, besides features.
OPTIONAL = ("map", "neighbours", "neighbour_labels", "nearest_right", "qualities")
# Features in float16 beyond this, 5,000 an image, would fill memory and make the file too large.
MAX_FEATURES_BYTES = 100_000_000
# Limit on the total uncompressed size, against zip bombs.
MAX_BYTES = 2 * MAX_FEATURES_BYTES
# What zipfile and NumPy raise for a truncated, damaged or malicious file.
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    MemoryError,
    OverflowError,
    RuntimeError,  # encryption, or an unknown compression method
    SyntaxError,  # an invalid or truncated NumPy header
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Predictions:
    """A checkpoint's predictions on the test split, in official test order.

    logits: float32 (N, 10). labels: int64 (N,). features: float16 (N, D). official: whether the
    images were those of the official release. sha256: of the weights.
    map: float32 (N, 2), 0 to 1, each image's position on the map of `neighbors.embed`.
    neighbours: int32 (N, 5), the training images with the nearest features, nearest first, by their
    position in the official training order.
    neighbour_labels: uint8 (N, 5), their labels, 0 to 9.
    nearest_right: int32 (N,), the test index of the nearest other correctly classified image, of
    any class; -1 if there is none.
    qualities: float32 (N, 4), the columns of `image_statistics.measure`.
    Features and the fields after sha256 may be None.
    """

    logits: np.ndarray
    labels: np.ndarray
    features: np.ndarray | None
    official: bool
    sha256: str
    map: np.ndarray | None = None
    neighbours: np.ndarray | None = None
    neighbour_labels: np.ndarray | None = None
    nearest_right: np.ndarray | None = None
    qualities: np.ndarray | None = None


def save_predictions(path: Path, predictions: Predictions) -> None:
    """Write predictions atomically, without features over MAX_FEATURES_BYTES."""
    arrays: dict[str, np.ndarray] = {
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
            np.savez_compressed(stream, allow_pickle=False, **arrays)

    files.replace(path, write)


def load_predictions(ckpt: Checkpoint) -> Predictions:
    """Read the recorded predictions of a checkpoint.

    Raises CheckpointError if they are missing, damaged, or were made by other weights.
    """
    path = ckpt.path / "predictions.npz"
    try:
        arrays = _arrays(path)
        _check(arrays)
        predictions = Predictions(
            arrays["logits"],
            arrays["labels"].astype(np.int64),
            arrays.get("features"),
            bool(arrays["official"]),
            str(arrays["weights_sha256"]),
            **{name: arrays.get(name) for name in OPTIONAL},
        )
    except UNREADABLE as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}): run `python -m cifar evaluate {ckpt.place}`."
        ) from error
    if predictions.sha256 != ckpt.sha256:
        raise CheckpointError(
            f"{path} was made by other weights: run `python -m cifar evaluate {ckpt.place}`."
        )
    return predictions


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a .npz file.

    Raises one of UNREADABLE for other files and for more than MAX_BYTES.
    """
    with zipfile.ZipFile(path) as archive:
        size = sum(item.file_size for item in archive.infolist())
    if size > MAX_BYTES:
        raise ValueError(f"it holds {size / 1e6:.0f} MB, and at most {MAX_BYTES / 1e6:.0f} can be")
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # bytes, if the member has no array header
            raise ValueError(f"{name} is no array")
    return arrays


def _check(arrays: dict[str, np.ndarray]) -> None:
    """Raise ValueError for an array whose type, shape or range is not that of Predictions."""
    n = arrays["labels"].size
    train_images = len(release.OFFICIAL_MD5["train"]) * release.BLOCK
    for name, dtype, shape, low, high in (
        ("logits", np.float32, (n, len(CLASSES)), -np.inf, np.inf),
        ("labels", np.uint8, (n,), 0, len(CLASSES) - 1),
        ("official", np.bool_, (), False, True),
        ("features", np.float16, (n, None), -np.inf, np.inf),
        ("map", np.float32, (n, 2), 0, 1),
        ("neighbours", np.int32, (n, NEIGHBORS), 0, train_images - 1),
        ("neighbour_labels", np.uint8, (n, NEIGHBORS), 0, len(CLASSES) - 1),
        ("nearest_right", np.int32, (n,), -1, n - 1),
        ("qualities", np.float32, (n, len(QUALITIES)), 0, np.inf),
    ):
        if name not in arrays and name in ("features", *OPTIONAL):
            continue
        array = arrays[name]
        fits = len(array.shape) == len(shape) and all(
            expected in (None, size) for expected, size in zip(shape, array.shape, strict=True)
        )
        if array.dtype != dtype or not fits:
            raise ValueError(f"{name} is {array.dtype} {array.shape}")
        if not np.isfinite(array).all() or (array < low).any() or (array > high).any():
            raise ValueError(f"{name} holds a number that is out of its range")
    if "neighbour_labels" in arrays and "neighbours" not in arrays:
        raise ValueError("it has neighbour_labels, but not the neighbours that they are of")
    if "nearest_right" in arrays and (arrays["nearest_right"] == np.arange(n)).any():
        raise ValueError("nearest_right names an image as its own neighbour")
