"""Verdicts: why a prediction is wrong, judged by human votes and label reviews."""

import math

import numpy as np
import pandas as pd

from cifar import CLASSES
from cifar.data.annotations import ANSWERS, REVIEWERS, Annotations
from cifar.evaluation import metrics

# Key: title, and the rule in words. The first rule that applies decides.
VERDICTS = {
    "suspect": (
        "Label suspect",
        "people chose another class most often, or more reviewers rejected the label than kept it",
    ),
    "ambiguous": ("Ambiguous to people", "fewer than 90% of people chose the label"),
    "most": ("Most people right", "90% to under 100% of people chose the label"),
    "own": ("Model's own", "all people chose the label"),
}

UNANIMOUS = 0.9  # share of the votes that corrects a label

# Bands of the share of people who chose the label: from (inclusive) and to (exclusive).
AGREEMENT = {
    "all agree": (1.0, math.inf),
    "90% to under 100%": (0.9, 1.0),
    "50% to under 90%": (0.5, 0.9),
    "under 50%": (0.0, 0.5),
}


def judge(labels: np.ndarray, wrong: np.ndarray, annotations: Annotations) -> pd.DataFrame:
    """Return the agreement of people on each image, and a verdict on each mistake.

    labels: int (N,), 0 to 9. wrong: bool (N,). Columns: agreement (share of people who chose the
    label, 0 to 1), people (the class that most chose; of a tie the first in the order of CLASSES),
    verdict (a key of VERDICTS, empty for a right answer). Raises ValueError if the annotations are
    of other images.
    """
    votes, given = annotations.votes, annotations.given
    reviewed = given >= 0
    if len(votes) != len(labels) or (given[reviewed] != labels[reviewed]).any():
        raise ValueError("The annotations are not of these images in this order.")
    for_label = votes[np.arange(len(labels)), labels]
    agreement = for_label / votes.sum(1)
    people = votes.argmax(1)
    kept, rejected = annotations.for_and_against
    suspect = (votes.max(1) > for_label) | (reviewed & (rejected > kept))
    verdict = np.select(
        [~wrong, suspect, agreement < 0.9, agreement < 1],
        ["", "suspect", "ambiguous", "most"],
        default="own",
    )
    return pd.DataFrame(
        {"agreement": agreement, "people": np.array(CLASSES)[people], "verdict": verdict}
    )


def corrected(labels: np.ndarray, annotations: Annotations) -> np.ndarray:
    """Return the labels, int (N,), with those that people corrected in place of the given ones.

    A label is corrected to the class that at least three of five reviewers chose instead of it, or
    else to the one that at least UNANIMOUS of the votes are for. labels: int (N,), 0 to 9.
    """
    votes = annotations.votes
    by_votes = votes.max(1) >= UNANIMOUS * votes.sum(1)
    by_review = annotations.reviews[:, ANSWERS.index("guessed")] > REVIEWERS // 2
    return np.select(
        [by_review, by_votes], [annotations.guessed.astype(int), votes.argmax(1)], labels
    )


def in_band(agreement: np.ndarray, band: str) -> np.ndarray:
    """Return whether each share of people is in a band of AGREEMENT: bool (N,); False for NaN."""
    low, high = AGREEMENT[band]
    return (agreement >= low) & (agreement < high)


def agreed_accuracy(rows: pd.DataFrame) -> dict:
    """Return the accuracy on the images whose label all people chose, as a `metrics.proportion`.

    rows: `mistakes.table`, with annotations.
    """
    agreed = rows["agreement"] == 1
    return metrics.proportion(int((agreed & ~rows["wrong"]).sum()), int(agreed.sum()))
