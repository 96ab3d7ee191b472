"""The model randomization test: a heat map compared with those of networks with random weights.

A map that hardly changes with random weights shows the edges of the picture, not what the network
learned: Adebayo et al., "Sanity Checks for Saliency Maps", https://arxiv.org/abs/1810.03292.
"""

import functools
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cifar.explain.heat_maps import heat_maps
from cifar.explain.methods import METHODS, HeatMap
from cifar.models.checkpoint import Checkpoint
from cifar.models.networks import create_model

RANDOM_NETWORKS = 3


@functools.cache
def random_network(network: str, seed: int, device: str = "cpu") -> Checkpoint:
    """Create an untrained network of the same kind, once per seed; callers must not change it.

    Convolutions are initialized from He's normal distribution (https://arxiv.org/abs/1502.01852),
    which keeps the scale of activations through all layers. With PyTorch's own initialization they
    fade, and the maps would differ for that reason alone.
    """
    # On "meta" first, because PyTorch's initialization would draw from the generator that all
    # threads share.
    with torch.device("meta"):
        model = create_model(network)
    model.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, module.in_features**-0.5, generator=generator)
            nn.init.zeros_(module.bias)
    model.to(device).to(memory_format=torch.channels_last)
    model.eval().requires_grad_(False)
    return Checkpoint(Path("fresh"), {"network": network}, {}, "", module=model)


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
    constant.
    """
    networks = networks or (1 if METHODS[heat.method].slow else RANDOM_NETWORKS)
    device = str(next(checkpoint.model.parameters()).device)
    layers = [layer.name for layer in heat.layers] or None
    against = None if heat.against is None else [heat.against]
    correlations = []
    for seed in range(networks):
        untrained = random_network(checkpoint.network, seed, device)
        (random_map,) = heat_maps(
            untrained, image, [heat.target], heat.method, layers, against=against
        )
        correlation = rank_correlation(heat.values, random_map.values)
        if correlation is not None:
            correlations.append(correlation)
    return float(np.mean(correlations)) if correlations else None
