"""Faithfulness scores of every heat-map method at every layer, over many test images.

    python -m cifar evaluate resnet --explain

adds the section "explain" to the checkpoint's `metrics.json` and to its model card.

Every map is that of the predicted class. Scores are those of `faithfulness`: the areas under the
deletion curve (lower is better) and under the insertion curve (higher), here in steps of a fifth
of the pixels; ROAD (higher); the model randomization test with one network, the rank correlation
"control" (nearer to 0); and the milliseconds of a single map, including its forward pass.

The row with the highest mean ROAD, slow methods excluded, is the default of the app. Deletion and
insertion would not do: pictures with covered or blurred parts are unlike the training images, so
their effect on the network counts as much in the ranking as the marked parts. ROAD's ranking is the
same whether the most or the least evidence is removed first (https://arxiv.org/abs/2202.00449).
The best row is chosen and scored on the same images, which overstates its lead a little: rows
within each other's intervals are as good.
"""

import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from cifar import LensError
from cifar.data import cifar10
from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify
from cifar.explain.faithfulness import curves
from cifar.explain.heat_maps import heat_maps
from cifar.explain.methods import METHODS, HeatMap, usable
from cifar.explain.perturbation import random_maps, ranking
from cifar.explain.randomization import model_randomization
from cifar.explain.trust import FRACTIONS, area
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.device import describe, fastest_device
from cifar.models.model_card import add_section

Row = tuple[str, str | None]  # a method and its layer; None for occlusion

IMAGES = 500
SLOW_IMAGES = 25
SEED = 0
SCORES = ("road", "deletion", "insertion", "control")
RANDOM: Row = ("random", None)


def score(name: str | Path, images: int = IMAGES) -> dict:
    """Score every method and layer of a checkpoint, and write and return its `metrics.json`.

    images: how many of the test images, evenly spaced in the official order (every 20th for 500);
    slow methods get 25 of these, evenly spaced too. On a processor of two cores this takes about
    five minutes for `basenet` and three quarters of an hour for `resnet`.
    Raises CheckpointError for a checkpoint that was not evaluated yet or is replaced meanwhile,
    DataError, or LensError for fewer than 2 images or more than the test images.
    """
    device = fastest_device()
    ckpt = checkpoint.load(checkpoint.find_own(name), device)
    _ = ckpt.measured
    test, indices = spaced_test_images(images)
    started = time.monotonic()
    slow_indices = set(indices[evenly_spaced(images, min(images, SLOW_IMAGES))])
    scores_of = defaultdict(list)
    for index in tqdm(indices, "heat maps", unit="img"):
        image = test.images[index].permute(1, 2, 0).numpy()
        random = np.random.default_rng([SEED, index])
        for row, scores in score_image(ckpt, image, random, slow=index in slow_indices):
            scores_of[row].append(scores)

    random_summary = summarize(scores_of.pop(RANDOM))
    rows = [
        {"method": method, "layer": layer, **summarize(scores)}
        for (method, layer), scores in scores_of.items()
    ]
    fast_rows = [row for row in rows if not METHODS[row["method"]].slow]
    best = max(fast_rows or rows, key=lambda row: row["road"]["mean"])
    section = {
        "images": images,
        "command": command(ckpt, images),
        "hardware": describe(torch.device(device)),
        "seconds": round(time.monotonic() - started),
        "rows": rows,
        "random": random_summary,
        "default": {"method": best["method"], "layers": [best["layer"]]},
    }
    return add_section(ckpt, "explain", section)


def command(ckpt: Checkpoint, images: int) -> str:
    """Return the command that reproduces the scores."""
    fewer = "" if images == IMAGES else f" --images {images}"
    return f"python -m cifar evaluate {ckpt.place_for_others} --explain{fewer}"


def spaced_test_images(count: int) -> tuple[cifar10.Split, np.ndarray]:
    """Return the test split and the indices of `count` evenly spaced images, int64 (count,).

    Raises DataError, or LensError for fewer than 2 images or more than there are.
    """
    test = cifar10.load("test")
    if not 2 <= count <= len(test):
        raise LensError(f"Heat maps of {count} images were asked for: choose 2 to {len(test)}.")
    return test, evenly_spaced(len(test), count)


def evenly_spaced(n: int, count: int) -> np.ndarray:
    """Return `count` evenly spaced numbers of 0 to n - 1, starting at 0: int64 (count,)."""
    return np.arange(count) * n // count


def choices(ckpt: Checkpoint, slow: bool) -> list[Row]:
    """List every usable method with every layer (None for occlusion); slow: include slow ones."""
    layers = [layer.name for layer in ckpt.layers]
    return [
        (method.name, layer)
        for method in map(METHODS.__getitem__, usable(ckpt))
        if slow or not method.slow
        for layer in ([None] if method.name == "occlusion" else layers)
    ]


class _Map(NamedTuple):
    """A map to score, float (h, w). heat, seconds: of a method's map; None for a random map."""

    row: Row
    values: np.ndarray
    heat: HeatMap | None = None
    seconds: float | None = None


def score_image(
    ckpt: Checkpoint, image: np.ndarray, random: np.random.Generator, slow: bool
) -> list[tuple[Row, dict]]:
    """Score one image's maps by method and layer, and one random map per layer.

    The random maps are as coarse and smooth as the first method's of that layer, or as occlusion's
    for a network without layers.
    """
    target = classify(ckpt, Seen.image(image)).predicted
    maps: list[_Map] = []
    for method, layer in choices(ckpt, slow):
        start = time.perf_counter()
        (heat,) = heat_maps(ckpt, image, [target], method, [layer] if layer else None)
        seconds = time.perf_counter() - start
        maps.append(_Map((method, layer), heat.values, heat, seconds))
    by_layer: dict[str | None, HeatMap] = {}
    for one in maps:
        if one.heat is not None and (one.row[1] or not ckpt.layers):
            by_layer.setdefault(one.row[1], one.heat)
    maps += [_Map(RANDOM, random_maps(heat, 1, random)[0]) for heat in by_layer.values()]

    orders = [ranking(one.values) for one in maps]
    deletion, insertion, road = curves(ckpt, image, target, orders, FRACTIONS, random)
    deletion_areas, insertion_areas = (area(curve) for curve in (deletion, insertion))
    scores = []
    for i, one in enumerate(maps):
        control = None
        if one.heat is not None:
            control = model_randomization(ckpt, image, one.heat, networks=1)
        of_row = {
            "road": road[i],
            "deletion": deletion_areas[i],
            "insertion": insertion_areas[i],
            "control": control,
            "seconds": one.seconds,
        }
        scores.append((one.row, of_row))
    return scores


def summarize(scores: list[dict]) -> dict:
    """Summarize a row of `score_image`: n, the mean of each score, the median of milliseconds."""
    result: dict = {"n": len(scores)}
    for key in SCORES:
        result[key] = mean([one[key] for one in scores if one[key] is not None])
    seconds = [one["seconds"] for one in scores if one["seconds"] is not None]
    return result | ({"milliseconds": 1000 * float(np.median(seconds))} if seconds else {})


def mean(values: list[float]) -> dict:
    """Compute the mean and its normal 95% interval; all None for fewer than 2 values."""
    if len(values) < 2:
        return {"mean": None, "low": None, "high": None}
    center = float(np.mean(values))
    half = 1.959964 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return {"mean": center, "low": center - half, "high": center + half}
