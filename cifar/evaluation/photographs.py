"""Evaluation of a checkpoint on labelled photographs, which visitors' pictures resemble.

    python -m cifar evaluate resnet --photos FOLDER

adds the section "photographs" to the checkpoint's `metrics.json` and to its model card. The app
then uses the temperature and the thresholds fitted here for every picture that is cut or scaled.

FOLDER has a folder for each class; pictures in folders of other names show none of the ten classes.
Instead of it, a CSV file with the columns `file` (its path, seen from the CSV file) and `label` may
be named. What is fitted on photographs is not measured on them: they are split in two by the first
bit of their sha256, and the accuracy of a confidence is measured on each half with the temperature
of the other. The share that is found out of distribution and the area under the ROC curve are those
of the second half alone, since the first one chose the score of `ood`.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from cifar import CLASSES, LensError
from cifar.data.pictures import Seen, open_image, see
from cifar.evaluation import metrics, ood
from cifar.evaluation.classifier import outputs
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.device import describe, fastest_device
from cifar.models.model_card import add_section

OTHER = -1  # the label of a picture that shows none of the ten classes
FEWEST = 10  # photographs of the ten classes in either half
CONFIDENT = 0.9
RESAMPLES = 2_000  # of the bootstrap
SEED = 0


class Photograph(NamedTuple):
    """A picture file, its class (0 to 9, or OTHER) and whether it is in the second half."""

    path: Path
    label: int
    second: bool


def evaluate(name: str | Path, place: Path, source: str = "") -> dict:
    """Measure a checkpoint on photographs, and write and return its `metrics.json`.

    place: a folder or CSV file, see above. source: where the photographs come from, in words.
    Raises CheckpointError for a checkpoint that was not evaluated yet, LensError for photographs
    that cannot be read or are too few.
    """
    device = fastest_device()
    ckpt = checkpoint.load(checkpoint.find_own(name), device)
    _ = ckpt.measured
    photographs = find(place)
    with ThreadPoolExecutor() as pool:
        reading = pool.map(_read, photographs)
        seen = list(tqdm(reading, "photographs", len(photographs), unit="img"))
    labels = np.array([one.label for one in photographs])
    second = np.array([one.second for one in photographs])
    section = {
        "source": source or "photographs of your own",
        "command": f"python -m cifar evaluate {ckpt.place_for_others} --photos FOLDER",
        "hardware": describe(torch.device(device)),
        "classes": dict(Counter(CLASSES[label] for label in labels if label != OTHER)),
        "others": int((labels == OTHER).sum()),
        "views": {
            "look": measure(ckpt, [Seen(one.views[:1], "look") for one in seen], labels, second),
            "looks": measure(ckpt, seen, labels, second),
        },
    }
    return add_section(ckpt, "photographs", section)


def find(place: Path) -> list[Photograph]:
    """List the photographs of a folder or CSV file, by path.

    Raises LensError if a file is missing, or too few show one of the ten classes.
    """
    files = _listed(place) if place.is_file() else _in_folders(place)
    photographs = []
    for path, label in sorted(files):
        try:
            second = hashlib.sha256(path.read_bytes()).digest()[0] >= 128
        except OSError as error:
            raise LensError(f"{path} cannot be read: {error.strerror}.") from error
        number = CLASSES.index(label) if label in CLASSES else OTHER
        photographs.append(Photograph(path, number, second))
    halves = Counter(one.second for one in photographs if one.label != OTHER)
    if min(halves[False], halves[True]) < FEWEST:
        raise LensError(
            f"{place} has {halves.total()} photographs of the ten classes: name a folder with a "
            f"folder of pictures for each class, or a CSV file with the columns file and label; "
            f"at least {FEWEST} must fall into either half."
        )
    return photographs


def _listed(table: Path) -> list[tuple[Path, str]]:
    try:
        with table.open(newline="", encoding="utf-8") as stream:
            return [(table.parent / row["file"], row["label"]) for row in csv.DictReader(stream)]
    except (KeyError, TypeError, UnicodeDecodeError, csv.Error) as error:
        raise LensError(f"{table} is no CSV file with the columns file and label.") from error


def _in_folders(place: Path) -> list[tuple[Path, str]]:
    return [
        (path, path.parent.name)
        for path in place.glob("*/*")
        if path.is_file() and not path.name.startswith(".")
    ]


def _read(photograph: Photograph) -> Seen:
    """Read a photograph. Raises LensError, which names it, if that fails or it has 32x32 pixels."""
    try:
        seen = see(open_image(photograph.path))
    except LensError as error:
        raise LensError(f"{photograph.path}: {error}") from error
    if seen.kind == "image":
        raise LensError(f"{photograph.path} has 32x32 pixels: name photographs.")
    return seen


def measure(
    ckpt: Checkpoint, pictures: Sequence[Seen], labels: np.ndarray, second: np.ndarray
) -> dict:
    """Compute a `records.ViewScores` of pictures of one kind.

    labels: int (N,), 0 to 9 or OTHER. second: bool (N,), whether each is in the second half.
    """
    logits, features = (np.stack(part) for part in zip(*outputs(ckpt, pictures), strict=True))
    scores = ood.scores(
        features.mean(1), logits.mean(1), ood.feature_bank(ckpt), ckpt.measured["ood"]["scale"]
    )
    known = labels != OTHER

    def fit(chosen: np.ndarray) -> dict:
        """Fit on some photographs of the ten classes: bool (N,)."""
        temperature = metrics.fit_mean_confidence(logits[chosen], labels[chosen])
        probs = metrics.probabilities(logits[chosen], temperature).mean(1)
        below = ood.unsure_below(probs.max(1), probs.argmax(1) == labels[chosen])
        return {
            "temperature": temperature,
            "ood_threshold": ood.quantile(scores[chosen]),
            "unsure_below": below,
        }

    probs = np.empty((len(labels), len(CLASSES)))
    for half in (second, ~second):
        temperature = fit(known & ~half)["temperature"]
        probs[half] = metrics.probabilities(logits[half], temperature).mean(1)
    right, confidence = probs.argmax(1) == labels, probs.max(1)
    found = scores > fit(known & ~second)["ood_threshold"]
    return {
        "fitted": fit(known),
        "accuracy": _share(right[known]),
        "confidence": float(confidence[known].mean()),
        "nll": float(-np.log(probs[known, labels[known]]).mean()),
        "confident_others": _share(confidence[~known] > CONFIDENT),
        "false_alarms": _share(found[known & second]),
        "detected": _share(found[~known & second]),
        "auroc": area_under_roc(scores[known & second], scores[~known & second]),
    }


def _share(chosen: np.ndarray) -> dict:
    return metrics.proportion(int(chosen.sum()), len(chosen))


def area_under_roc(low: np.ndarray, high: np.ndarray) -> dict:
    """Compute how often a score of `high` exceeds one of `low`, with its bootstrap 95% interval.

    low, high: float (N,), (M,); they are drawn anew apart from each other. None without either.
    """
    if not len(low) or not len(high):
        return {"value": None, "low": 0.0, "high": 1.0}
    above = (high[:, None] > low) + 0.5 * (high[:, None] == low)
    random = np.random.default_rng(SEED)
    rows = random.multinomial(len(high), np.full(len(high), 1 / len(high)), RESAMPLES)
    columns = random.multinomial(len(low), np.full(len(low), 1 / len(low)), RESAMPLES)
    areas = np.einsum("rm,mn,rn->r", rows, above, columns) / above.size
    lowest, highest = np.quantile(areas, [0.025, 0.975])
    return {"value": float(above.mean()), "low": float(lowest), "high": float(highest)}
