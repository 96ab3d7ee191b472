"""The way of a picture through a network: what each layer makes of it.

Of each layer, the mean of its channels and those that answer most strongly; and the same with a
square of the picture covered, on the same scale, so that it shows how far the change reaches.
"""

from dataclasses import dataclass

import numpy as np
import torch

from cifar.evaluation.classifier import calibrated, to_tensor
from cifar.models.checkpoint import Checkpoint
from cifar.models.facts import Layer

STRONGEST = 3
PATCH = 8  # side of the covered square in pixels


@dataclass(frozen=True)
class LayerMaps:
    """Maps of one layer. count: of its channels. channels: the numbers of the strongest.

    maps: float32 (1 + STRONGEST, h, w), 0 to 1: the mean of all channels, then the strongest; each
    from the least to the largest value that it has for the whole picture. change: float32 (h, w), 0
    to 1, how far all channels are from those of the whole picture: the share of their length there;
    0 if nothing is covered.
    """

    layer: Layer
    count: int
    channels: list[int]
    maps: np.ndarray
    change: np.ndarray


@dataclass(frozen=True)
class Way:
    """A picture's way through a network. probabilities: float64 (10,), of what is left of it."""

    layers: list[LayerMaps]
    probabilities: np.ndarray


@torch.inference_mode()
def way(checkpoint: Checkpoint, image: np.ndarray, covered: tuple[int, int] | None = None) -> Way:
    """Return the way of a uint8 (32, 32, 3) image.

    covered: row and column of the first pixel of a square of PATCH pixels that takes the training
    images' mean color.
    """
    model = checkpoint.model
    x = to_tensor(image).repeat(2, 1, 1, 1)  # the whole picture, and what is left of it
    if covered is not None:
        row, column = covered
        x[1, :, row : row + PATCH, column : column + PATCH] = 0  # the mean, normalized
    x = x.to(model.device)
    layers = [_of_layer(model.cut(x, layer.name)[0].float(), layer) for layer in model.layers]
    return Way(layers, calibrated(checkpoint, x[1:])[0])


def _of_layer(maps: torch.Tensor, layer: Layer) -> LayerMaps:
    """Return the maps of a layer from its output for the whole and the covered picture."""
    strength = maps[0].square().sum((1, 2))
    channels = strength.topk(min(STRONGEST, len(strength))).indices
    shown = torch.cat([maps.mean(1, keepdim=True), maps[:, channels]], 1)
    low, high = shown[0].amin((1, 2), keepdim=True), shown[0].amax((1, 2), keepdim=True)
    scaled = (shown[1] - low) / (high - low).clamp(min=torch.finfo(torch.float32).tiny)
    length = maps[0].norm(dim=0)
    change = (maps[1] - maps[0]).norm(dim=0) / length.clamp(min=1e-6)
    return LayerMaps(
        layer,
        len(strength),
        channels.tolist(),
        scaled.clamp(0, 1).cpu().numpy(),
        change.clamp(0, 1).cpu().numpy(),
    )
