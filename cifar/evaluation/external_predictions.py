"""Predictions of any other model, read from a file to compare them with ours.

They are 10,000 rows, one a test image in the official order or with its index, of ten numbers
(logits, probabilities or percent) or of one class (a number or a name). What was understood is said
in words; what has two meanings is rejected. `prediction_files` lists the kinds of files.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar import CLASSES, LensError
from cifar.data.annotations import N
from cifar.evaluation import metrics, prediction_files
from cifar.evaluation.prediction_files import Table
from cifar.evaluation.predictions import Predictions

CHANCE = 0.15  # accuracy up to which rows are probably in another order: by chance, it is 0.1
MIN_PROBABILITY = 1e-12  # the loss of a probability of 0 is infinite
DECIMALS = (4, 3, 2, 1, 0)  # to which numbers may be rounded; percent down to 0
EXACT = 4e-3  # error of a sum of probabilities in bfloat16; that of float16 is an eighth
MOST_ROUNDED = 0.05  # error of a sum of probabilities of two decimals
INDEX = ("", "index", "id", "idx", "image", "image_id", "test_index", "n", "row", "unnamed: 0")
ANSWER = ("prediction", "predicted", "pred", "predicted_class", "class", "label", "y_pred")
ALIASES = {
    "plane": "airplane",
    "aeroplane": "airplane",
    "aircraft": "airplane",
    "car": "automobile",
    "auto": "automobile",
    "lorry": "truck",
    **{str(k): name for k, name in enumerate(CLASSES)},
}
# What may stand before a class in the name of a column: p_cat, prob_3, class 3.
PREFIX = re.compile(r"^(probability|prob|p|logits|logit|score|class|label|c)[ _:.-]*(?=[a-z0-9])")
EXAMPLE = (
    f"give {N:,} rows of ten numbers (a row for each test image, the classes "
    "airplane to truck), such as 0.01,0.02,0.9,..., or of one class each"
)


class PredictionsError(LensError):
    """The file does not hold predictions of the test images; the message says what is wrong."""


@dataclass(frozen=True)
class ExternalPredictions:
    """Predictions of another model: probabilities float64 (N, 10), rows add up to 1.

    understood: what the file was taken for, in words. accuracy: 0 to 1. warning: a sentence, or
    empty.
    """

    probabilities: np.ndarray
    understood: str
    accuracy: float
    warning: str = ""


def parse_predictions(path: str | Path, labels: np.ndarray) -> ExternalPredictions:
    """Read predictions from a file. labels: int (N,), of the test images in official order.

    Raises PredictionsError.
    """
    path = Path(path)
    try:
        table = prediction_files.read_table(path)
        probabilities, understood = _understand(table, len(labels))
    except prediction_files.READ_ERRORS as error:
        reason = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
        raise PredictionsError(f"{path.name} cannot be used, for {reason}: {EXAMPLE}.") from error
    accuracy = float((probabilities.argmax(1) == labels).mean())
    warning = ""
    if accuracy <= CHANCE:
        warning = (
            f"Only {accuracy:.1%} of the rows name the right class, as by chance: they are "
            "probably not in the official order of the test images."
        )
    return ExternalPredictions(probabilities, understood, accuracy, warning)


def as_predictions(probabilities: np.ndarray, labels: np.ndarray) -> Predictions:
    """Wrap probabilities (N, 10) as Predictions, without features or weights.

    The logits are their logarithms, so the temperature to use with them is 1.
    """
    logits = np.log(np.maximum(probabilities, MIN_PROBABILITY))
    return Predictions(logits, labels, None, False, "")


def _understand(table: Table, count: int) -> tuple[np.ndarray, str]:
    """Return probabilities (N, 10) and what the table was taken for.

    Raises ValueError, whose message ends the sentence "the file cannot be used, for ...".
    """
    if table.rows != count:
        raise ValueError(f"it has {table.rows:,} rows instead of {count:,}")
    index, columns, notes = _split(table)
    if index is not None:
        order, note = _order(index)
        columns, notes = [column[order] for column in columns], [*notes, note]
    understand = _of_numbers if len(columns) == len(CLASSES) else _of_classes
    probabilities, kind = understand(columns)
    return probabilities, ", ".join([kind, *notes])


def _split(table: Table) -> tuple[np.ndarray | None, list[np.ndarray], list[str]]:
    """Return the column of test indices, if any, those of the answers, and notes on the others."""
    columns = table.columns
    if table.names is None:
        if len(columns) in (2, len(CLASSES) + 1):
            return columns[0], columns[1:], []
        if len(columns) in (1, len(CLASSES)):
            return None, columns, []
        raise ValueError(f"it has {len(columns)} columns instead of 10, 1, or an index before them")
    names = [name.strip().lower() for name in table.names]
    places = {_class_of(name): k for k, name in enumerate(names) if _class_of(name)}
    indices = [k for k, name in enumerate(names) if name in INDEX]
    index = columns[indices[0]] if indices else None
    if len(places) == len(CLASSES):
        chosen = [places[name] for name in CLASSES]
    elif places:
        missing = ", ".join(name for name in CLASSES if name not in places)
        raise ValueError(f"its header does not name {missing}")
    else:
        others = [k for k in range(len(names)) if k not in indices]
        answers = [k for k in others if names[k] in ANSWER]
        chosen = others if len(others) == 1 else answers
        if len(chosen) != 1:
            called = ", ".join(repr(table.names[k]) for k in others[:12])
            raise ValueError(f"its columns are called {called}, not as the classes")
    ignored = [table.names[k] for k in range(len(names)) if k not in {*chosen, *indices[:1]}]
    notes = [f"without the columns {', '.join(ignored[:5])}"] if ignored else []
    if len(chosen) > 1 and chosen != sorted(chosen):
        notes.append("columns in another order")
    return index, [columns[k] for k in chosen], notes


def _class_of(name: str) -> str | None:
    """Return the class that a name or number means, or None."""
    for text in (name, PREFIX.sub("", name)):
        text = ALIASES.get(text, text)
        if text in CLASSES:
            return text
    return None


def _order(index: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the order of rows that sorts an index, which counts from 0 or 1, and a note."""
    order = index.argsort(kind="stable")
    for first in (0, 1):
        if index.dtype.kind == "f" and np.array_equal(index[order], first + np.arange(len(index))):
            return order, f"by an index from {first}"
    raise ValueError("its column of test indices does not name each image once, from 0 or from 1")


