"""Reasons to doubt an answer: the picture is out of distribution, or the network is not sure.

Out-of-distribution pictures are detected by the sum of two scores, each in standard deviations of
the test images':

- the distance to the nearest features (Sun et al., https://arxiv.org/abs/2204.06507): 1 minus the
  cosine between a picture's features and those of the 50th nearest test image, whose features are
  recorded in `predictions.npz`. Recorded features in the same direction to within rounding belong
  to the same picture and are left out. Features of unknown objects are also short (Park et al.,
  https://arxiv.org/abs/2310.05316), so the distance grows with the square of how many times they
  are shorter than the median. Long features are not evidence of being in distribution: the ResNet's
  features of plain noise are 3.6 times the median;
- the energy of the logits (Liu et al., https://arxiv.org/abs/2010.03759).

Half of 307 photographs, of the ten classes and of other things, chose it among 40 scores of the
last features, the logits and the pooled features of other layers: the area under the ROC curve,
averaged over both networks, is 0.87 there. With the distance alone it is 0.85, with the energy
0.84, the relative Mahalanobis distance of normalized features (https://arxiv.org/abs/2106.09022)
0.82, the entropy 0.82, the largest probability (Hendrycks and Gimpel,
https://arxiv.org/abs/1610.02136) 0.79, how much the looks disagree 0.68. What it is worth is
measured on the other half, see `photographs`.

The threshold gives 5% false alarms on `val`; for pictures that were cut or scaled, on photographs.
"Not sure" is a calibrated confidence at which fewer than 9 in 10 answers are right, by an isotonic
regression on `val`, or on photographs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import torch
from scipy.special import logsumexp

from cifar.data import ood_sets
from cifar.evaluation import metrics
from cifar.evaluation.classifier import Answer
from cifar.evaluation.predictions import Predictions, load_predictions
from cifar.models.checkpoint import Checkpoint
from cifar.models.errors import CheckpointError

SCORE = (
    "distance to the 50th nearest features, which counts more where the picture's own are short, "
    "plus the energy of the logits, each in standard deviations of the test images"
)
NEAREST = 50  # as in the paper for CIFAR-10, not tuned on the out-of-distribution sets
FALSE_ALARMS = 0.05
ACCURACY = 0.9
# Cosine distance below which features are those of the same picture: recording them in float16
# moves them by less than 1e-6, and the two most similar test images are 0.01 apart.
SAME = 1e-5
BATCH = 500


@dataclass(frozen=True)
class FeatureBank:
    """Features of in-distribution images, which those of a picture are compared with.

    directions: the features at length 1, float32 (N, D). length: their median length before that.
    """

    directions: np.ndarray
    length: float

    @classmethod
    def of(cls, features: np.ndarray) -> "FeatureBank":
        """Build the bank from inputs of the network's last layer, float (N, D), N at least 2."""
        directions, lengths = _split(features)
        return cls(directions, float(np.median(lengths)))


_banks: dict[str, FeatureBank] = {}  # by the sha256 of the weights
_lock = Lock()


def is_ood(ckpt: Checkpoint, answer: Answer) -> bool:
    """Tell whether a picture is out of distribution, by the features in its answer.

    Raises CheckpointError if the checkpoint has no measured threshold.
    """
    found = ckpt.calibrated_for(answer.kind).measured["ood"]
    bank = feature_bank(ckpt)
    score = scores(answer.features[None], answer.logits[None], bank, found["scale"])[0]
    return bool(score > found["threshold"])


def is_unsure(ckpt: Checkpoint, answer: Answer) -> bool:
    """Tell whether fewer than 9 in 10 answers of this confidence are right.

    Raises CheckpointError if the checkpoint has no measured threshold.
    """
    return answer.confidence < ckpt.calibrated_for(answer.kind).measured["unsure"]["below"]


def feature_bank(ckpt: Checkpoint) -> FeatureBank:
    """Return the feature bank of the test images, read once per process.

    Raises CheckpointError if no features are recorded.
    """
    with _lock:
        if ckpt.sha256 not in _banks:
            _banks[ckpt.sha256] = FeatureBank.of(_features(ckpt))
        return _banks[ckpt.sha256]


def _features(ckpt: Checkpoint) -> np.ndarray:
    features = load_predictions(ckpt).features
    if features is None:
        raise CheckpointError(
            f"{ckpt.path}/predictions.npz holds no features to compare a picture's with: run "
            f"`python -m cifar evaluate {ckpt.place}`."
        )
    return features


