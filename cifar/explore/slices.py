"""Where is a network weak? The test images in groups by one measure at a time, errors counted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cifar import CLASSES
from cifar.data.image_statistics import QUALITIES
from cifar.evaluation import metrics
from cifar.explore.verdicts import AGREEMENT, in_band

# The words for the lowest and the highest fifth.
ENDS = {
    "brightness": ("darkest", "brightest"),
    "contrast": ("flattest", "most contrasty"),
    "sharpness": ("most blurred", "sharpest"),
    "colourfulness": ("greyest", "most colourful"),
}


@dataclass(frozen=True)
class Dimension:
    """One way to part the test images into groups; every image is in exactly one.

    column: uint8 (N,), the number of each image's group. groups: one dict each, in order, of title,
    n (images), wrong (mistakes), rate (wrong / n, None for n = 0), low and high (Wilson's 95%
    interval of the rate).
    """

    title: str
    column: np.ndarray
    groups: list[dict]


def slices(rows: pd.DataFrame, qualities: np.ndarray | None) -> dict[str, Dimension]:
    """The dimensions by key: class, then the qualities, then agreement of people.

    rows: the whole `mistakes.table`. qualities: float (N, 4) of `qualities.measure`, or None, and
    those dimensions are left out.
    """
    wrong = rows["wrong"].to_numpy()
    labels = pd.Categorical(rows["true"], categories=CLASSES).codes
    found = {"class": _dimension("True class", labels, CLASSES, wrong)}
    if qualities is not None:
        for key, values in zip(QUALITIES, qualities.T, strict=True):
            found[key] = _dimension(key.capitalize(), *_fifths(values, *ENDS[key]), wrong)
    agreement = rows["agreement"].to_numpy()
    column = np.argmax([in_band(agreement, band) for band in AGREEMENT], axis=0)
    found["agreement"] = _dimension("People who chose the label", column, AGREEMENT, wrong)
    return found


def worst_first(dimensions: Mapping[str, Dimension]) -> list[dict]:
    """Every group that has images, of all dimensions, by its error rate, the highest first.

    Each is the group's dict with dimension (its key) and number (in that dimension) added.
    """
    groups = [
        {"dimension": key, "number": number, **group}
        for key, dimension in dimensions.items()
        for number, group in enumerate(dimension.groups)
        if group["n"]
    ]
    return sorted(groups, key=lambda group: -group["rate"])


def _fifths(values: np.ndarray, lowest: str, highest: str) -> tuple[np.ndarray, list[str]]:
    """The fifth of each value, and the titles of the fifths with their edges.

    The edges are rounded before anything is parted by them: a title says exactly what is inside.
    """
    texts = [f"{edge:.3g}" for edge in np.quantile(values, [0.2, 0.4, 0.6, 0.8])]
    a, b, c, d = texts
    titles = [
        f"{lowest} fifth, below {a}",
        f"second fifth, {a} to under {b}",
        f"middle fifth, {b} to under {c}",
        f"fourth fifth, {c} to under {d}",
        f"{highest} fifth, {d} and above",
    ]
    return np.searchsorted([float(text) for text in texts], values, side="right"), titles


def _dimension(title: str, column: np.ndarray, titles, wrong: np.ndarray) -> Dimension:
    groups = []
    for number, name in enumerate(titles):
        inside = column == number
        share = metrics.proportion(int((inside & wrong).sum()), int(inside.sum()))
        groups.append(
            {
                "title": name,
                "n": share["n"],
                "wrong": int((inside & wrong).sum()),
                "rate": share["value"],
                "low": share["low"],
                "high": share["high"],
            }
        )
    return Dimension(title, column.astype(np.uint8), groups)
