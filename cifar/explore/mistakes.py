"""Predictions to a table of test images that can be ranked, filtered and compared, by test index.

Everything that the app shows of mistakes is decided here; the page in the browser only draws it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cifar import CLASSES
from cifar.data.annotations import Annotations
from cifar.evaluation import metrics
from cifar.evaluation.predictions import Predictions
from cifar.explore.verdicts import judge

# What people can sort by, in the words of the menu: column, ascending.
SORTS = {
    "most confident": ("confidence", False),
    "least confident": ("confidence", True),
    "highest loss": ("loss", False),
    "smallest margin": ("margin", True),
    "most undecided": ("entropy", False),
    "people disagree most": ("agreement", True),
    "test index": ("index", True),
}

# A second model against a first, image by image; a cell's number is its place here.
CELLS = {
    "both right": "both models are right",
    "fixed": "the second model is right where the first was wrong",
    "broken": "the second model is wrong where the first was right",
    "both wrong": "both models are wrong",
}


def table(
    predictions: Predictions, temperature: float, annotations: Annotations | None = None
) -> pd.DataFrame:
    """One row a test image, its test index as the DataFrame's index.

    Columns: true and predicted (class names), confidence (of the predicted class, 0 to 1),
    true_probability (of the label, 0 to 1), loss (nats), margin (0 to 1), entropy (nats), wrong
    (bool), and of `verdicts.judge` agreement (0 to 1), people (class name) and verdict (its key);
    without annotations those are NaN and empty. Probabilities are those after the temperature.
    Raises ValueError for annotations of other images.
    """
    probs = metrics.probabilities(predictions.logits, temperature)
    labels, predicted = predictions.labels, predictions.logits.argmax(1)
    names = np.array(CLASSES)
    rows = pd.DataFrame(
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
    if annotations is None:
        return rows.assign(agreement=np.nan, people="", verdict="")
    return rows.join(judge(labels, predicted != labels, annotations))


def select(
    rows: pd.DataFrame,
    *,
    true: str = "",
    predicted: str = "",
    verdict: str = "",
    wrong: bool | None = True,
    sort: str = "most confident",
) -> pd.DataFrame:
    """Return the rows that pass every filter, sorted; equal values are ordered by test index.

    true, predicted: a class name each; verdict: a key of VERDICTS; empty keeps all. wrong: True for
    mistakes, False for right answers, None for both. sort: a key of SORTS. Raises KeyError for
    another sort.
    """
    keep = np.ones(len(rows), dtype=bool)
    for column, wanted in (("true", true), ("predicted", predicted), ("verdict", verdict)):
        if wanted:
            keep &= (rows[column] == wanted).to_numpy()
    if wrong is not None:
        keep &= (rows["wrong"] == wrong).to_numpy()
    column, ascending = SORTS[sort]
    return rows[keep].sort_values(column, ascending=ascending, kind="stable")


def confidence_steps(rows: pd.DataFrame) -> np.ndarray:
    """Confidence in steps of 1/10000, as the page holds it and filters compare it: uint16 (N,)."""
    return np.rint(rows["confidence"].to_numpy() * 10_000).astype(np.uint16)


def ranks(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """The place of every image in each sort, counted from 0: uint16 (N,) by name of the sort.

    rows: the whole table. Any selection, ordered by its ranks, is in the order of `select`.
    """
    found = {}
    for name in SORTS:
        place = np.empty(len(rows), dtype=np.uint16)
        place[select(rows, wrong=None, sort=name).index] = np.arange(len(rows))
        found[name] = place
    return found


@dataclass(frozen=True)
class Comparison:
    """A second model against a first.

    cells: uint8 (N,), for each test image the place in CELLS. counts: images by key of CELLS.
    p_value: how probable it is, if both were equally good, that fixed and broken differ as much or
    more; McNemar's exact two-sided test.
    """

    cells: np.ndarray
    counts: dict[str, int]
    p_value: float


def compare(first: pd.DataFrame, second: pd.DataFrame) -> Comparison:
    """Two models' whole tables side by side. Raises ValueError if their labels differ.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 1947.
    """
    from scipy.stats import binomtest  # slow to import, and the app's first page needs none of it

    if not np.array_equal(first["true"], second["true"]):
        raise ValueError("The two tables are not of the same images in the same order.")
    was_wrong, is_wrong = first["wrong"].to_numpy(), second["wrong"].to_numpy()
    # Right, right: 0; wrong, right: 1; right, wrong: 2; wrong, wrong: 3.
    cells = (was_wrong + 2 * is_wrong).astype(np.uint8)
    counts = dict(zip(CELLS, np.bincount(cells, minlength=4).tolist(), strict=True))
    changed = counts["fixed"] + counts["broken"]
    p_value = binomtest(counts["fixed"], changed).pvalue if changed else 1.0
    return Comparison(cells, counts, float(p_value))


def caption(index: int, row: Any) -> str:
    """What an image is called where it stands alone: '#1718 frog, seen as cat 97%'."""
    if row["wrong"]:
        return f"#{index} {row['true']}, seen as {row['predicted']} {row['confidence']:.0%}"
    return f"#{index} {row['true']}, recognised {row['confidence']:.0%}"
