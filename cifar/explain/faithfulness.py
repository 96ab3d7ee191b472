"""Is a heat map to be trusted: does what it marks matter more to the network than other parts do?

Four checks of one map of one picture:

- deletion and insertion (Petsiuk et al., RISE, https://arxiv.org/abs/1806.07421): the probability
  of the class as pixels, most evidence first, are covered with the mean colour of the training
  images, or uncovered on a blurred picture (`perturbation.blurred`);
- ROAD (Rong et al., https://arxiv.org/abs/2202.00449): the same where removed pixels are guessed
  from those around them, so that the shape of the hole gives nothing away;
- a control with random weights (`control`);
- agreement with the occlusion map, which asks the network itself.

The first is held against random maps as coarse and smooth as the map. All probabilities are
calibrated.
"""

from dataclasses import dataclass

import numpy as np
import torch

from cifar.data.pictures import SIZE
from cifar.evaluation.classifier import calibrated, to_tensor
from cifar.explain.methods import HeatMap
from cifar.explain.occlusion import occlusion
from cifar.explain.perturbation import blurred, first, imputed, mixed, random_maps, ranking, resized
from cifar.explain.randomization import control, rank_correlation
from cifar.explain.trust import FRACTIONS, judge
from cifar.models.checkpoint import Checkpoint

ROAD_FRACTIONS = (0.2, 0.4, 0.6, 0.8)
RANDOM_PAIRS = 2


@dataclass(frozen=True)
class Faithfulness:
    """What the checks of one heat map found; R = 4 random maps, the last two the opposites of the
    first two.

    fractions: the shares of the pixels, 0 to 1, of all curves. deletion, insertion: float64 (11,),
    the probability of the map's class when that share is covered, or uncovered: from the picture
    to nothing, and from the blurred picture to the picture. random_deletion, random_insertion:
    float64 (R, 11). road: -1 to 1, see `curves`; 0 for an order that says nothing. random_road:
    float64 (R,). control: -1 to 1, see `control.control`. occlusion: -1 to 1, Spearman's rank
    correlation with the signed occlusion map of the class; None if either is constant, or if the
    map is an occlusion map. verdict, sentence: see `trust.judge`.
    """

    fractions: tuple[float, ...]
    deletion: np.ndarray
    insertion: np.ndarray
    random_deletion: np.ndarray
    random_insertion: np.ndarray
    road: float
    random_road: np.ndarray
    control: float | None
    occlusion: float | None
    verdict: str
    sentence: str


def faithfulness(
    checkpoint: Checkpoint, image: np.ndarray, heat: HeatMap, *, seed: int = 0
) -> Faithfulness:
    """Check a heat map of one uint8 (32, 32, 3) image; the same seed gives the same numbers.

    seed: of the random maps and of ROAD's noise. Some 185 images go through the network, more for
    a slow method, whose map is drawn once more by random weights.
    """
    random = np.random.default_rng(seed)
    maps = random_maps(heat, RANDOM_PAIRS, random)
    order, aimless = ranking(heat.values), [ranking(values) for values in maps]
    opposites = [other[::-1] for other in aimless]
    # An opposite's ROAD needs no pictures: it removes the same pixels the other way round.
    deletion, insertion, road = curves(
        checkpoint,
        image,
        heat.target,
        [order, *aimless, *opposites],
        FRACTIONS,
        [order, *aimless],
        random,
    )
    random_road = np.concatenate([road[1:], -road[1:]])
    likeness = control(checkpoint, image, heat)
    verdict, sentence = judge(
        heat,
        deletion[0],
        insertion[0],
        deletion[1:],
        insertion[1:],
        float(road[0]),
        random_road,
        likeness,
    )
    return Faithfulness(
        fractions=FRACTIONS,
        deletion=deletion[0],
        insertion=insertion[0],
        random_deletion=deletion[1:],
        random_insertion=insertion[1:],
        road=float(road[0]),
        random_road=random_road,
        control=likeness,
        occlusion=agreement(checkpoint, image, heat),
        verdict=verdict,
        sentence=sentence,
    )


def curves(
    checkpoint: Checkpoint,
    image: np.ndarray,
    target: int,
    orders: list[np.ndarray],
    fractions: tuple[float, ...],
    road_orders: list[np.ndarray],
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deletion and insertion (N, F) of N orders of the pixels, and ROAD (M,) of M orders.

    image: uint8 (32, 32, 3). orders: int64 (1024,) each, see `ranking`. fractions: F shares from 0
    to 1. All are probabilities of the target class, 0 to 1, float64; ROAD is a difference, -1 to 1:
    what removing the least evidence first leaves less what removing the most first leaves, halved,
    the mean over 20, 40, 60 and 80% of the pixels.
    """
    pixels = to_tensor(image)[0].numpy()
    covered, blur = np.zeros_like(pixels), blurred(pixels)
    inner = fractions[1:-1]
    shown = [np.stack([pixels, covered, blur])]
    for order in orders:
        masks = first(order, inner)
        shown += [mixed(covered, pixels, masks), mixed(pixels, blur, masks)]
    for order in road_orders:
        least, most = first(order[::-1], ROAD_FRACTIONS), first(order, ROAD_FRACTIONS)
        shown.append(imputed(pixels, np.concatenate([least, most]), random))
    found = calibrated(checkpoint, torch.from_numpy(np.concatenate(shown)))[:, target]

    ends, between, removed = np.split(found, [3, 3 + 2 * len(orders) * len(inner)])
    between = between.reshape(len(orders), 2, len(inner))
    original, covered, blur = (np.full((len(orders), 1), value) for value in ends)
    least, most = removed.reshape(len(road_orders), 2, -1).mean(axis=2).T
    return (
        np.concatenate([original, between[:, 0], covered], axis=1),
        np.concatenate([blur, between[:, 1], original], axis=1),
        (least - most) / 2,
    )


def agreement(checkpoint: Checkpoint, image: np.ndarray, heat: HeatMap) -> float | None:
    """Rank correlation of a map with the signed occlusion map; None as `Faithfulness` says."""
    if heat.method == "occlusion":
        return None
    (drops,) = occlusion(checkpoint, image, [heat.target])
    return rank_correlation(resized(resized(heat.values, SIZE), len(drops)), drops)
