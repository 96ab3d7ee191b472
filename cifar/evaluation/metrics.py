"""Numbers about predictions: pure functions of logits or probabilities, and labels.

Throughout, logits and probabilities are float (N, 10), labels int (N,), all NumPy arrays.
"""

import numpy as np
from scipy.special import log_softmax, softmax


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Softmax of logits / temperature: float64 (N, C), rows add up to 1."""
    return softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=-1)


def top_k_accuracy(logits: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of rows whose label is among the k largest logits, 0 to 1."""
    top = np.argpartition(-logits, k - 1, axis=1)[:, :k]
    return float((top == np.asarray(labels)[:, None]).any(1).mean())


def confusion_matrix(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Counts, int64 (10, 10): row = true class, column = predicted class."""
    flat = np.asarray(labels, dtype=np.int64) * 10 + np.asarray(predicted, dtype=np.int64)
    return np.bincount(flat, minlength=100).reshape(10, 10)


def losses(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Negative log-likelihood of each label at a temperature: float64 (N,), in nats."""
    log_p = log_softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1)
    return -log_p[np.arange(len(labels)), labels]


def nll(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> float:
    """Mean negative log-likelihood of the labels, in nats, at a temperature."""
    return float(losses(logits, labels, temperature).mean())


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that minimises the NLL, between 0.05 and 20.

    Source: Guo et al., "On Calibration of Modern Neural Networks", https://arxiv.org/abs/1706.04599.
    """
    from scipy.optimize import minimize_scalar  # slow to import, and the app needs none of it

    found = minimize_scalar(
        lambda log_t: nll(logits, labels, np.exp(log_t)),
        bounds=(np.log(0.05), np.log(20)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def reliability(probs: np.ndarray, labels: np.ndarray, bins: int = 15) -> list[dict]:
    """Confidence against accuracy in bins of equal width over (0, 1].

    Each bin: low and high (its edges), n, confidence and accuracy (means, None in an empty bin).
    """
    confidence, correct = probs.max(1), probs.argmax(1) == labels
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    rows = []
    for i in range(bins):
        inside = which == i
        n = int(inside.sum())
        rows.append(
            {
                "low": i / bins,
                "high": (i + 1) / bins,
                "n": n,
                "confidence": float(confidence[inside].mean()) if n else None,
                "accuracy": float(correct[inside].mean()) if n else None,
            }
        )
    return rows


def expected_calibration_error(probs: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Mean distance between confidence and accuracy over the bins, weighted by n, 0 to 1.

    Source: Naeini et al., AAAI 2015, as used by Guo et al., https://arxiv.org/abs/1706.04599.
    """
    rows = reliability(probs, labels, bins)
    return sum(r["n"] * abs(r["confidence"] - r["accuracy"]) for r in rows if r["n"]) / len(labels)


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """95% interval of a proportion (Wilson 1927): (low, high), 0 to 1; (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    z = 1.959964  # standard deviations to either side that hold 95% of a normal distribution
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def proportion(successes: int, n: int) -> dict:
    """A measured share with its n and Wilson 95% interval, as it is written to `metrics.json`.

    The value is None for n = 0: the precision of a class that was never predicted, for one.
    """
    low, high = wilson_interval(successes, n)
    return {"value": successes / n if n else None, "n": n, "low": low, "high": high}


def margin(probs: np.ndarray) -> np.ndarray:
    """Top probability minus the second, float (N,), 0 to 1."""
    top = np.sort(probs, axis=1)
    return top[:, -1] - top[:, -2]


def entropy(probs: np.ndarray) -> np.ndarray:
    """Shannon entropy of each row in nats, float (N,), 0 to log(C)."""
    return -np.sum(probs * np.log(np.clip(probs, 1e-12, 1)), axis=1)
