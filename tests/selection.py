"""Select test images as the explorer's filters should: what its selections are compared with."""

import random

import numpy as np
import pandas as pd

from cifar import CLASSES
from cifar.explore.mistakes import CELLS, SORTS, confidence_steps
from cifar.explore.verdicts import AGREEMENT, VERDICTS, in_band

OUTCOMES = {"wrong": True, "right": False, "all": None}


def select(
    rows,
    *,
    true=(),
    predicted=(),
    wrong=True,
    verdict=None,
    agreement=None,
    confidence=(0, 100),
    difficulty=(0, 30),
    group=None,
    dimensions=None,
    among=None,
    sort="most confident",
):
    """Return the rows of `mistakes.table` that pass every filter of a view, in its order.

    confidence: in whole percent, and difficulty: in networks, with both ends kept. group: the key
    of a dimension of `slices` and the number of one of its groups. among: test indices.
    """
    keep = pd.Series(True, index=rows.index)
    if true:
        keep &= rows["true"].isin(true)
    if predicted:
        keep &= rows["predicted"].isin(predicted)
    if wrong is not None:
        keep &= rows["wrong"] == wrong
    if verdict is not None:
        keep &= rows["verdict"] == verdict
    if agreement is not None:
        keep &= in_band(rows["agreement"], agreement)
    low, high = confidence
    keep &= pd.Series(confidence_steps(rows), rows.index).between(100 * low, 100 * high)
    keep &= rows["difficulty"].between(*difficulty)
    if group is not None:
        keep &= dimensions[group[0]].column[rows.index] == group[1]
    if among is not None:
        keep &= np.isin(rows.index, list(among))
    column, ascending = SORTS[sort]
    return rows[keep].sort_values(column, ascending=ascending, kind="stable")


def random_views(pick: random.Random, dimensions, others, within):
    """Yield random links for ever, with the filters of `select` that mean the same.

    others: names of models to compare with. within: returns the test indices in a cell of CELLS
    against one of them.
    """
    while True:
        outcome, sort = pick.choice(("wrong", "wrong", "right", "all")), pick.choice(list(SORTS))
        link = {"outcome": outcome, "sort": sort}
        filters = {"wrong": OUTCOMES[outcome], "sort": sort}
        for share, parameter, name, values in (
            (0.35, "true", "true", CLASSES),
            (0.25, "pred", "predicted", CLASSES),
            (0.2, "verdict", "verdict", VERDICTS),
            (0.25, "agreement", "agreement", AGREEMENT),
        ):
            if pick.random() < share:
                link[parameter] = pick.choice(list(values))
                filters[name] = [link[parameter]] if values is CLASSES else link[parameter]
        for name, end in (("confidence", 100), ("difficulty", 30)):
            if pick.random() < 0.35:
                filters[name] = tuple(sorted(pick.choices(range(end + 1), k=2)))
                link[name] = "{}-{}".format(*filters[name])
        if pick.random() < 0.25:
            key = pick.choice(list(dimensions))
            filters["group"] = key, pick.randrange(len(dimensions[key].groups))
            link["slice"] = "{}:{}".format(*filters["group"])
        if pick.random() < 0.25:
            other, cell = pick.choice(others), pick.choice(list(CELLS))
            link["compare"] = f"{other}:{cell}"
            filters["among"] = within(cell, other)
        yield link, filters
