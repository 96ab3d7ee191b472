"""The contents of each pack for the explorer in the page; `cifar.explore.columns` has the layout.

Verdicts, ranks, groups and statistics are computed in Python, never in the page.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cifar import CLASSES
from cifar.data.annotations import REVIEWERS, Annotations, PublishedNetworks
from cifar.data.image_table import ImageTable
from cifar.evaluation.metrics import probabilities, proportion
from cifar.evaluation.neighbors import SHOWN, NeighborImages
from cifar.evaluation.predictions import Predictions
from cifar.evaluation.recorded_answers import RecordedAnswers
from cifar.explore import mistakes, thumbnails
from cifar.explore.columns import pack, to_steps
from cifar.explore.slices import Dimension, slices
from cifar.explore.verdicts import AGREEMENT, VERDICTS, agreed_accuracy, corrected, in_band
from cifar.models.checkpoint import Checkpoint

# The size of a step of most columns, of losses (which have a wide range) and of probabilities.
STEP, LOSS_STEP, PROBABILITY_STEP = 1e-4, 1e-3, 1 / 255
NEIGHBOR_ROWS = 25  # mistakes per sheet of nearest training images
CHANNEL_IMAGES = 9  # that excite a channel most
TWIN_COLUMNS = 16  # of the sheet of near-duplicates


def images_pack(
    labels: np.ndarray,
    places: np.ndarray,
    dimensions: Mapping[str, Dimension],
    annotations: Annotations,
    networks: PublishedNetworks,
    twins: pd.DataFrame,
) -> bytes:
    """Return the pack of the facts about test images that do not depend on a model.

    labels: int (N,). places: uint16 (N,), from `thumbnails.positions`. dimensions: from
    `slices.slices`, of any model. networks: whose answers are shown beside the model's. twins: from
    `cifar.data.near_duplicates.load`.
    """
    misses = networks.misses(labels)
    header = {
        "kind": "images",
        "classes": list(CLASSES),
        "count": len(labels),
        "agreement": [
            {"key": band, "low": low, "high": high if math.isfinite(high) else None}
            for band, (low, high) in AGREEMENT.items()
        ],
        "reviewers": REVIEWERS,
        "networks": [
            {"title": name, "accuracy": float(1 - missed.mean()), "year": year, "source": source}
            for name, missed, (year, source) in zip(
                networks.names, misses, networks.sources, strict=True
            )
        ],
        "slices": [
            {
                "key": key,
                "title": d.title,
                "groups": [group["title"] for group in d.groups],
                "details": [group["detail"] for group in d.groups],
            }
            for key, d in dimensions.items()
        ],
        "sheets": {
            "count": thumbnails.count(len(labels)),
            "per_sheet": thumbnails.PER_SHEET,
            "columns": thumbnails.COLUMNS,
        },
        "twins": {"sheet": thumbnails.count(len(labels)), "columns": TWIN_COLUMNS},
    }
    agreement = annotations.votes[np.arange(len(labels)), labels] / annotations.votes.sum(1)
    bands = np.argmax([in_band(agreement, band) for band in AGREEMENT], axis=0)
    kept, rejected = annotations.for_and_against
    columns = {
        "label": labels.astype(np.uint8),
        "position": places,
        **{f"slice_{key}": dimension.column for key, dimension in dimensions.items()},
        "votes": annotations.votes.astype(np.uint8),
        "agreement": bands.astype(np.uint8),
        "agreement_share": to_steps(agreement, STEP),
        "difficulty": misses.sum(0).astype(np.uint8),
        "networks": networks.predictions.T,
        "corrected": corrected(labels, annotations).astype(np.uint8),
        **_twins(twins, len(labels)),
        "review_for": kept.astype(np.uint8),
        "review_against": rejected.astype(np.uint8),
        "review_guess": annotations.guessed.astype(np.uint8),  # 255 where not reviewed
    }
    return pack(header, columns)


def _twins(twins: pd.DataFrame, n: int) -> dict[str, np.ndarray]:
    """Return the columns of the training images that are nearly the same as a test image."""
    every = twins.reindex(range(n), fill_value=0)
    return {
        "twin": twins["index"].reindex(range(n), fill_value=65535).to_numpy().astype(np.uint16),
        "twin_label": every["label"].to_numpy().astype(np.uint8),
        "twin_shift": every[["dy", "dx"]].to_numpy().astype(np.int8),
        "twin_held_out": every["held_out"].to_numpy().astype(np.uint8),
    }


def twin_sheet(images: Sequence[np.ndarray]) -> bytes:
    """Return the training images that are nearly the same as a test image, as PNG, by test index.

    images: uint8 (32, 32, 3) each.
    """
    return thumbnails.grid(images, TWIN_COLUMNS)


def model_pack(
    ckpt: Checkpoint,
    title: str,
    predictions: Predictions,
    rows: pd.DataFrame,
    against: Mapping[str, pd.DataFrame],
    *,
    has_neighbor_images: bool,
) -> bytes:
    """Return the pack of a model: its predictions, verdicts, ranks, groups, map and neighbours.

    rows: its `mistakes.table`. against: tables of the models that it can be compared with, by name.
    has_neighbor_images: whether `neighbor_sheet` can draw the training images near its mistakes.
    """
    dimensions = slices(rows, predictions.qualities)
    verdict_counts = rows["verdict"].value_counts()
    ranks = mistakes.ranks(rows)
    header = {
        **_header("model", ckpt.name, title, rows, against),
        "sha256": ckpt.sha256,
        "temperature": ckpt.temperature,
        "mistakes": int(rows["wrong"].sum()),
        "agreed": agreed_accuracy(rows),
        "verdicts": [
            {"key": key, "title": words, "rule": rule, "n": int(verdict_counts.get(key, 0))}
            for key, (words, rule) in VERDICTS.items()
        ],
        "sorts": list(ranks),
        "slices": {
            key: [
                {k: group[k] for k in ("n", "wrong", "rate", "low", "high")} for group in d.groups
            ]
            for key, d in dimensions.items()
        },
    }
    keys = ["", *VERDICTS]
    columns = {
        **_columns(probabilities(predictions.logits, ckpt.temperature), rows),
        "loss": to_steps(rows["loss"].to_numpy(), LOSS_STEP),
        "margin": to_steps(rows["margin"].to_numpy(), STEP),
        "entropy": to_steps(rows["entropy"].to_numpy(), STEP),
        "verdict": rows["verdict"].map(keys.index).to_numpy().astype(np.uint8),
    }
    for number, rank in enumerate(ranks.values()):
        columns[f"rank_{number}"] = rank
    if predictions.map is not None:
        columns["map"] = to_steps(predictions.map, 1 / 65535)
    if has_neighbor_images and predictions.neighbours is not None:
        header["neighbors"] = {"per_sheet": NEIGHBOR_ROWS, "columns": SHOWN}
        if predictions.nearest_right is not None:
            header["neighbors"]["right"] = True  # a column more
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
    """Return the test indices of the mistakes in the order of their rows on the neighbor sheets.

    It is the order of the first sort, so that browsing mistakes loads few sheets. rows: the
    complete table.
    """
    return mistakes.select(rows).index.to_numpy()


def neighbor_sheet(
    images: NeighborImages,
    tests: ImageTable,
    predictions: Predictions,
    rows: pd.DataFrame,
    number: int,
) -> bytes:
    """Return a sheet of images near mistakes as PNG, one row per mistake.

    A row has the nearest training images and the nearest test image that is classified right, where
    these are on record: the detail of a mistake needs no other sheet. number: from 0. Raises
    ValueError if there is no such sheet.
    """
    order = neighbor_order(rows)[number * NEIGHBOR_ROWS : (number + 1) * NEIGHBOR_ROWS]
    if number < 0 or not len(order) or predictions.neighbours is None:
        raise ValueError(f"There is no sheet {number} of training images.")
    tiles, right = [], predictions.nearest_right
    for index in order:
        tiles += [images[near] for near in predictions.neighbours[index, :SHOWN].tolist()]
        if right is not None:
            tiles.append(tests[max(0, int(right[index]))])  # -1: none is right, none is shown
    return thumbnails.grid(tiles, SHOWN + (right is not None))


def other_pack(
    name: str, answers: RecordedAnswers, rows: pd.DataFrame, against: Mapping[str, pd.DataFrame]
) -> bytes:
    """Return the pack of answers that are only compared with those of models.

    rows: their table. against: tables of the models to compare with, by name. Probabilities are
    left out where only the classes are known.
    """
    columns = _columns(answers.probabilities, rows)
    if answers.only_classes:
        columns = {"predicted": columns["predicted"]}
    return pack(_header("other", name, answers.title, rows, against), columns)


def channels_pack(name: str, features: np.ndarray, labels: np.ndarray) -> bytes:
    """Return the pack of a model's channels, by which the page shows what each answers to.

    features: float (N, C), the pooled value of each channel. tops: the test images with the largest
    values, uint16 (C, CHANNEL_IMAGES), largest first. profile: the mean value by class as a share
    of the largest class's, uint8 (C, 10), in steps of 1/255.
    """
    tops = np.argsort(-features, axis=0, kind="stable")[:CHANNEL_IMAGES].T
    means = np.stack([features[labels == k].mean(0) for k in range(len(CLASSES))], axis=1)
    largest = np.maximum(means.max(1, keepdims=True), np.finfo(np.float32).tiny)
    header = {"kind": "channels", "name": name, "classes": list(CLASSES), "images": CHANNEL_IMAGES}
    columns = {
        "tops": tops.astype(np.uint16),
        "profile": to_steps(means / largest, PROBABILITY_STEP, np.uint8),
    }
    return pack(header, columns)


def probabilities_pack(name: str, probs: np.ndarray) -> bytes:
    """Return the pack of a model's probabilities, float (N, 10), in full precision, for exports."""
    header = {"kind": "probabilities", "name": name, "classes": list(CLASSES)}
    return pack(header, {"probabilities": probs.astype(np.float32)})


def _header(
    kind: str, name: str, title: str, rows: pd.DataFrame, against: Mapping[str, pd.DataFrame]
) -> dict:
    """Return the header entries of any model, with its comparison to each model in `against`."""
    right = int((~rows["wrong"]).sum())
    comparisons = {other: mistakes.compare(table, rows) for other, table in against.items()}
    return {
        "kind": kind,
        "name": name,
        "title": title,
        "accuracy": proportion(right, len(rows)),
        "against": {
            other: {"counts": list(c.counts.values()), "p": c.p_value, "difference": c.difference}
            for other, c in comparisons.items()
        },
    }


def _columns(probs: np.ndarray, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    return {
        "predicted": np.array([CLASSES.index(c) for c in rows["predicted"]], dtype=np.uint8),
        "probabilities": to_steps(probs, PROBABILITY_STEP, np.uint8),
        "confidence": mistakes.confidence_steps(rows),
    }
