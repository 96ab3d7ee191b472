"""The search for test images that are nearly the same as a training image, and how good it is.

A network that has learned an image recognizes its near-duplicate, too: such test images say little
of how it does on new ones. Barz and Denzler, "Do we train on test data? Purging CIFAR of
near-duplicates" (J. Imaging 2020), looked for them by a network's features and judged each by eye.
The search here is measured against their list: what decides is fitted on the test images of even
index, and recall and precision are those of the others. A hit is a test image that both call a
near-duplicate, of whatever training image.
"""

import numpy as np
import torch
from torch.nn import functional as F

from cifar.data.alignment import fit
from cifar.data.annotations import load_near_duplicates
from cifar.data.cifar10 import Split
from cifar.evaluation import metrics

BY_FEATURES, BY_PIXELS = 2, 1  # candidates of a test image, by each kind of nearness
COARSE = 4  # pixels of an image that one of its coarse values is the mean of
REACH = 2  # pixels
BATCH = 500


def measure(
    test: Split,
    train: Split,
    features: np.ndarray,
    train_features: np.ndarray,
    nearest: np.ndarray,
    right: np.ndarray,
) -> dict:
    """Return the accuracy without near-duplicates, and recall and precision of the own search.

    features, train_features: float (N, D) of all images of the splits. nearest: the rows of the
    training images nearest to each test image by these, int (N, K). right: bool (N,), whether each
    test image is recognized. Returns `records.NearDuplicates`.
    """
    from sklearn.linear_model import LogisticRegression  # slow to import; the app needs none of it

    listed = load_near_duplicates()["train_index"]
    twin = listed.reindex(range(len(test)), fill_value=-1).to_numpy()
    # Those among the validation images cannot be found among the others, and are left out.
    searched = (twin < 0) | np.isin(twin, train.indices.numpy())
    rows = np.hstack([nearest[:, :BY_FEATURES], _nearest_by_pixels(test.images, train.images)])
    tests = np.arange(len(test)).repeat(rows.shape[1])
    pairs = (test.images[torch.from_numpy(tests)], train.images[torch.from_numpy(rows.ravel())])
    unit, train_unit = (
        part / np.linalg.norm(part, axis=1, keepdims=True)
        for part in (features.astype(np.float32), train_features.astype(np.float32))
    )
    cosine = np.einsum("nd,nkd->nk", unit, train_unit[rows])
    likeness = np.stack([fit(*pairs, REACH).correlation.reshape(rows.shape), cosine], axis=-1)
    same = train.indices.numpy()[rows] == twin[:, None]

    even = searched & (np.arange(len(test)) % 2 == 0)
    odd = searched & ~even
    model = LogisticRegression(C=100, max_iter=1000)
    model.fit(likeness[even].reshape(-1, 2), same[even].ravel())
    score = model.decision_function(likeness.reshape(-1, 2)).reshape(rows.shape).max(1)
    threshold = _best_threshold(score[even], twin[even] >= 0)
    called, known = score[odd] > threshold, twin[odd] >= 0
    hits, without = int((called & known).sum()), twin < 0
    return {
        "listed": len(listed),
        "accuracy_without": metrics.proportion(int(right[without].sum()), int(without.sum())),
        "recall": metrics.proportion(hits, int(known.sum())),
        "precision": metrics.proportion(hits, int(called.sum())),
    }


def _nearest_by_pixels(tests: torch.Tensor, trains: torch.Tensor) -> np.ndarray:
    """Return the rows of the training images whose coarse pixels correlate most: int64 (N, K)."""
    coarse = _coarse(trains).T
    nearest = [(part @ coarse).topk(BY_PIXELS).indices for part in _coarse(tests).split(BATCH)]
    return torch.cat(nearest).numpy()


def _coarse(images: torch.Tensor) -> torch.Tensor:
    """Return the deviations of coarse pixels from their mean, of length 1: float32 (N, D)."""
    values = torch.cat([F.avg_pool2d(part.float(), COARSE) for part in images.split(BATCH)])
    return F.normalize(values.flatten(1) - values.flatten(1).mean(1, keepdim=True))


def _best_threshold(scores: np.ndarray, known: np.ndarray) -> float:
    """Return the threshold of the highest F1 score, halfway to the next lower score.

    scores: float (N,). known: bool (N,), not all.
    """
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(known, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    lowest = thresholds[f1[:-1].argmax()]
    return float((lowest + scores[scores < lowest].max()) / 2)
