"""Reasons to doubt an answer: the picture is out of distribution, or the network is not sure.

Out-of-distribution pictures are detected by the distance to the nearest features (Sun et al.,
https://arxiv.org/abs/2204.06507): 1 minus the cosine between a picture's features and those of the
50th nearest test image, whose features are recorded in `predictions.npz`. Recorded features in the
same direction to within rounding belong to the same picture and are left out. Features of unknown
objects are also short (Park et al., https://arxiv.org/abs/2310.05316), so the distance grows with
the square of how many times they are shorter than the median. Long features are not evidence of
being in distribution: the ResNet's features of plain noise are 3.6 times the median. The threshold
gives 5% false alarms on `val`.

Of the scores that were tried, this one detects the most of the sets in `ood_sets` with either
network: on average over them 94% with the ResNet and 78% with the light network. The distance alone
detects 92% and 49%, short features alone 37% and 65%, the energy score (Liu et al.,
https://arxiv.org/abs/2010.03759) 28% and 67%, the largest probability (Hendrycks and Gimpel,
https://arxiv.org/abs/1610.02136) 30% and 53%.

"Not sure" is a calibrated confidence at which fewer than 9 in 10 answers are right, by an isotonic
regression on `val`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch

from cifar.data import ood_sets
from cifar.evaluation import metrics
from cifar.evaluation.classifier import Answer
from cifar.evaluation.predictions import Predictions, load_predictions
from cifar.models.checkpoint import Checkpoint
from cifar.models.errors import CheckpointError

SCORE = "distance to the 50th nearest features, which counts more where the picture's own are short"
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
    threshold = ckpt.measured["ood"]["threshold"]
    return bool(distances(answer.features[None], feature_bank(ckpt))[0] > threshold)


def is_unsure(ckpt: Checkpoint, answer: Answer) -> bool:
    """Tell whether fewer than 9 in 10 answers of this confidence are right.

    Raises CheckpointError if the checkpoint has no measured threshold.
    """
    return answer.confidence < ckpt.measured["unsure"]["below"]


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
        # By PyTorch: NumPy's worker threads keep spinning and slow the network's next answer
        # threefold.
        cosines = (torch.from_numpy(directions) @ torch.from_numpy(bank.directions).T).numpy()
        cosines[cosines > 1 - SAME] = -1  # the picture itself
        nearest = np.partition(cosines, -k, axis=1)[:, -k]
        batches.append((1 - nearest) * np.maximum(1, bank.length / lengths) ** 2)
    return np.concatenate(batches)


def measure(
    temperature: float,
    test: Predictions,
    val_logits: np.ndarray,
    val_features: np.ndarray,
    val_labels: np.ndarray,
    ood_features: Mapping[str, np.ndarray],
) -> dict:
    """Compute the sections "ood" and "unsure" of `metrics.json`; thresholds come from `val` alone.

    test: with features, as they will be recorded. ood_features: those of each of `ood_sets.SETS`,
    float (N, D), by its name. Raises ValueError if `test` has no features.
    """
    if test.features is None:
        raise ValueError("The predictions hold no features.")
    return {
        "ood": _measure_ood(test.features, val_features, ood_features),
        "unsure": _measure_unsure(
            (metrics.probabilities(val_logits, temperature), val_labels),
            (metrics.probabilities(test.logits, temperature), test.labels),
        ),
    }


def _measure_ood(test: np.ndarray, val: np.ndarray, ood_features: Mapping[str, np.ndarray]) -> dict:
    bank = FeatureBank.of(test)
    val_distances = distances(val, bank)
    threshold = float(np.quantile(val_distances, 1 - FALSE_ALARMS, method="inverted_cdf"))

    def above(scores: np.ndarray) -> dict:
        return metrics.proportion(int((scores > threshold).sum()), len(scores))

    return {
        "score": SCORE,
        "threshold": threshold,
        "false_alarms": {"val": above(val_distances), "test": above(distances(test, bank))},
        "sets": [
            {
                "name": ood_set.name,
                "title": ood_set.title,
                "source": ood_set.source,
                "n": len(ood_features[ood_set.name]),
                "detected": above(distances(ood_features[ood_set.name], bank)),
            }
            for ood_set in ood_sets.SETS
        ],
    }


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
