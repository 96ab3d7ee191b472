"""Find what a network expects of images: the likely conventions are tried on images of `val`."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import confusion_matrix
from tqdm import tqdm

from cifar import CLASSES, LensError
from cifar.data.cifar10 import Split
from cifar.evaluation import metrics
from cifar.models.facts import MEAN, STD
from cifar.models.graph import GraphNetwork
from cifar.models.onnx_network import OnnxNetwork
from cifar.models.preprocessing import Outputs, Preprocessing
from cifar.models.staged import normalize

Brought = GraphNetwork | OnnxNetwork
IMAGES = 500
BATCH = 100
ENOUGH = 0.25  # accuracy that no network has by chance, which is 0.1, even with the best order
ORDER_ENOUGH = 0.5  # accuracy that only the right order of classes gives
Color = tuple[float, float, float]
# Means and standard deviations by name, the most frequent first.
NORMALIZATIONS: dict[str, tuple[Color, Color]] = {
    "CIFAR-10's mean and deviation": (MEAN, STD),
    "CIFAR-10's mean, deviation 0.20": (MEAN, (0.2023, 0.1994, 0.2010)),
    "ImageNet's mean and deviation": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "-1 to 1": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "0 to 1": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "0 to 255": ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
}


class ConventionError(LensError):
    """Network that answers by chance, whatever images it gets; the message says what was tried."""


@dataclass(frozen=True)
class Trial:
    """A convention and what a network makes of it. accuracy: 0 to 1, on IMAGES of `val`."""

    name: str
    preprocessing: Preprocessing
    accuracy: float
    nll: float

    def __str__(self) -> str:
        return f"{self.name}: {self.accuracy:.1%}"


def search(network: Brought, val: Split, given: Preprocessing, *, fixed: bool) -> list[Trial]:
    """Try the likely conventions, and return them with the best first.

    given: what is known; its mean and deviation are tried alone if they are fixed. Raises
    ConventionError if the best is no better than chance, and for outputs that are no numbers.
    """
    names = {"as given": (given.mean, given.std)} if fixed else NORMALIZATIONS
    candidates = [(name, replace(given, mean=mean, std=std)) for name, (mean, std) in names.items()]
    bar = tqdm(candidates, "what it expects", unit="convention")
    trials = sorted((_try(network, val, *candidate) for candidate in bar), key=_order)
    if given.channels == "RGB" and not fixed:
        best = trials[0].accuracy
        for trial in tuple(trials):
            known = trial.preprocessing
            swapped = replace(given, mean=known.mean, std=known.std, channels="BGR")
            trials.append(_try(network, val, f"{trial.name}, blue first", swapped))
            if trials[-1].accuracy < best:  # so are the others
                break
    trials.sort(key=_order)
    if not any(math.isfinite(trial.nll) for trial in trials):
        raise ConventionError("The network returns NaN or infinity for images of CIFAR-10.")
    if trials[0].accuracy < ENOUGH:
        raise ConventionError(
            f"The network is right about {trials[0].accuracy:.1%} of {IMAGES} images at best, and "
            f"chance is {1 / len(CLASSES):.0%} ({'; '.join(map(str, trials))}): are these its "
            "weights, trained on CIFAR-10? Name what it expects by --mean, --std and --size."
        )
    return trials


def _order(trial: Trial) -> tuple[float, float]:
    return -trial.accuracy, trial.nll


def _try(network: Brought, val: Split, name: str, preprocessing: Preprocessing) -> Trial:
    """Measure a convention, with the kind and order of outputs that fit it best."""
    network.preprocessing = replace(preprocessing, outputs="logits")
    with torch.inference_mode():
        outputs = torch.cat(
            [network(normalize(images)) for images in val.images[:IMAGES].split(BATCH)]
        ).numpy()
    if not np.isfinite(outputs).all():  # as of half precision on a scale that is too large
        return Trial(f"{name}, not finite", preprocessing, 0, math.inf)
    labels = val.labels[:IMAGES].numpy()
    preprocessing = replace(preprocessing, outputs=kind(outputs))
    if preprocessing.classes == Preprocessing.classes:
        preprocessing = replace(preprocessing, classes=order(outputs, labels))
        outputs = outputs[:, list(preprocessing.classes)]
    logits = preprocessing.as_logits(torch.from_numpy(outputs)).numpy()
    accuracy = float((logits.argmax(1) == labels).mean())
    return Trial(name, preprocessing, accuracy, metrics.nll(logits, labels))


def kind(outputs: np.ndarray) -> Outputs:
    """Return what outputs (N, 10) are."""
    if (outputs < 0).any():
        return "logits"
    if np.allclose(outputs.sum(1), 1, rtol=1e-3):
        return "probabilities"
    return "percent" if np.allclose(outputs.sum(1), 100, rtol=1e-3) else "logits"


def order(outputs: np.ndarray, labels: np.ndarray) -> tuple[int, ...]:
    """Return the position of each class's output.

    It is the class's number, unless another order is right where this one is wrong: then each class
    is given the output that is largest for most of its images.
    """
    usual = tuple(range(len(CLASSES)))
    counts = confusion_matrix(labels, outputs.argmax(1), labels=usual)
    _, best = linear_sum_assignment(counts, maximize=True)
    is_better = counts[usual, best].sum() > max(ORDER_ENOUGH * len(labels), 2 * np.trace(counts))
    return tuple(map(int, best)) if is_better else usual
