"""Faithfulness of a heat map: whether its marked parts matter more to the network than others.

Four checks of one map of one picture:

- deletion and insertion (Petsiuk et al., RISE, https://arxiv.org/abs/1806.07421): the probability
  of the class as pixels, most evidence first, are covered with the mean color of the training
  images, or uncovered on a blurred picture (`perturbation.blur`);
- ROAD (Rong et al., https://arxiv.org/abs/2202.00449): the same, but removed pixels are imputed
  from their neighbors, so that the shape of the hole reveals nothing;
- the model randomization test (`randomization`);
- agreement with the occlusion map, which is measured on the network itself.

Deletion, insertion and ROAD are compared with those of random maps as coarse and smooth as the map,
see `trust`. All probabilities are calibrated.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import torch

from cifar.data.pictures import SIZE
from cifar.evaluation.classifier import calibrated, to_tensor
from cifar.explain.methods import HeatMap
from cifar.explain.occlusion import occlusion
from cifar.explain.perturbation import (
    blur,
    composite,
    impute,
    random_maps,
    ranking,
    resize,
    top_pixels,
)
from cifar.explain.randomization import model_randomization, rank_correlation
from cifar.explain.trust import FRACTIONS, RANDOM_MAPS, gains_of, judge, p_value
from cifar.models.checkpoint import Checkpoint

ROAD_FRACTIONS = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class Comparison:
    """Measures of a map, which comes first, and of RANDOM_MAPS random ones: M in all.

    deletion, insertion: float64 (M, 6), the probability of the map's class when shares of the
    pixels, FRACTIONS, are covered, or uncovered: from the picture to nothing, and from the blurred
    picture to the picture. road: float64 (M,), -1 to 1, see `curves`; 0 for an uninformative order.
    """

    deletion: np.ndarray
    insertion: np.ndarray
    road: np.ndarray

    @property
    def gains(self) -> np.ndarray:
        """The three measures, higher is better: float64 (M, 3)."""
        return gains_of(self.deletion, self.insertion, self.road)

    @property
    def p_value(self) -> float:
        """The p-value of the map, 0.05 to 1."""
        return p_value(self.gains)


@dataclass(frozen=True)
class Faithfulness(Comparison):
    """Results of the checks of one heat map.

    control: -1 to 1, see `model_randomization`. occlusion: -1 to 1, Spearman's rank correlation
    with the signed occlusion map of the class; None if either is constant, or if the map is an
    occlusion map. verdict, sentence: see `trust.judge`.
    """

    control: float | None
    occlusion: float | None
    verdict: str
    sentence: str


def compare(
    checkpoint: Checkpoint, image: np.ndarray, heat: HeatMap, *, seed: int = 0
) -> Comparison:
    """Compare a heat map of one uint8 (32, 32, 3) image with random maps; see `faithfulness`."""
    # Other random maps for each image: if all images had the same ones, these might happen to be
    # weak, and then more maps would pass on all of them than the p-value says.
    random = np.random.default_rng([seed, zlib.crc32(image.tobytes())])
    maps = [heat.values, *random_maps(heat, RANDOM_MAPS, random)]
    orders = [ranking(values) for values in maps]
    return Comparison(*curves(checkpoint, image, heat.target, orders, FRACTIONS, random))


def faithfulness(
    checkpoint: Checkpoint, image: np.ndarray, heat: HeatMap, *, seed: int = 0
) -> Faithfulness:
    """Check a heat map of one uint8 (32, 32, 3) image; the same seed gives the same numbers.

    seed: of the random maps and of ROAD's noise. Some 470 images go through the network, more for
    a slow method, whose map is computed once more with random weights.
    """
    found = compare(checkpoint, image, heat, seed=seed)
    randomization = model_randomization(checkpoint, image, heat)
    verdict, sentence = judge(heat, found.deletion, found.gains, randomization)
    return Faithfulness(
        deletion=found.deletion,
        insertion=found.insertion,
        road=found.road,
        control=randomization,
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
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measure deletion and insertion, float64 (M, F), and ROAD (M,) of M pixel orders.

    image: uint8 (32, 32, 3). orders: int64 (1024,) each, see `ranking`. fractions: F shares from 0
    to 1. Deletion and insertion are probabilities of the target class, 0 to 1. ROAD is half the
    difference, -1 to 1, between the probability after removing the least evidence first and after
    removing the most first, averaged over 20, 40, 60 and 80% of the pixels.
    """
    original = to_tensor(image)[0].numpy()
    covered, blurred = np.zeros_like(original), blur(original)
    inner = fractions[1:-1]
    images = [np.stack([original, covered, blurred])]
    for order in orders:
        masks = top_pixels(order, inner)
        images += [composite(covered, original, masks), composite(original, blurred, masks)]
    for order in orders:
        least, most = top_pixels(order[::-1], ROAD_FRACTIONS), top_pixels(order, ROAD_FRACTIONS)
        images.append(impute(original, np.concatenate([least, most]), random))
    probabilities = calibrated(checkpoint, torch.from_numpy(np.concatenate(images)))[:, target]

    ends, between, road = np.split(probabilities, [3, 3 + 2 * len(orders) * len(inner)])
    between = between.reshape(len(orders), 2, len(inner))
    at_original, at_covered, at_blurred = (np.full((len(orders), 1), end) for end in ends)
    least_first, most_first = road.reshape(len(orders), 2, -1).mean(axis=2).T
    return (
        np.concatenate([at_original, between[:, 0], at_covered], axis=1),
        np.concatenate([at_blurred, between[:, 1], at_original], axis=1),
        (least_first - most_first) / 2,
    )


def agreement(checkpoint: Checkpoint, image: np.ndarray, heat: HeatMap) -> float | None:
    """Return the rank correlation with the occlusion map, or None: see `Faithfulness.occlusion`."""
    if heat.method == "occlusion":
        return None
    (drops,) = occlusion(checkpoint, image, [heat.target])
    return rank_correlation(resize(resize(heat.values, SIZE), len(drops)), drops)