def _of_classes(columns: list[np.ndarray]) -> tuple[np.ndarray, str]:
    """Return one-hot rows for a column of class numbers or names."""
    (column,) = columns
    note = "no confidence, so each counts as sure"
    if column.dtype.kind == "f":
        first = 1 if column.max() == len(CLASSES) and column.min() >= 1 else 0
        numbers = column - first
        wrong = ~np.isin(numbers, np.arange(len(CLASSES)))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise ValueError(f"row {row} holds {column[row]:g}, which is no class number 0 to 9")
        return np.eye(len(CLASSES))[numbers.astype(int)], f"class numbers from {first} ({note})"
    names = [_class_of(name.strip().lower()) for name in column.tolist()]
    if None in names:
        row = names.index(None)
        raise ValueError(f"row {row} holds {column[row]!r}, which is no class")
    numbers = np.array([CLASSES.index(name) for name in names if name])
    return np.eye(len(CLASSES))[numbers], f"class names ({note})"


def _of_numbers(columns: list[np.ndarray]) -> tuple[np.ndarray, str]:
    """Return probabilities for ten columns of logits, probabilities or percent."""
    words = next((k for k, column in enumerate(columns) if column.dtype.kind != "f"), None)
    if words is not None:
        raise ValueError(f"its column {words + 1} holds words instead of numbers")
    rows = np.stack(columns, axis=1)
    not_finite = np.flatnonzero(~np.isfinite(rows).all(1))
    if len(not_finite):
        raise ValueError(f"the row of test image {not_finite[0]} holds NaN or infinity")
    sums = rows.sum(1)
    for total, kind in ((1.0, "probabilities"), (100.0, "percent")):
        decimals, tolerance, rounded = _decimals(rows), EXACT * total, ""
        rounding = 0.0 if decimals is None else len(CLASSES) * 0.5 * 10.0**-decimals
        if tolerance < rounding <= MOST_ROUNDED * total:
            tolerance, rounded = rounding * 1.001, f" rounded to {decimals} decimals"
        valid = (rows >= 0).all(1) & (abs(sums - total) <= tolerance)
        if valid.all():
            exact = total == 1 and abs(sums - 1).max() <= 1e-3
            return rows if exact else rows / sums[:, None], f"{kind}{rounded}"
        if valid.mean() > 0.5:  # not logits: softmax would flatten the probabilities silently
            row = int(np.flatnonzero(~valid)[0])
            raise ValueError(
                f"most rows are {kind}, but row {row} has a negative number or adds up to "
                f"{sums[row]:.4g} instead of {total:g}"
            )
    if rows.min() >= 0 and rows.max() <= 1:
        raise ValueError(
            f"its numbers are 0 to 1 as probabilities are, but row 0 adds up to {sums[0]:.4g} "
            "instead of 1 (for sigmoid scores, give the logits)"
        )
    if rows.min() >= 0 and np.ptp(sums) <= 1e-3 * sums.mean():
        raise ValueError(f"each row adds up to {sums[0]:.4g}: divide by that")
    return metrics.probabilities(rows), "logits"


def _decimals(rows: np.ndarray) -> int | None:
    """Return the fewest decimals to which all numbers are rounded; None for more than four."""
    if abs(rows).max() > 1000:  # neither probabilities nor percent
        return None
    fitting = [k for k in DECIMALS if (abs(rows * 10**k - np.rint(rows * 10**k)) < 1e-6).all()]
    return fitting[-1] if fitting else None
