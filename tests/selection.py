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
    where=None,
    sort="most confident",
):
    """Return the rows of `mistakes.table` that pass every filter of a view, in its order.

    confidence: in whole percent, and difficulty: in networks, with both ends kept. group: the key
    of a dimension of `slices` and the number of one of its groups. among: test indices. where:
    returns which rows an expression selects.
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
    if where is not None:
        keep &= where(rows)
    column, ascending = SORTS[sort]
    return rows[keep].sort_values(column, ascending=ascending, kind="stable")


def random_expression(pick: random.Random, depth=2):
    """Return an expression of the page, and a function of the table that selects the same rows."""
    kind = pick.choice(("and", "or", "not", "term")) if depth else "term"
    if kind == "term":
        return _random_condition(pick)
    if kind == "not":
        text, inner = random_expression(pick, depth - 1)
        return f"not ({text})", lambda rows: ~inner(rows)
    (left, first), (right, second) = (random_expression(pick, depth - 1) for _ in range(2))
    if kind == "or":
        return f"({left} or {right})", lambda rows: first(rows) | second(rows)
    return f"{left} {right}", lambda rows: first(rows) & second(rows)


def _random_condition(pick):
    if pick.random() < 0.2:
        low, high = sorted(pick.choices(range(10_000), k=2))
        one = pick.randrange(10_000)
        return f"id:{one},{low}-{high}", lambda rows: pd.Series(
            (rows.index == one) | ((rows.index >= low) & (rows.index <= high)), rows.index
        )
    key = pick.choice(
        ("true", "pred", "outcome", "verdict", "conf", "people", "difficulty", "twin")
    )
    if key in ("true", "pred"):
        names, column = pick.sample(CLASSES, 2), {"true": "true", "pred": "predicted"}[key]
        return f"{key}:{','.join(names)}", lambda rows: rows[column].isin(names)
    if key == "outcome":
        return "outcome:right", lambda rows: ~rows["wrong"]
    if key == "verdict":
        verdict = pick.choice(list(VERDICTS))
        return f"verdict:{verdict}", lambda rows: rows["verdict"] == verdict
    if key == "twin":
        return "twin:yes", lambda rows: rows["twin"] >= 0
    sign = pick.choice(("<", "<=", ">", ">="))
    end, unit = {"conf": (100, 100), "people": (1, 10_000), "difficulty": (30, 1)}[key]
    bound = pick.choice((0, 0.25, 0.5, 0.9, 1)) if end == 1 else pick.randrange(end + 1)
    values = {
        "conf": lambda rows: confidence_steps(rows),
        "people": lambda rows: np.rint(rows["agreement"].to_numpy() * 10_000),
        "difficulty": lambda rows: rows["difficulty"].to_numpy(),
    }[key]
    compared = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[sign]
    return f"{key}:{sign}{bound}", lambda rows: pd.Series(
        compared(values(rows), round(bound * unit)), rows.index
    )


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
        if pick.random() < 0.4:
            link["where"], filters["where"] = random_expression(pick)
        yield link, filters
