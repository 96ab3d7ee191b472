"""Select test images as the explorer's filters should: what its selections are compared with."""

import numpy as np
import pandas as pd

from cifar.explore.mistakes import SORTS, confidence_steps
from cifar.explore.verdicts import in_band


def select(
    rows,
    *,
    true=(),
    predicted=(),
    wrong=True,
    verdict=None,
    agreement=None,
    confidence=(0, 100),
    group=None,
    dimensions=None,
    among=None,
    sort="most confident",
):
    """Return the rows of `mistakes.table` that pass every filter of a view, in its order.

    confidence: in whole percent, both ends kept. group: the key of a dimension of `slices` and the
    number of one of its groups. among: test indices.
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
    if group is not None:
        keep &= dimensions[group[0]].column[rows.index] == group[1]
    if among is not None:
        keep &= np.isin(rows.index, list(among))
    column, ascending = SORTS[sort]
    return rows[keep].sort_values(column, ascending=ascending, kind="stable")
