"""Would a network that has learnt nothing draw the same map?

A map that hardly changes when the weights are random shows the edges of the picture, not what the
network knows: Adebayo et al., "Sanity Checks for Saliency Maps", https://arxiv.org/abs/1810.03292.
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

FRESH_NETWORKS = 3


@functools.cache
def fresh(network: str, seed: int, device: str = "cpu") -> Checkpoint:
    """An untrained network of the same kind, the same one for a seed; shared, so never change it.

    Convolutions start from He's normal distribution (https://arxiv.org/abs/1502.01852), which keeps
    responses at their size through all layers. PyTorch's own start lets them fade, and a map drawn
    from what is left would differ for that reason alone.
    """
    # Built without memory first: a start by PyTorch would draw from the state that all threads
    # share.
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
    """Spearman's, -1 to 1, of two maps of the same shape; None if either is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    from scipy.stats import spearmanr  # slow to import, and the app's first page needs none of it

    return float(spearmanr(a, b, axis=None).statistic)


def control(
    checkpoint: Checkpoint, image: np.ndarray, heat: HeatMap, networks: int | None = None
) -> float | None:
    """Rank correlation of a map with that of the same network, freshly initialised: -1 to 1.

    The mean over `networks` fresh ones (3, or 1 for a slow method, if left out) of the same method,
    layers and class, in an image uint8 (32, 32, 3). None if the map is constant, or all of theirs.
    """
    networks = networks or (1 if METHODS[heat.method].slow else FRESH_NETWORKS)
    device = str(next(checkpoint.model.parameters()).device)
    layers = [layer.name for layer in heat.layers] or None
    found = []
    for seed in range(networks):
        other = fresh(checkpoint.network, seed, device)
        rival = None if heat.against is None else [heat.against]
        (theirs,) = heat_maps(other, image, [heat.target], heat.method, layers, against=rival)
        found.append(rank_correlation(heat.values, theirs.values))
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if known else None
