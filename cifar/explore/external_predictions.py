"""Predictions of any other model, read from a file to compare them with ours.

    .npy     one array of 10,000 rows of 10 numbers
    .npz     one array, or one named logits, probabilities or predictions
    .csv     10 columns, or 11 with the test index first; an optional header of the class names or
             of 0 to 9 gives the order of the columns

The numbers are probabilities or logits, in the official test order. Nothing is unpickled.
"""

import csv
import zipfile
from pathlib import Path

import numpy as np

from cifar import CLASSES, LensError
from cifar.evaluation import metrics
from cifar.evaluation.predictions import UNREADABLE, Predictions

MAX_BYTES = 20_000_000
ARRAYS = ("logits", "probabilities", "predictions")
MIN_ACCURACY = 0.15  # rows in another order than the labels reach about 10%
SUM_TOLERANCE = 1e-3  # twice the error of a sum of float16 probabilities
MIN_PROBABILITY = 1e-12  # the loss of a probability of 0 is infinite


class PredictionsError(LensError):
    """The file does not hold predictions of the test images; the message says what is wrong."""


def parse_predictions(path: str | Path, labels: np.ndarray) -> np.ndarray:
    """Read a file and return its probabilities: float64 (N, 10), rows add up to 1.

    labels: int (N,), of the test images in official order. Probabilities are returned unchanged,
    logits after softmax. Raises PredictionsError.
    """
    path = Path(path)
    read = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv}.get(path.suffix.lower())
    if read is None:
        raise PredictionsError(f"{path.name} is neither a .npy nor a .npz nor a .csv file.")
    try:
        _check_size(path.stat().st_size)
        rows = read(path)
    except (*UNREADABLE, csv.Error) as error:
        raise PredictionsError(f"{path.name} cannot be read: {error}.") from error
    if rows.shape != (len(labels), len(CLASSES)):
        shape = " x ".join(map(str, rows.shape)) or "a single number"
        raise PredictionsError(
            f"{path.name} holds {shape} instead of {len(labels)} x {len(CLASSES)} numbers: a row "
            "for each test image, a column for each class."
        )
    if rows.dtype.kind not in "fiub":
        raise PredictionsError(f"{path.name} holds {rows.dtype} instead of numbers.")
    rows = rows.astype(np.float64)
    not_finite = np.flatnonzero(~np.isfinite(rows).all(1))
    if len(not_finite):
        raise PredictionsError(
            f"{path.name}: the row of test image {not_finite[0]} holds NaN or infinity."
        )
    accuracy = float((rows.argmax(1) == labels).mean())
    if accuracy <= MIN_ACCURACY:
        raise PredictionsError(
            f"{path.name}: only {accuracy:.1%} of its rows name the right class, so they do not "
            "seem to be in the order of the test images."
        )
    return _probabilities(rows, path.name)


def as_predictions(probabilities: np.ndarray, labels: np.ndarray) -> Predictions:
    """Wrap probabilities (N, 10) as Predictions, without features or weights.

    The logits are their logarithms, so the temperature to use with them is 1.
    """
    logits = np.log(np.maximum(probabilities, MIN_PROBABILITY))
    return Predictions(logits, labels, None, False, "")


def _probabilities(rows: np.ndarray, name: str) -> np.ndarray:
    valid = (rows >= 0).all(1) & (abs(rows.sum(1) - 1) <= SUM_TOLERANCE)
    if valid.all():
        return rows
    if valid.mean() > 0.5:  # not logits: softmax would flatten the probabilities silently
        row = np.flatnonzero(~valid)[0]
        raise PredictionsError(
            f"{name}: most rows are probabilities, but row {row} has a negative number or adds up "
            f"to {rows[row].sum():.4g} instead of 1."
        )
    return metrics.probabilities(rows)


def _read_npy(path: Path) -> np.ndarray:
    with path.open("rb") as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _read_npz(path: Path) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        arrays = {item.filename.removesuffix(".npy"): item for item in archive.infolist()}
        named = [name for name in ARRAYS if name in arrays]
        if not named and len(arrays) != 1:
            raise ValueError(f"of its {len(arrays)} arrays none is named {', '.join(ARRAYS)}")
        item = arrays[named[0]] if named else next(iter(arrays.values()))
        _check_size(item.file_size)  # against zip bombs
        with archive.open(item) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)


def _read_csv(path: Path) -> np.ndarray:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = [line for line in csv.reader(stream) if line]
    width = len(lines[0]) if lines else 0
    uneven = [number for number, line in enumerate(lines, 1) if len(line) != width]
    if uneven:
        raise ValueError(f"line {uneven[0]} has not as many columns as the first")
    if width not in (len(CLASSES), len(CLASSES) + 1):
        raise ValueError(f"it has {width} columns instead of 10, or 11 with the test index first")
    header = [cell.strip().lower() for cell in lines[0]]
    columns = list(range(width - len(CLASSES), width))
    for names in (CLASSES, [str(label) for label in range(len(CLASSES))]):
        if set(names) <= set(header):
            columns, lines = [header.index(name) for name in names], lines[1:]
    numbers = np.array(lines, dtype=np.float64).reshape(len(lines), width)
    for column in set(range(width)) - set(columns):  # the test index, if there is one
        order = numbers[:, column].argsort(kind="stable")
        if not np.array_equal(numbers[order, column], np.arange(len(numbers))):
            raise ValueError("its first column does not name each test index once, from 0")
        numbers = numbers[order]
    return numbers[:, columns]


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise ValueError(f"it holds {size / 1e6:.0f} MB, and at most {MAX_BYTES / 1e6:.0f} can be")
