"""What the checks of a heat map amount to: a verdict by plain rules, and its reasons in words.

Points are percentage points of the calibrated probability of the map's class.
"""

import numpy as np

from cifar import CLASSES
from cifar.explain.methods import HeatMap

FRACTIONS = tuple(i / 10 for i in range(11))
FIFTH = FRACTIONS.index(0.2)

MARGIN = 0.01  # how much better than the random maps' mean an area, 0 to 1, has to be
OTHER_MAP = 0.5  # below this rank correlation random weights draw a different map
SAME_MAP = 0.8  # from this one on they draw the same
LITTLE = 0.05  # a class of less probability has little to lose

# By how much a map beats the random ones, for one thing and for two.
BEATS = ("does no better than random maps", "beats random maps on average", "beats all random maps")
BOTH = ("do no better than random maps", "beat random maps on average", "both beat all random maps")


def area(curve: np.ndarray) -> np.ndarray:
    """The mean height of curves (..., 11) over FRACTIONS, 0 to 1: (...)."""
    return np.trapezoid(curve, FRACTIONS, axis=-1)


def judge(
    heat: HeatMap,
    deletion: np.ndarray,
    insertion: np.ndarray,
    random_deletion: np.ndarray,
    random_insertion: np.ndarray,
    road: float,
    random_road: np.ndarray,
    control: float | None,
) -> tuple[str, str]:
    """The verdict on a map and a sentence or more that give the reasons, from what was measured.

    deletion, insertion: (11,). random_deletion, random_insertion: (R, 11). road: -1 to 1;
    random_road: (R,). Verdicts:

    - "nothing": the map holds no evidence;
    - "no": neither its deletion area is lower nor its insertion area higher than the mean of the
      random maps' by more than MARGIN, or the control is SAME_MAP or more, or it is the same
      everywhere;
    - "yes": both are, and also better than those of every random map, as is ROAD, covering the
      brightest fifth costs more than covering a random one, and the control is less than OTHER_MAP
      (or there is none, because random weights draw a blank map);
    - "partly": anything between.
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
    if max(covering, uncovering) == 0 or (control is not None and control >= SAME_MAP):
        verdict = "no"
    elif (
        min(covering, uncovering) == 2
        and road > random_road.max()
        and lost > lost_at_random
        and (control is None or control < OTHER_MAP)
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
    sentences.append(_control(control))
    if verdict != "yes" and deletion[0] < LITTLE:
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
    """Of areas gained over each random map: 2 better than all, 1 better than their mean, 0 not."""
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


def _control(control: float | None) -> str:
    if control is None:
        return "A network with random weights draws no map at all."
    likeness = (
        "a different" if control < OTHER_MAP else "a similar" if control < SAME_MAP else "the same"
    )
    return (
        f"A network with random weights draws {likeness} map (rank correlation {_plain(control)})."
    )
