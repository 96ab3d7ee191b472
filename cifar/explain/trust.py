"""The verdict on a heat map: a test against random maps, and the reasons in words.

The null hypothesis is that the map says no more about where the evidence lies than a random map as
coarse and smooth as it is. The maps are ranked by deletion, by insertion and by ROAD; the p-value
is the share of all maps, random ones and the map itself, whose three ranks add up to at least as
much as the map's. How often random maps pass is measured by `trust_rates`.

Points are percentage points of the calibrated probability of the map's class.
"""

import numpy as np
from scipy.stats import rankdata

from cifar import CLASSES
from cifar.explain.methods import HeatMap

FRACTIONS = tuple(i / 5 for i in range(6))
FIFTH = FRACTIONS.index(0.2)
RANDOM_MAPS = 24  # a random map is called better than chance in 1 of 25 cases, 4%
LEVEL = 0.05

OTHER_MAP = 0.5  # below this rank correlation, the map of random weights counts as different
SAME_MAP = 0.8  # from this rank correlation on, it counts as the same
LOW_PROBABILITY = 0.05  # below it, a class has little to lose


def area(curve: np.ndarray) -> np.ndarray:
    """Return the area, 0 to 1, under curves (..., 6) over FRACTIONS: (...)."""
    return np.trapezoid(curve, FRACTIONS, axis=-1)


def gains_of(deletion: np.ndarray, insertion: np.ndarray, road: np.ndarray) -> np.ndarray:
    """Return the three measures of maps, higher is better: (M, 3).

    deletion, insertion: (M, 6). road: (M,), -1 to 1.
    """
    return np.stack([-area(deletion), area(insertion), road], axis=1)


def p_value(gains: np.ndarray) -> float:
    """Return the p-value, 1 / M to 1, of the first of M maps by their `gains_of`, (M, 3)."""
    sums = rankdata(gains, axis=0).sum(1)
    return float((sums >= sums[0]).mean())


def judge(
    heat: HeatMap, deletion: np.ndarray, gains: np.ndarray, randomization: float | None
) -> tuple[str, str]:
    """Return the verdict on a map and the reasons in one or more sentences.

    deletion: (M, 6), of the map and of random ones; gains: (M, 3), see `gains_of`. randomization:
    see `model_randomization`. Verdicts: "nothing" if the map holds no evidence; "better" than
    chance if its p-value is at most LEVEL; else "chance", also if it is constant.
    """
    name = CLASSES[heat.target]
    if heat.peak <= 0:
        return "nothing", f"Nothing here speaks for {name}, so there is no map to check."
    if np.ptp(heat.values) == 0:
        return "chance", "The map is the same everywhere: it marks nothing that could be checked."

    p = p_value(gains)
    verdict = "better" if p <= LEVEL else "chance"
    own, at_random = deletion[0], deletion[1:]
    lost = _points(own[0] - own[FIFTH])
    sentences = [
        _fifth(name, lost, _points(own[0] - at_random[:, FIFTH].mean())),
        _ranks(gains, p),
        _randomization(randomization),
    ]
    if verdict == "chance" and own[0] < LOW_PROBABILITY:
        share = f"{own[0]:.0%}" if own[0] >= 0.01 else "less than 1%"
        sentences.append(f"At {share}, {name} has little to lose, so this says little.")
    return verdict, " ".join(sentences)


def _ranks(gains: np.ndarray, p: float) -> str:
    covering, revealing, road = (gains[0] > gains[1:]).sum(0)
    return (
        f"Of {len(gains) - 1} random maps as coarse and smooth, it beats {covering} by covering, "
        f"{revealing} by revealing and {road} by ROAD; by all three together, p = {p:.2f}."
    )


def _points(probability: float) -> int:
    return round(100 * float(probability))


def _fifth(name: str, lost: int, lost_at_random: int) -> str:
    start = "Covering the brightest fifth of the picture"
    if lost == lost_at_random == 0:
        return f"{start} changes nothing for {name}, nor does a random fifth."
    if lost == 0:
        return f"{start} changes nothing for {name}, a random fifth {_change(lost_at_random)}."
    unit = "point" if abs(lost) == 1 else "points"
    verb = "costs" if lost > 0 else "brings"
    other = _change(lost_at_random, unit=False) if lost_at_random else "changes nothing"
    return f"{start} {verb} {name} {abs(lost)} {unit}, a random fifth {other}."


def _change(lost: int, unit: bool = True) -> str:
    words = f"{'costs' if lost > 0 else 'brings'} {abs(lost)}"
    return f"{words} point{'s' if abs(lost) != 1 else ''}" if unit else words


def _plain(number: float) -> str:
    return f"{round(number, 2) + 0.0:.2f}"


def _randomization(correlation: float | None) -> str:
    if correlation is None:
        return "A network with random weights draws no map at all."
    if correlation < OTHER_MAP:
        likeness = "a different"
    elif correlation < SAME_MAP:
        likeness = "a similar"
    else:
        likeness = "the same"
    return (
        f"A network with random weights draws {likeness} map "
        f"(rank correlation {_plain(correlation)})."
    )
