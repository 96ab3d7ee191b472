"""Predictions to a table of test images that can be ranked and filtered, keyed by test index."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cifar import CLASSES, metrics
from cifar.evaluate import Predictions

# What people can sort by, worst first, in the words of the menu.
SORTS = {
    "most confident": ("confidence", False),
    "least confident": ("confidence", True),
    "highest loss": ("loss", False),
    "smallest margin": ("margin", True),
    "largest margin": ("margin", False),
    "test index": ("index", True),
}


def table(predictions: Predictions, temperature: float) -> pd.DataFrame:
    """One row a test image, its test index as the DataFrame's index.

    Columns: true and predicted (class names), confidence (of the predicted class, 0 to 1),
    true_probability (of the label, 0 to 1), loss (nats), margin (0 to 1), entropy (nats), wrong
    (bool). Probabilities are those after the temperature.
    """
    probs = metrics.probabilities(predictions.logits, temperature)
    labels, predicted = predictions.labels, predictions.logits.argmax(1)
    names = np.array(CLASSES)
    return pd.DataFrame(
        {
            "true": names[labels],
            "predicted": names[predicted],
            "confidence": probs.max(1),
            "true_probability": probs[np.arange(len(labels)), labels],
            "loss": metrics.losses(predictions.logits, labels, temperature),
            "margin": metrics.margin(probs),
            "entropy": metrics.entropy(probs),
            "wrong": predicted != labels,
        },
        index=pd.RangeIndex(len(labels), name="index"),
    )


def select(
    rows: pd.DataFrame,
    *,
    true: Sequence[str] = (),
    predicted: Sequence[str] = (),
    wrong: bool | None = True,
    sort: str = "most confident",
) -> pd.DataFrame:
    """The rows that pass every filter, in order; equal values are ordered by test index.

    true, predicted: class names to keep; empty keeps all. wrong: True for mistakes, False for
    right answers, None for both. Raises ValueError for an unknown class or sort.
    """
    for name in (*true, *predicted):
        if name not in CLASSES:
            raise ValueError(f"There is no class {name!r}: choose from {', '.join(CLASSES)}.")
    if sort not in SORTS:
        raise ValueError(f"There is no sort {sort!r}: choose from {', '.join(SORTS)}.")
    keep = pd.Series(True, index=rows.index)
    if true:
        keep &= rows["true"].isin(true)
    if predicted:
        keep &= rows["predicted"].isin(predicted)
    if wrong is not None:
        keep &= rows["wrong"] == wrong
    column, ascending = SORTS[sort]
    return rows[keep].sort_values(column, ascending=ascending, kind="stable")


def page(rows: pd.DataFrame, number: int, size: int = 60) -> tuple[pd.DataFrame, int, int]:
    """Rows of a page (counted from 1), its number brought into range, and the number of pages."""
    pages = max(1, -(-len(rows) // size))
    number = min(max(1, number), pages)
    return rows.iloc[(number - 1) * size : number * size], number, pages


def caption(index: int, row: pd.Series) -> str:
    """What an image is called where it stands alone: '#1718 frog, seen as cat 97%'."""
    if row["wrong"]:
        return f"#{index} {row['true']}, seen as {row['predicted']} {row['confidence']:.0%}"
    return f"#{index} {row['true']}, recognised {row['confidence']:.0%}"