def _split(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split features into directions, float32 (N, D), and lengths, float64 (N,), never 0."""
    features = features.astype(np.float32)
    tiny = np.finfo(np.float32).tiny
    lengths = np.maximum(np.linalg.norm(features, axis=1, keepdims=True), tiny)
    return features / lengths, lengths[:, 0].astype(np.float64)


def distances(features: np.ndarray, bank: FeatureBank) -> np.ndarray:
    """Compute the distance of features, float (N, D), to the 50th nearest in a bank: float64 (N,).

    0 to 2, times the square of how many times they are shorter than the median, if they are. In a
    bank of fewer than 51, the furthest but one counts. Features of all 0 have the largest distance.
    """
    k = min(NEAREST, len(bank.directions) - 1)
    batches = [np.empty(0)]
    for start in range(0, len(features), BATCH):
        directions, lengths = _split(features[start : start + BATCH])
        nearest = np.partition(_cosines(directions, bank), -k, axis=1)[:, -k]
        batches.append((1 - nearest) * np.maximum(1, bank.length / lengths) ** 2)
    return np.concatenate(batches)


def _cosines(directions: np.ndarray, bank: FeatureBank) -> np.ndarray:
    """Return the cosine of each feature with each in the bank, float32 (N, M); -1 for itself."""
    # By PyTorch: NumPy's worker threads keep spinning and slow the network's next answer threefold.
    cosines = (torch.from_numpy(directions) @ torch.from_numpy(bank.directions).T).numpy()
    cosines[cosines > 1 - SAME] = -1
    return cosines


def nearest_images(answer: Answer, ckpt: Checkpoint) -> np.ndarray:
    """Return the test images most like a picture by its features, nearest first: int64 (50,).

    Raises CheckpointError if no features are recorded.
    """
    directions, _ = _split(answer.features[None])
    order = np.argsort(-_cosines(directions, feature_bank(ckpt))[0], kind="stable")
    return order[: min(NEAREST, len(order) - 1)]


def scores(
    features: np.ndarray, logits: np.ndarray, bank: FeatureBank, scale: Mapping[str, Any]
) -> np.ndarray:
    """Compute the out-of-distribution score of pictures, float64 (N,): higher is more unlike.

    features: float (N, D); logits: float (N, 10); scale: of `scale_of`.
    """
    parts = {"distance": distances(features, bank), "energy": energy(logits)}
    standard = [
        (values - scale[name]["mean"]) / scale[name]["deviation"] for name, values in parts.items()
    ]
    return standard[0] + standard[1]


def energy(logits: np.ndarray) -> np.ndarray:
    """Compute the energy of logits (N, 10): float64 (N,), the lower the surer of any class."""
    return -logsumexp(logits.astype(np.float64), axis=1)


def scale_of(logits: np.ndarray, features: np.ndarray, bank: FeatureBank) -> dict:
    """Return mean and standard deviation of the two parts of the score among test images."""
    parts = {"distance": distances(features, bank), "energy": energy(logits)}
    return {
        name: {"mean": float(values.mean()), "deviation": float(values.std())}
        for name, values in parts.items()
    }


def measure(
    temperature: float,
    test: Predictions,
    val_logits: np.ndarray,
    val_features: np.ndarray,
    val_labels: np.ndarray,
    ood_outputs: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> dict:
    """Compute the sections "ood" and "unsure" of `metrics.json`; thresholds come from `val` alone.

    test: with features, as they will be recorded. ood_outputs: logits float (N, 10) and features
    float (N, D) of each of `ood_sets.SETS`, by its name. Raises ValueError if `test` has no
    features.
    """
    if test.features is None:
        raise ValueError("The predictions hold no features.")
    return {
        "ood": _measure_ood((test.logits, test.features), (val_logits, val_features), ood_outputs),
        "unsure": _measure_unsure(
            (metrics.probabilities(val_logits, temperature), val_labels),
            (metrics.probabilities(test.logits, temperature), test.labels),
        ),
    }


def _measure_ood(
    test: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray],
    ood_outputs: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> dict:
    """Measure the score; test, val and `ood_outputs` are logits (N, 10) and features (N, D)."""
    bank = FeatureBank.of(test[1])
    scale = scale_of(*test, bank)

    def score(logits: np.ndarray, features: np.ndarray) -> np.ndarray:
        return scores(features, logits, bank, scale)

    val_scores = score(*val)
    threshold = quantile(val_scores)

    def above(of_set: np.ndarray) -> dict:
        return metrics.proportion(int((of_set > threshold).sum()), len(of_set))

    return {
        "score": SCORE,
        "scale": scale,
        "threshold": threshold,
        "false_alarms": {
            "val": above(val_scores),
            "test": above(score(*test)),
        },
        "sets": [
            {
                "name": ood_set.name,
                "title": ood_set.title,
                "source": ood_set.source,
                "n": len(ood_outputs[ood_set.name][0]),
                "detected": above(score(*ood_outputs[ood_set.name])),
            }
            for ood_set in ood_sets.SETS
        ],
    }


def quantile(in_distribution: np.ndarray) -> float:
    """Return the score that 5% of those of in-distribution pictures, float (N,), exceed."""
    return float(np.quantile(in_distribution, 1 - FALSE_ALARMS, method="inverted_cdf"))


def _measure_unsure(
    val: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
) -> dict:
    probs, labels = val
    below = unsure_below(probs.max(1), probs.argmax(1) == labels)
    return {
        "below": below,
        "val": _either_side(*val, below),
        "test": _either_side(*test, below),
    }


def unsure_below(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the lowest confidence from which at least 9 in 10 answers are right.

    confidence: float (N,), 0 to 1. right: bool (N,). By isotonic regression, the best fit that
    never falls with confidence (Zadrozny and Elkan, KDD 2002). Just above 1 if there is none.
    """
    from sklearn.isotonic import IsotonicRegression  # slow to import, and the app does not need it

    fitted = IsotonicRegression().fit_transform(confidence, right.astype(np.float64))
    sure = confidence[fitted >= ACCURACY - 1e-9]
    return float(sure.min()) if len(sure) else float(np.nextafter(1, 2))


def _either_side(probs: np.ndarray, labels: np.ndarray, below: float) -> dict:
    """Measure the share of answers below a confidence, and the accuracy below and above it."""
    right, low = probs.argmax(1) == labels, probs.max(1) < below
    return {
        "share": metrics.proportion(int(low.sum()), len(low)),
        "accuracy_below": metrics.proportion(int(right[low].sum()), int(low.sum())),
        "accuracy_above": metrics.proportion(int(right[~low].sum()), int((~low).sum())),
    }
