"""API functions for the test images: recorded predictions, human votes and label reviews."""

from collections.abc import Collection
from typing import Any, cast
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from cifar import CLASSES, LensError
from cifar.data.annotations import ANSWERS, Annotations
from cifar.evaluation import metrics
from cifar.evaluation.predictions import Predictions
from cifar.explore import mistakes, store
from cifar.explore.mistakes import CELLS, SORTS
from cifar.explore.page_data import models
from cifar.explore.verdicts import VERDICTS
from cifar.models.records import Share
from cifar.ui.api.answers import (
    Comparison,
    Difference,
    Mistake,
    MistakeList,
    Neighbor,
    Neighbors,
    Review,
    TestImage,
)
from cifar.ui.api.values import (
    checkpoint_of,
    class_probabilities,
    identity,
    json_number,
    whole_number,
)
from cifar.ui.validation import choice, image_index

MAX_ROWS = 100


def list_mistakes(
    model: str,
    true_class: str = "",
    predicted_class: str = "",
    verdict: str = "",
    sort: str = "most confident",
    limit: int = 20,
    offset: int = 0,
) -> MistakeList:
    """List the CIFAR-10 test images that a network gets wrong, filtered and sorted.

    Args:
        model: The network whose mistakes to list.
        true_class: Only images with this label; any if empty.
        predicted_class: Only images that were taken for this class; any if empty.
        verdict: Only mistakes with this verdict, from human votes and reviews; any if empty.
        sort: What comes first.
        limit: How many mistakes to return.
        offset: How many to skip before them.

    Returns:
        model and weights_sha256
        count of the mistakes that pass these filters
        offset and sort as they were asked for
        rows: index of a test image, true and predicted class, verdict, and the sort values
        in rows: confidence, margin to the second class, true_probability, loss and entropy (nats)
        in rows: agreement, the share of people who chose the label; people, the class of most
        in rows: difficulty, how many of thirty published networks miss the image
        link: append it to the app's address to open this selection in its Mistakes tab

    """
    ckpt = checkpoint_of(model)
    for name in (true_class, predicted_class):
        _choice_or_none(name, CLASSES, "class")
    _choice_or_none(verdict, VERDICTS, "verdict")
    choice(sort, SORTS, "sort")
    first = whole_number("offset", offset, 0)
    last = first + whole_number("limit", limit, 1, MAX_ROWS)
    selected = mistakes.select(
        store.table(model),
        true=true_class,
        predicted=predicted_class,
        verdict=verdict,
        sort=sort,
    )
    view = {"true": true_class, "pred": predicted_class, "verdict": verdict, "sort": sort}
    return {
        **identity(ckpt),
        "count": len(selected),
        "offset": first,
        "sort": sort,
        "rows": [_row(index, selected.loc[index]) for index in selected.index[first:last].tolist()],
        "link": _link(model, outcome="wrong", **view),
    }


def get_mistake(model: str, index: int) -> tuple[np.ndarray, Mistake]:
    """Tell everything about one CIFAR-10 test image, whether a network gets it wrong or right.

    Args:
        model: The network whose prediction to return.
        index: The image's place in the official order of the test images.

    Returns:
        the image (32x32, PNG)
        model and weights_sha256
        index and caption of the image
        true and predicted class, and whether that is wrong
        probabilities of all classes
        confidence, margin to the second class, true_probability, loss and entropy (nats)
        votes of about 51 people and review of the label, null if it was not reviewed
        agreement, the share of people who chose the label; people, the class of most
        difficulty, how many of thirty published networks miss the image
        verdict on a mistake and why it was given
        ranks: its place among all test images in every sort, from 0
        neighbours: the images that the network finds most similar to it
        link: append it to the app's address to open the image in its Mistakes tab

    """
    ckpt, recorded = checkpoint_of(model), store.predictions(model)
    index = image_index(index, len(recorded.labels))
    annotations, rows = store.annotations(), store.table(model)
    row: Any = rows.loc[index]
    probabilities = metrics.probabilities(recorded.logits[index], ckpt.temperature)
    order = np.argsort(-probabilities, kind="stable")
    return store.test_images()[index], {
        **identity(ckpt),
        "caption": mistakes.caption(index, row),
        **_row(index, row),
        "wrong": bool(row["wrong"]),
        "why": VERDICTS[row["verdict"]][1] if row["verdict"] else None,
        "probabilities": class_probabilities((CLASSES[k], probabilities[k]) for k in order),
        "votes": dict(zip(CLASSES, annotations.votes[index].tolist(), strict=True)),
        "review": _review(annotations, index),
        "ranks": {sort: int(places[index]) for sort, places in mistakes.ranks(rows).items()},
        "neighbours": _neighbors(recorded, index),
        "link": _link(model, outcome="" if row["wrong"] else "right", id=index),
    }


