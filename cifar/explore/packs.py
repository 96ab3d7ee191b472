"""Everything that the explorer in the page is told, as packs: see `pack` for their layout.

Judgement (verdicts, ranks, groups, statistics) is made here or below, never in the page.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cifar import CLASSES
from cifar.data.annotations import REVIEWERS, Annotations
from cifar.evaluation.metrics import probabilities, proportion
from cifar.evaluation.neighbors import SHOWN, NeighborImages
from cifar.evaluation.predictions import Predictions
from cifar.explore import mistakes, thumbnails
from cifar.explore.columns import pack, whole
from cifar.explore.slices import Dimension, slices, worst_first
from cifar.explore.verdicts import AGREEMENT, VERDICTS, agreed_accuracy, in_band
from cifar.models.checkpoint import Checkpoint

# What a step of a whole number means: of most columns, of losses (which run far), of probabilities.
STEP, LOSS_STEP, PROBABILITY_STEP = 1e-4, 1e-3, 1 / 255
NEIGHBOR_ROWS = 25  # mistakes a sheet of their nearest training images


def images_pack(
    labels: np.ndarray,
    places: np.ndarray,
    dimensions: Mapping[str, Dimension],
    annotations: Annotations,
) -> bytes:
    """What is true of the test images whatever the model.

    labels: int (N,). places: uint16 (N,), of `sprites.positions`. dimensions: of `slices.slices`,
    of any model.
    """
    header = {
        "kind": "images",
        "classes": list(CLASSES),
        "count": len(labels),
        "agreement": [{"key": band} for band in AGREEMENT],
        "reviewers": REVIEWERS,
        "slices": [
            {"key": key, "title": d.title, "groups": [group["title"] for group in d.groups]}
            for key, d in dimensions.items()
        ],
        "sheets": {
            "count": thumbnails.count(len(labels)),
            "per_sheet": thumbnails.PER_SHEET,
            "columns": thumbnails.COLUMNS,
        },
    }
    share = annotations.votes[np.arange(len(labels)), labels] / annotations.votes.sum(1)
    bands = np.argmax([in_band(share, band) for band in AGREEMENT], axis=0)
    columns = {
        "label": labels.astype(np.uint8),
        "position": places,
        **{f"slice_{key}": dimension.column for key, dimension in dimensions.items()},
        "votes": annotations.votes.astype(np.uint8),
        "agreement": bands.astype(np.uint8),
        "agreement_share": whole(share, STEP),
        "review_given": annotations.reviews[:, 0].astype(np.int8),
        "review_guess": annotations.guessed.astype(np.uint8),  # 255 where not reviewed
    }
    return pack(header, columns)


def model_pack(
    ckpt: Checkpoint,
    title: str,
    predictions: Predictions,
    rows: pd.DataFrame,
    against: Mapping[str, pd.DataFrame],
    *,
    has_neighbor_images: bool,
) -> bytes:
    """One model's predictions with all that is judged of them.

    rows: its `mistakes.table`. against: tables of the models that it can be compared with, by name.
    has_neighbor_images: whether `neighbor_sheet` can draw the training images near its mistakes.
    """
    dimensions = slices(rows, predictions.qualities)
    judged = rows["verdict"].value_counts()
    ranks = mistakes.ranks(rows)
    header = {
        **_head("model", ckpt.name, title, rows, against),
        "sha256": ckpt.sha256,
        "temperature": ckpt.temperature,
        "mistakes": int(rows["wrong"].sum()),
        "agreed": agreed_accuracy(rows),
        "verdicts": [
            {"key": key, "title": words, "rule": rule, "n": int(judged.get(key, 0))}
            for key, (words, rule) in VERDICTS.items()
        ],
        "sorts": list(ranks),
        "slices": {
            key: [
                {k: group[k] for k in ("n", "wrong", "rate", "low", "high")} for group in d.groups
            ]
            for key, d in dimensions.items()
        },
        "worst": [
            {"slice": group["dimension"], "group": group["number"]}
            for group in worst_first(dimensions)
        ],
    }
    keys = ["", *VERDICTS]
    columns = {
        **_columns(probabilities(predictions.logits, ckpt.temperature), rows),
        "loss": whole(rows["loss"].to_numpy(), LOSS_STEP),
        "margin": whole(rows["margin"].to_numpy(), STEP),
        "entropy": whole(rows["entropy"].to_numpy(), STEP),
        "verdict": rows["verdict"].map(keys.index).to_numpy().astype(np.uint8),
    }
    for number, places in enumerate(ranks.values()):
        columns[f"rank_{number}"] = places
    if predictions.map is not None:
        columns["map"] = whole(predictions.map, 1 / 65535)
    if has_neighbor_images and predictions.neighbours is not None:
        header["neighbors"] = {"per_sheet": NEIGHBOR_ROWS, "columns": SHOWN}
        order = neighbor_order(rows)
        columns["neighbor_row"] = np.full(len(rows), 65535, np.uint16)
        columns["neighbor_row"][order] = np.arange(len(order))
        columns["neighbors"] = predictions.neighbours[:, :SHOWN].astype(np.uint16)
        if predictions.neighbour_labels is not None:
            columns["neighbor_labels"] = predictions.neighbour_labels[:, :SHOWN]
    if predictions.nearest_right is not None:
        columns["nearest_right"] = predictions.nearest_right.astype(np.uint16)
    return pack(header, columns)


def neighbor_order(rows: pd.DataFrame) -> np.ndarray:
    """Return the mistakes in the order in which their nearest training images are drawn.

    That of the first sort: whoever walks through mistakes needs few sheets. rows: the whole table.
    """
    return mistakes.select(rows).index.to_numpy()


def neighbor_sheet(
    images: NeighborImages, predictions: Predictions, rows: pd.DataFrame, number: int
) -> bytes:
    """Return sheet `number`, from 0, of training images near mistakes: PNG, a row a mistake.

    Raises ValueError for a number outside the sheets.
    """
    order = neighbor_order(rows)[number * NEIGHBOR_ROWS : (number + 1) * NEIGHBOR_ROWS]
    if number < 0 or not len(order) or predictions.neighbours is None:
        raise ValueError(f"There is no sheet {number} of training images.")
    nearest = predictions.neighbours[order, :SHOWN].ravel().tolist()
    return thumbnails.grid([images[index] for index in nearest], SHOWN)


def other_pack(
    name: str,
    title: str,
    probs: np.ndarray,
    rows: pd.DataFrame,
    against: Mapping[str, pd.DataFrame],
) -> bytes:
    """Predictions that are only compared with a model's. probs: float (N, 10); rows: their table.

    against: tables of the models that they can be compared with, by name.
    """
    return pack(_head("other", name, title, rows, against), _columns(probs, rows))


def _head(
    kind: str, name: str, title: str, rows: pd.DataFrame, against: Mapping[str, pd.DataFrame]
) -> dict:
    """What the page shows of any model. `against` tells what this one fixes in each other."""
    right = int((~rows["wrong"]).sum())
    found = {other: mistakes.compare(table, rows) for other, table in against.items()}
    return {
        "kind": kind,
        "name": name,
        "title": title,
        "accuracy": proportion(right, len(rows)),
        "against": {
            other: {"counts": list(c.counts.values()), "p": c.p_value} for other, c in found.items()
        },
    }


def _columns(probs: np.ndarray, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    return {
        "predicted": np.array([CLASSES.index(c) for c in rows["predicted"]], dtype=np.uint8),
        "probabilities": whole(probs, PROBABILITY_STEP, np.uint8),
        "confidence": mistakes.confidence_steps(rows),
    }
