"""The verdict on a heat map: fixed rules on its faithfulness checks, and the reasons in words.

Points are percentage points of the calibrated probability of the map's class.
"""

import numpy as np

from cifar import CLASSES
from cifar.explain.methods import HeatMap

FRACTIONS = tuple(i / 10 for i in range(11))
FIFTH = FRACTIONS.index(0.2)

MARGIN = 0.01  # by how much an area, 0 to 1, must beat the mean of the random maps
OTHER_MAP = 0.5  # below this rank correlation, the map of random weights counts as different
SAME_MAP = 0.8  # from this rank correlation on, it counts as the same
LOW_PROBABILITY = 0.05  # below it, a class has little to lose

# How a map compares with random ones, by the rating of `_beats`: for one area, and for both.
BEATS = ("does no better than random maps", "beats random maps on average", "beats all random maps")
BOTH = ("do no better than random maps", "beat random maps on average", "both beat all random maps")


def area(curve: np.ndarray) -> np.ndarray:
    """Return the area, 0 to 1, under curves (..., 11) over FRACTIONS: (...)."""
    return np.trapezoid(curve, FRACTIONS, axis=-1)


def judge(
    heat: HeatMap,
    deletion: np.ndarray,
    insertion: np.ndarray,
    random_deletion: np.ndarray,
    random_insertion: np.ndarray,
    road: float,
    random_road: np.ndarray,
    randomization: float | None,
) -> tuple[str, str]:
    """Return the verdict on a map and the reasons in one or more sentences.

    deletion, insertion: (11,). random_deletion, random_insertion: (R, 11). road: -1 to 1;
    random_road: (R,). randomization: see `model_randomization`. Verdicts:

    - "nothing": the map holds no evidence;
    - "no": neither the deletion area (lower is better) nor the insertion area (higher is better)
      beats the mean of the random maps by more than MARGIN, or `randomization` is at least
      SAME_MAP, or the map is constant;
    - "yes": both areas do, both and ROAD also beat every random map, covering the brightest fifth
      costs more than covering a random one, and `randomization` is below OTHER_MAP (or None,
      because random weights give a blank map);
    - "partly": everything else.
    """
    name = CLASSES[heat.target]
    if heat.peak <= 0:
        return "nothing", f"Nothing here speaks for {name}, so there is no map to check."
    if np.ptp(heat.values) == 0:
        return "no", "The map is the same everywhere: it marks nothing that could be checked."

    covering = _beats(area(random_deletion) - area(deletion))
    uncovering = _beats(area(insertion) - area(random_insertion))
    lost = _points(deletion[0] - deletion[FIFTH])
    lost_at_random = _points(deletion[0] - random_deletion[:, FIFTH].mean())
    if max(covering, uncovering) == 0 or (randomization is not None and randomization >= SAME_MAP):
        verdict = "no"
    elif (
        min(covering, uncovering) == 2
        and road > random_road.max()
        and lost > lost_at_random
        and (randomization is None or randomization < OTHER_MAP)
    ):
        verdict = "yes"
    else:
        verdict = "partly"

    sentences = [_fifth(name, lost, lost_at_random)]
    if verdict != "yes":
        sentences.append(
            f"Over all shares, covering and uncovering {BOTH[covering]}."
            if covering == uncovering
            else f"Over all shares, covering {BEATS[covering]}, uncovering {BEATS[uncovering]}."
        )
    sentences.append(_road(road, float(random_road.max())))
    sentences.append(_randomization(randomization))
    if verdict != "yes" and deletion[0] < LOW_PROBABILITY:
        share = f"{deletion[0]:.0%}" if deletion[0] >= 0.01 else "less than 1%"
        sentences.append(f"At {share}, {name} has little to lose, so this says little.")
    sentences.append(
        {
            "yes": "For this picture the map can be trusted.",
            "partly": "For this picture the map can be trusted in part.",
            "no": "For this picture the map cannot be trusted.",
        }[verdict]
    )
    return verdict, " ".join(sentences)


def _beats(gains: np.ndarray) -> int:
    """Rate the gains over each random map: 2 for better than all, 1 than their mean, else 0."""
    if gains.mean() <= MARGIN:
        return 0
    return 2 if gains.min() > 0 else 1


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


def _road(road: float, best_at_random: float) -> str:
    beaten = "more than" if road > best_at_random else "no more than"
    return f"ROAD is {_plain(road)}, {beaten} random maps reach ({_plain(best_at_random)})."


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