def compare(model: str, other: str) -> Comparison:
    """Compare two networks on the 10,000 CIFAR-10 test images.

    Args:
        model: The first network.
        other: The second network; published: a published model; published-NAME: one of thirty
            published networks, least accurate last; or a table of answers that was added.

    Returns:
        model and other as they were asked for
        accuracy of both with Wilson's 95% interval
        counts: both right, fixed (only the second is right), broken (only the first), both wrong
        meaning of these four
        p_value of fixed against broken by McNemar's exact two-sided test
        difference of the second accuracy from the first, with its 95% interval

    """
    checkpoint_of(model)
    if choice(other, [*models(), *store.answers_names()], "model") == model:
        raise LensError(f"{model} cannot be compared with itself: choose another model.")
    first, second = store.table(model), _table(other)
    comparison = mistakes.compare(first, second)
    return {
        "model": model,
        "other": other,
        "accuracy": {model: _accuracy(first), other: _accuracy(second)},
        "counts": comparison.counts,
        "meaning": CELLS,
        "p_value": comparison.p_value,
        "difference": cast(Difference, comparison.difference),
    }


def _choice_or_none(value: object, known: Collection[str], what: str) -> None:
    if value != "":
        choice(value, known, what)


def _table(name: str) -> pd.DataFrame:
    return store.answers_table(name) if name in store.answers_names() else store.table(name)


def _accuracy(rows: pd.DataFrame) -> Share:
    return cast(Share, metrics.proportion(int((~rows["wrong"]).sum()), len(rows)))


def _row(index: int, row: Any) -> TestImage:
    """Return a row of `mistakes.table` as plain values; None for missing ones."""
    return {
        "index": int(index),
        "true": row["true"],
        "predicted": row["predicted"],
        "verdict": row["verdict"] or None,
        "confidence": json_number(row["confidence"]),
        "true_probability": json_number(row["true_probability"]),
        "loss": json_number(row["loss"]),
        "margin": json_number(row["margin"]),
        "entropy": json_number(row["entropy"]),
        "agreement": json_number(row["agreement"]),
        "people": row["people"] or None,
        "difficulty": int(row["difficulty"]),
    }


def _review(annotations: Annotations, index: int) -> Review | None:
    """Return the two classes that reviewers of a label chose from, and the count of each answer."""
    if annotations.given[index] < 0:
        return None
    return {
        "given": CLASSES[annotations.given[index]],
        "guessed": CLASSES[annotations.guessed[index]],
        "answers": dict(zip(ANSWERS, annotations.reviews[index].tolist(), strict=True)),
    }


def _neighbors(recorded: Predictions, index: int) -> Neighbors:
    """Return the nearest training images, and the nearest test image that was classified right."""
    training: list[Neighbor] = []
    if recorded.neighbours is not None and recorded.neighbour_labels is not None:
        nearest, labels = recorded.neighbours[index], recorded.neighbour_labels[index]
        training = [
            {"index": int(one), "label": CLASSES[label]}
            for one, label in zip(nearest, labels, strict=True)
        ]
    right = -1 if recorded.nearest_right is None else int(recorded.nearest_right[index])
    return {
        "training": training,
        "test_right": None
        if right < 0
        else {"index": right, "label": CLASSES[recorded.labels[right]]},
    }


def _link(model: str, **view: object) -> str:
    """Return the query string of a link to a view of the explorer, without its default values."""
    defaults = {"sort": next(iter(SORTS))}
    changed = {key: value for key, value in view.items() if value not in ("", defaults.get(key))}
    return "?" + urlencode({"model": model} | changed)
