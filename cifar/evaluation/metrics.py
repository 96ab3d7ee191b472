"""Measures of predictions: pure functions of logits or probabilities, and labels.

Throughout, logits and probabilities are float (N, 10), labels int (N,), all NumPy arrays.
"""

import math

import numpy as np
from scipy.special import log_softmax, softmax

# Standard deviations to either side that hold 95% of a normal distribution.
Z = 1.959964


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the softmax of logits / temperature: float64 (N, C), rows add up to 1."""
    return softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=-1)


def losses(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the negative log-likelihood of each label at a temperature: float64 (N,), in nats."""
    log_p = log_softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1)
    return -log_p[np.arange(len(labels)), labels]


def nll(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> float:
    """Return the mean negative log-likelihood of the labels at a temperature, in nats."""
    return float(losses(logits, labels, temperature).mean())


def paired_difference(gained: int, lost: int, n: int) -> dict:
    """Return the difference of two shares of the same n, with its 95% interval, each -1 to 1.

    gained, lost: how many count for the second share alone, and for the first alone. Keys: value,
    low, high, n. Source: Agresti and Min, "Simple improved confidence intervals for comparing
    matched proportions", Statistics in Medicine 2005: half a case is added to each of the four
    cells.
    """
    total = n + 2
    center = (gained - lost) / total
    reach = Z * math.sqrt((gained + lost + 1) / total - center**2) / math.sqrt(total)
    low, high = max(-1.0, center - reach), min(1.0, center + reach)
    return {"value": (gained - lost) / n, "low": low, "high": high, "n": n}


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature that minimizes the NLL, between 0.05 and 20.

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


def fit_mean_confidence(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature, between 0.05 and 20, at which mean confidence equals accuracy.

    logits: float (N, L, 10) of several looks at each image, whose mean probability counts. With few
    images that the network knows little of, the temperature of the least NLL leaves it too sure: by
    5 to 8 points on 107 photographs.
    """
    from scipy.optimize import brentq  # as above

    def excess(log_t: float) -> float:
        probs = probabilities(logits, np.exp(log_t)).mean(1)
        return float(probs.max(1).mean() - (probs.argmax(1) == labels).mean())

    low, high = np.log(0.05), np.log(20)
    if excess(low) <= 0:
        return float(np.exp(low))
    if excess(high) >= 0:
        return float(np.exp(high))
    return float(np.exp(brentq(excess, low, high, xtol=1e-6)))


def reliability(probs: np.ndarray, labels: np.ndarray, bins: int = 15) -> list[dict]:
    """Compare confidence with accuracy in bins of equal width over (0, 1].

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
    """Return the mean distance of confidence and accuracy over the bins, weighted by n, 0 to 1.

    Source: Naeini et al., AAAI 2015, as used by Guo et al., https://arxiv.org/abs/1706.04599.
    """
    rows = reliability(probs, labels, bins)
    return sum(r["n"] * abs(r["confidence"] - r["accuracy"]) for r in rows if r["n"]) / len(labels)


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Return the 95% interval of a proportion (Wilson 1927), 0 to 1; (0, 1) for n = 0.

    scipy's `binomtest`, which agrees to 1e-8, takes a thousand times as long, since it tests, too;
    the app needs hundreds of intervals when it opens.
    """
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * np.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def proportion(successes: int, n: int) -> dict:
    """Return a share with its n and Wilson 95% interval, as `metrics.json` holds it.

    The value is None for n = 0: the precision of a class that was never predicted, for one.
    """
    low, high = wilson_interval(successes, n)
    return {"value": successes / n if n else None, "n": n, "low": low, "high": high}


def written(probability: float, digits: int = 0) -> str:
    """Write a probability in percent: '93%', or with one digit '92.6%'; never '0%' or '100%'."""
    text, step = f"{probability:.{digits}%}", 10.0**-digits
    if text == f"{1:.{digits}%}":
        return f">{100 - step:.{digits}f}%"
    return f"<{step:.{digits}f}%" if text == f"{0:.{digits}%}" else text


def margin(probs: np.ndarray) -> np.ndarray:
    """Return the top probability minus the second, float (N,), 0 to 1."""
    top = np.sort(probs, axis=1)
    return top[:, -1] - top[:, -2]


def entropy(probs: np.ndarray) -> np.ndarray:
    """Return the Shannon entropy of each row in nats, float (N,), 0 to log(C)."""
    return -np.sum(probs * np.log(np.clip(probs, 1e-12, 1)), axis=1)
