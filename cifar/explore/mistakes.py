"""Tables of predictions by test index, which can be ranked, filtered and compared.

Everything that the app says about mistakes is computed here; the page only displays it.
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

# The sort orders, as the menu names them: column, ascending.
SORTS = {
    "most confident": ("confidence", False),
    "least confident": ("confidence", True),
    "highest loss": ("loss", False),
    "smallest margin": ("margin", True),
    "most undecided": ("entropy", False),
    "people disagree most": ("agreement", True),
    "test index": ("index", True),
    "most networks miss it": ("difficulty", False),
    "fewest networks miss it": ("difficulty", True),
}

# The outcomes of two models on one image; the number of a cell is its position here.
CELLS = {
    "both right": "both models are right",
    "fixed": "the second model is right where the first was wrong",
    "broken": "the second model is wrong where the first was right",
    "both wrong": "both models are wrong",
}


def table(
    predictions: Predictions,
    temperature: float,
    annotations: Annotations | None = None,
    difficulty: np.ndarray | int = 0,
) -> pd.DataFrame:
    """Return a DataFrame with one row per test image, indexed by test index.

    Columns: true and predicted (class names), confidence (of the predicted class, 0 to 1),
    true_probability (of the label, 0 to 1), loss (nats), margin (0 to 1), entropy (nats), wrong
    (bool), and from `verdicts.judge` agreement (0 to 1), people (class name) and verdict (its key);
    without annotations those are NaN and empty; and difficulty, how many published networks miss
    the image, int (N,). Probabilities are those after the temperature. Raises
    ValueError for annotations of other images.
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
            "difficulty": difficulty,
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

    true, predicted: a class name each. verdict: a key of VERDICTS. An empty string does not filter.
    wrong: True for mistakes, False for right answers, None for both. sort: a key of SORTS, else
    KeyError is raised.
    """
    keep = np.ones(len(rows), dtype=bool)
    for column, value in (("true", true), ("predicted", predicted), ("verdict", verdict)):
        if value:
            keep &= (rows[column] == value).to_numpy()
    if wrong is not None:
        keep &= (rows["wrong"] == wrong).to_numpy()
    column, ascending = SORTS[sort]
    return rows[keep].sort_values(column, ascending=ascending, kind="stable")


def confidence_steps(rows: pd.DataFrame) -> np.ndarray:
    """Return confidences in steps of 1/10000, as the page stores and filters them: uint16 (N,)."""
    return np.rint(rows["confidence"].to_numpy() * 10_000).astype(np.uint16)


def ranks(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the rank of every image in each sort, from 0: uint16 (N,) by name of the sort.

    rows: the complete table. Sorting any selection by these ranks gives the order of `select`.
    """
    by_sort = {}
    for name in SORTS:
        rank = np.empty(len(rows), dtype=np.uint16)
        rank[select(rows, wrong=None, sort=name).index] = np.arange(len(rows))
        by_sort[name] = rank
    return by_sort


@dataclass(frozen=True)
class Comparison:
    """The comparison of a second model with a first.

    cells: uint8 (N,), for each test image the position in CELLS. counts: images by key of CELLS.
    p_value: of McNemar's exact two-sided test, the probability that fixed and broken differ at
    least this much if both models are equally good. difference: of the second model's accuracy
    from the first's, see `metrics.paired_difference`.
    """

    cells: np.ndarray
    counts: dict[str, int]
    p_value: float
    difference: dict


def compare(first: pd.DataFrame, second: pd.DataFrame) -> Comparison:
    """Compare the complete tables of two models. Raises ValueError if their labels differ.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 1947.
    """
    from scipy.stats import binomtest  # slow to import, and the first page does not need it

    if not np.array_equal(first["true"], second["true"]):
        raise ValueError("The two tables are not of the same images in the same order.")
    was_wrong, is_wrong = first["wrong"].to_numpy(), second["wrong"].to_numpy()
    # Both right: 0; first wrong: 1; second wrong: 2; both wrong: 3.
    cells = (was_wrong + 2 * is_wrong).astype(np.uint8)
    counts = dict(zip(CELLS, np.bincount(cells, minlength=4).tolist(), strict=True))
    changed = counts["fixed"] + counts["broken"]
    p_value = binomtest(counts["fixed"], changed).pvalue if changed else 1.0
    difference = metrics.paired_difference(counts["fixed"], counts["broken"], len(cells))
    return Comparison(cells, counts, float(p_value), difference)


def caption(index: int, row: Any) -> str:
    """Return the caption of a single image, such as '#1718 frog, seen as cat 97%'."""
    sure = metrics.written(row["confidence"])
    if row["wrong"]:
        return f"#{index} {row['true']}, seen as {row['predicted']} {sure}"
    return f"#{index} {row['true']}, recognised {sure}"
