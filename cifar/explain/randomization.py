"""The model randomization test: a heat map compared with those of networks with random weights.

A map that hardly changes with random weights shows the edges of the picture, not what the network
learned: Adebayo et al., "Sanity Checks for Saliency Maps", https://arxiv.org/abs/1810.03292.
"""

import copy
import functools
from dataclasses import replace

import numpy as np
import torch

from cifar.explain.heat_maps import heat_maps
from cifar.explain.methods import METHODS, HeatMap
from cifar.models.checkpoint import Checkpoint
from cifar.models.network import Network

RANDOM_NETWORKS = 3


def random_network(checkpoint: Checkpoint, seed: int) -> Checkpoint:
    """Create an untrained network of the same kind, once per seed; callers must not change it.

    Convolutions are initialized from He's normal distribution (https://arxiv.org/abs/1502.01852),
    which keeps the scale of activations through all layers. With PyTorch's own initialization they
    fade, and the maps would differ for that reason alone.
    """
    return replace(checkpoint, metrics={}, module=_random_copy(checkpoint.model, seed))


@functools.lru_cache(2 * RANDOM_NETWORKS)
@torch.inference_mode(False)
def _random_copy(model: Network, seed: int) -> Network:
    model = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)  # not the one that all threads share
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(_random_weight(name, weight.cpu(), generator))
        for name, values in model.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                values.fill_(name.endswith("var"))
    return model


def _random_weight(name: str, weight: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return random filters or connections, norms' scales of 1 and biases of 0."""
    if name.endswith("bias"):
        return torch.zeros_like(weight)
    if weight.ndim < 2:
        return torch.ones_like(weight)
    # Tokens and positions (N, T, D) are added to features: theirs is the usual deviation.
    deviation = {4: (2 / max(1, weight[0].numel())) ** 0.5, 2: weight.shape[1] ** -0.5}
    return torch.randn(weight.shape, generator=generator) * deviation.get(weight.ndim, 0.02)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Return Spearman's rank correlation, -1 to 1, of two maps of the same shape.

    None if either is constant.
    """
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    from scipy.stats import spearmanr  # slow to import, and the app's first page does not need it

    return float(spearmanr(a, b, axis=None).statistic)


def model_randomization(
    checkpoint: Checkpoint, image: np.ndarray, heat: HeatMap, networks: int | None = None
) -> float | None:
    """Return the rank correlation of a map with those of the same network with random weights.

    -1 to 1: the mean over `networks` random networks (default: 3, or 1 for a slow method), with the
    same method, layers, class and image, uint8 (32, 32, 3). None if the map or all of theirs are
    constant, and for a network whose weights cannot be changed.
    """
    if next(checkpoint.model.parameters(), None) is None:
        return None
    networks = networks or (1 if METHODS[heat.method].slow else RANDOM_NETWORKS)
    layers = [layer.name for layer in heat.layers] or None
    against = None if heat.against is None else [heat.against]
    correlations = []
    for seed in range(networks):
        untrained = random_network(checkpoint, seed)
        (random_map,) = heat_maps(
            untrained, image, [heat.target], heat.method, layers, against=against
        )
        correlation = rank_correlation(heat.values, random_map.values)
        if correlation is not None:
            correlations.append(correlation)
    return float(np.mean(correlations)) if correlations else None
