"""Slices: the test images grouped by one property at a time, with the error rate of each group."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cifar import CLASSES
from cifar.data.image_statistics import QUALITIES
from cifar.evaluation import metrics
from cifar.explore.verdicts import AGREEMENT, in_band

# What the lowest and the highest values look like.
ENDS = {
    "brightness": ("darkest", "brightest"),
    "contrast": ("flattest", "most contrasty"),
    "sharpness": ("most blurred", "sharpest"),
    "colourfulness": ("greyest", "most colourful"),
}


# How many of the thirty published networks miss an image: the first and the last of a group.
DIFFICULTY = {
    "none of 30": (0, 0),
    "1 to 5 of 30": (1, 5),
    "6 to 15 of 30": (6, 15),
    "16 to 29 of 30": (16, 29),
    "all 30": (30, 30),
}


# Whom an image is hard for. People: fewer than 90% chose the label. Networks: at least half of the
# thirty miss it. In the number of a group, people count 2 and networks 1.
HARD = ("hard for neither", "hard for networks", "hard for people", "hard for both")
FEW_PEOPLE, MANY_NETWORKS = 0.9, 15

TWIN = ("none known", "one is known")


@dataclass(frozen=True)
class Dimension:
    """One division of the test images into groups; every image is in exactly one group.

    column: uint8 (N,), the group number of each image. groups: a dict per group, in order, with
    title, detail (the range of values that it holds, or empty), n (images), wrong (mistakes), rate
    (wrong / n, None for n = 0), low and high (Wilson's 95% interval of the rate).
    """

    title: str
    column: np.ndarray
    groups: list[dict]


def slices(rows: pd.DataFrame, qualities: np.ndarray | None) -> dict[str, Dimension]:
    """Return the dimensions by key: class, the qualities, agreement, difficulty, hard and twin.

    rows: the complete `mistakes.table`, or `store.table`, which knows near-duplicates. qualities:
    float (N, 4) from `image_statistics.measure`; None leaves their dimensions out.
    """
    wrong = rows["wrong"].to_numpy()
    labels = pd.Categorical(rows["true"], categories=CLASSES).codes
    dimensions = {"class": _dimension("True class", labels, CLASSES, wrong)}
    if qualities is not None:
        for key, values in zip(QUALITIES, qualities.T, strict=True):
            lowest, highest = ENDS[key]
            titles = [
                f"{lowest} fifth",
                f"second {lowest}",
                "middle fifth",
                f"second {highest}",
                f"{highest} fifth",
            ]
            column, details = _fifths(key, values)
            dimensions[key] = _dimension(key.capitalize(), column, titles, wrong, details)
    agreement = rows["agreement"].to_numpy()
    column = np.argmax([in_band(agreement, band) for band in AGREEMENT], axis=0)
    dimensions["agreement"] = _dimension("People who chose the label", column, AGREEMENT, wrong)
    difficulty = rows["difficulty"].to_numpy()
    column = np.searchsorted([last for _, last in DIFFICULTY.values()], difficulty)
    dimensions["difficulty"] = _dimension(
        "Published networks that miss it", column, DIFFICULTY, wrong
    )
    column = 2 * (agreement < FEW_PEOPLE) + (difficulty >= MANY_NETWORKS)
    dimensions["hard"] = _dimension("Hard for whom", column, HARD, wrong)
    if "twin" in rows:
        column = (rows["twin"] >= 0).to_numpy().astype(np.uint8)
        dimensions["twin"] = _dimension("Near-duplicate among training images", column, TWIN, wrong)
    return dimensions


def _fifths(key: str, values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return the fifth, 0 to 4, of each value, and the range of each fifth in words.

    Values are compared with the rounded edges, so that the words are exact.
    """
    texts = [f"{edge:.3g}" for edge in np.quantile(values, [0.2, 0.4, 0.6, 0.8])]
    a, b, c, d = texts
    details = [
        f"{key} below {a}",
        *(f"{key} {low} to under {high}" for low, high in ((a, b), (b, c), (c, d))),
        f"{key} {d} and above",
    ]
    return np.searchsorted([float(text) for text in texts], values, side="right"), details


def _dimension(
    title: str,
    column: np.ndarray,
    titles: Iterable[str],
    wrong: np.ndarray,
    details: Sequence[str] = (),
) -> Dimension:
    groups = []
    for number, name in enumerate(titles):
        inside = column == number
        share = metrics.proportion(int((inside & wrong).sum()), int(inside.sum()))
        groups.append(
            {
                "title": name,
                "detail": details[number] if details else "",
                "n": share["n"],
                "wrong": int((inside & wrong).sum()),
                "rate": share["value"],
                "low": share["low"],
                "high": share["high"],
            }
        )
    return Dimension(title, column.astype(np.uint8), groups)
