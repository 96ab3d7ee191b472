"""Rates at which heat maps, and random ones, are called "better than chance".

    python -m cifar evaluate resnet --trust

adds the section "trust" to the checkpoint's `metrics.json` and to its model card. Checked are the
map that the app shows first for the predicted class of evenly spaced test images, and as many
random maps, as coarse and smooth as these, as if they were the network's. Results are kept in
`runs/trust-WEIGHTS.jsonl` as they come, and a run that was stopped goes on from there.
"""

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from cifar.data.pictures import Seen
from cifar.evaluation import metrics
from cifar.evaluation.classifier import classify
from cifar.explain.faithfulness import compare
from cifar.explain.heat_maps import heat_maps
from cifar.explain.method_scores import IMAGES, spaced_test_images
from cifar.explain.methods import HeatMap, default_choice
from cifar.explain.perturbation import random_maps
from cifar.explain.trust import LEVEL
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.device import describe, fastest_device
from cifar.models.model_card import add_section

SEED = 1


def measure(name: str | Path, images: int = IMAGES) -> dict:
    """Measure the verdict of a checkpoint's maps, and write and return its `metrics.json`.

    images: how many of the test images, evenly spaced in the official order. On a processor of two
    cores, 500 take about ten minutes for `basenet` and an hour for `resnet`.
    Raises CheckpointError for a checkpoint that was not evaluated yet, DataError, or LensError for
    fewer than 2 images or more than the test images.
    """
    device = fastest_device()
    ckpt = checkpoint.load(checkpoint.find_own(name), device)
    _ = ckpt.measured
    test, indices = spaced_test_images(images)
    kept = Path("runs") / f"trust-{ckpt.sha256[:12]}.jsonl"
    kept.parent.mkdir(exist_ok=True)
    rows, indices = _read(kept), indices.tolist()
    for index in tqdm([index for index in indices if index not in rows], "verdicts", unit="img"):
        image = test.images[index].permute(1, 2, 0).numpy()
        rows[index] = _verdicts(ckpt, image, int(test.labels[index]), index)
        with kept.open("a") as file:
            file.write(json.dumps({"index": index, **rows[index]}) + "\n")
    measured = [rows[index] for index in indices]
    passed = {
        "random": [row["random"] for row in measured],
        "right": [row["map"] for row in measured if row["right"]],
        "wrong": [row["map"] for row in measured if not row["right"]],
    }
    method, layers = default_choice(ckpt)
    fewer = "" if images == IMAGES else f" --images {images}"
    section = {
        "images": images,
        "method": method,
        "layers": list(layers),
        "command": f"python -m cifar evaluate {ckpt.place_for_others} --trust{fewer}",
        "hardware": describe(torch.device(device)),
        "seconds": round(sum(row["seconds"] for row in measured)),
        **{kind: metrics.proportion(sum(found), len(found)) for kind, found in passed.items()},
    }
    section = add_section(ckpt, "trust", section)
    kept.unlink()
    return section


def _verdicts(ckpt: Checkpoint, image: np.ndarray, label: int, seed: int) -> dict:
    """Return whether the answer is right, and whether its map and a random one pass."""
    started = time.monotonic()
    predicted = classify(ckpt, Seen.image(image)).predicted
    (heat,) = heat_maps(ckpt, image, [predicted])
    random = random_heat(heat, np.random.default_rng([SEED, seed]))
    return {
        "right": predicted == label,
        "map": _is_better(ckpt, image, heat),
        "random": _is_better(ckpt, image, random),
        "seconds": time.monotonic() - started,
    }


def _read(kept: Path) -> dict[int, dict]:
    """Return the results that are kept, by the number of the image."""
    if not kept.exists():
        return {}
    rows = [json.loads(line) for line in kept.read_text().splitlines()]
    return {row.pop("index"): row for row in rows}


def random_heat(heat: HeatMap, random: np.random.Generator) -> HeatMap:
    """Return a random map as coarse and smooth as a heat map, and never below 0 either."""
    (values,) = random_maps(heat, 1, random)
    return replace(heat, values=(values - values.min()).astype(np.float32))


def _is_better(ckpt: Checkpoint, image: np.ndarray, heat: HeatMap) -> bool:
    """Return whether the verdict on a map is "better than chance", as `trust.judge` has it."""
    if heat.peak <= 0 or np.ptp(heat.values) == 0:
        return False
    return compare(ckpt, image, heat).p_value <= LEVEL
