"""Which heat maps are to be trusted, over many pictures: every method at every layer.

    python -m cifar evaluate resnet --explain

adds the section "explain" to the checkpoint's `metrics.json` and to its model card.

Every map is that of the predicted class. Scores are those of `faithfulness`: the areas under the
deletion curve (lower is better) and under the insertion curve (higher), here in steps of a fifth
of the pixels; ROAD (higher); the rank correlation with the map of one network with random weights
(nearer to 0); and the milliseconds that one map takes, on its own, with its pass through the
network.

The row with the highest mean ROAD is what the app draws unless somebody chooses otherwise, slow
methods left out. ROAD, because pictures with covered or blurred parts look like nothing the network
was trained on, and methods are ranked by what such pictures happen to do to it as much as by what
they mark; ROAD's ranking is the same whether the most or the least evidence is removed first
(https://arxiv.org/abs/2202.00449). Chosen and scored on the same images, the best row's lead is
flattered a little: rows within each other's intervals are as good.
"""

import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from cifar import LensError, files
from cifar.data import cifar10
from cifar.evaluation.classifier import classify
from cifar.explain.faithfulness import curves
from cifar.explain.heat_maps import heat_maps
from cifar.explain.methods import METHODS
from cifar.explain.perturbation import random_maps, ranking
from cifar.explain.randomization import control
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.device import describe
from cifar.models.errors import CheckpointError
from cifar.models.model_card import model_card

STEPS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
IMAGES = 500
SLOW_IMAGES = 25
SEED = 0
SCORES = ("road", "deletion", "insertion", "control")
RANDOM = ("random", None)


def score(name: str | Path, images: int = IMAGES) -> dict:
    """Score every method and layer of a checkpoint, write it to `metrics.json`, and return that.

    images: how many of the test images, evenly spaced in the official order (every 20th for 500);
    slow methods get 25 of these, evenly spaced too. On a processor of two cores this takes about
    five minutes for `basenet` and three quarters of an hour for `resnet`.
    Raises CheckpointError for a checkpoint that was not evaluated yet or is replaced meanwhile,
    DataError, or LensError for fewer than 2 images or more than there are.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    ckpt = checkpoint.load(checkpoint.find_own(name), device)
    ckpt.measured()
    test = cifar10.load("test")
    if not 2 <= images <= len(test):
        raise LensError(f"Heat maps of {images} images were asked for: choose 2 to {len(test)}.")
    started = time.monotonic()
    chosen = spaced(len(test), images)
    for_slow = set(chosen[spaced(images, min(images, SLOW_IMAGES))])
    found = defaultdict(list)
    for index in tqdm(chosen, "heat maps", unit="img"):
        image = test.images[index].permute(1, 2, 0).numpy()
        random = np.random.default_rng([SEED, index])
        for row, scores in score_image(ckpt, image, random, slow=index in for_slow):
            found[row].append(scores)

    reference = summarized(found.pop(RANDOM))
    rows = [{"method": m, "layer": layer, **summarized(s)} for (m, layer), s in found.items()]
    best = max(
        (row for row in rows if not METHODS[row["method"]].slow), key=lambda r: r["road"]["mean"]
    )
    now = checkpoint.load(ckpt.path)  # another verb may have measured something else meanwhile
    if now.sha256 != ckpt.sha256:
        raise CheckpointError(f"{ckpt.path} was replaced while it was scored: score it again.")
    result = now.measured() | {
        "explain": {
            "images": images,
            "command": command(ckpt, images),
            "hardware": describe(torch.device(device)),
            "seconds": round(time.monotonic() - started),
            "rows": rows,
            "random": reference,
            "default": {"method": best["method"], "layers": [best["layer"]]},
        }
    }
    files.write_json(ckpt.path / "metrics.json", result)
    card = model_card(ckpt.config, result)
    files.replace(ckpt.path / "README.md", lambda path: path.write_text(card))
    return result


def command(ckpt: Checkpoint, images: int) -> str:
    """What to type to have the same scores again."""
    fewer = "" if images == IMAGES else f" --images {images}"
    return f"python -m cifar evaluate {ckpt.place_for_others} --explain{fewer}"


def spaced(n: int, count: int) -> np.ndarray:
    """`count` of the numbers 0 to n - 1, from 0 on and evenly spaced: int64 (count,)."""
    return np.arange(count) * n // count


def choices(ckpt: Checkpoint, slow: bool) -> list[tuple[str, str | None]]:
    """Every method with every layer (none for occlusion), slow methods too if wanted."""
    layers = [layer.name for layer in ckpt.layers]
    return [
        (method.name, layer)
        for method in METHODS.values()
        if slow or not method.slow
        for layer in ([None] if method.name == "occlusion" else layers)
    ]


def score_image(
    ckpt: Checkpoint, image: np.ndarray, random: np.random.Generator, slow: bool
) -> list[tuple[tuple[str, str | None], dict]]:
    """The scores of one image's maps by method and layer, and those of a random map a layer.

    The random maps are as coarse and smooth as Grad-CAM's of that layer.
    """
    target = classify(ckpt, image).predicted
    rows, heats, seconds = choices(ckpt, slow), [], []
    for method, layer in rows:
        began = time.perf_counter()
        heats += heat_maps(ckpt, image, [target], method, [layer] if layer else None)
        seconds.append(time.perf_counter() - began)
    aimless = [
        random_maps(heat, 1, random)[0]
        for heat, (method, _) in zip(heats, rows, strict=True)
        if method == "gradcam"
    ]
    orders = [ranking(values) for values in (*(heat.values for heat in heats), *aimless)]
    deletion, insertion, road = curves(ckpt, image, target, orders, STEPS, orders, random)
    areas = [np.trapezoid(curve, STEPS, axis=1) for curve in (deletion, insertion)]
    likeness = [control(ckpt, image, heat, networks=1) for heat in heats]
    pairs = zip(
        rows + [RANDOM] * len(aimless),
        zip(
            road,
            *areas,
            likeness + [None] * len(aimless),
            seconds + [None] * len(aimless),
            strict=True,
        ),
        strict=True,
    )
    return [(row, dict(zip((*SCORES, "seconds"), values, strict=True))) for row, values in pairs]


def summarized(scores: list[dict]) -> dict:
    """Of what `score_image` gave a row: n, the mean of each score, the median of milliseconds."""
    result: dict = {"n": len(scores)}
    for key in SCORES:
        result[key] = mean([s[key] for s in scores if s[key] is not None])
    seconds = [s["seconds"] for s in scores if s["seconds"] is not None]
    return result | ({"milliseconds": 1000 * float(np.median(seconds))} if seconds else {})


def mean(values: list[float]) -> dict:
    """The mean with its 95% interval by the normal distribution; None for fewer than 2 values."""
    if len(values) < 2:
        return {"mean": None, "low": None, "high": None}
    centre = float(np.mean(values))
    half = 1.959964 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return {"mean": centre, "low": centre - half, "high": centre + half}
