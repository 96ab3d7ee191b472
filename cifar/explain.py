"""Which parts of an image speak for a class: Grad-CAM, on a scale that is kept.

The network is cut after the chosen layer (see `model.Staged`): the first part runs without
gradients, the second with them, and nothing is hooked or changed, so threads cannot mix.
"""

from dataclasses import dataclass

import matplotlib
import numpy as np
import torch
from PIL import Image

from cifar.checkpoint import Checkpoint
from cifar.classifier import to_tensor
from cifar.model import Layer

COLOURS = (
    "inferno"  # perceptual: equal steps in evidence look equal, and grey print keeps the order
)


@dataclass(frozen=True)
class HeatMap:
    """Evidence for one class in one image at one layer.

    values: float32 (h, w), at least 0, in units of the class's logit (gradient times activation):
    comparable between classes of the same image and layer, not between layers or networks.
    """

    values: np.ndarray
    layer: Layer
    target: int

    @property
    def peak(self) -> float:
        """The largest evidence anywhere; 0 where nothing speaks for the class."""
        return float(self.values.max())


def default_layer(checkpoint: Checkpoint) -> str:
    """The last layer whose map is at least 8x8: late enough to know classes, fine enough to see."""
    return [layer.name for layer in checkpoint.model.layers if layer.size >= 8][-1]


def grad_cam(
    checkpoint: Checkpoint, image: np.ndarray, targets: list[int], layer: str | None = None
) -> list[HeatMap]:
    """A heat map for each target class, 0 to 9, of one uint8 (32, 32, 3) image.

    Grad-CAM: channels of the layer weighted by the mean gradient of the class's logit, summed,
    negative evidence dropped. Source: Selvaraju et al., https://arxiv.org/abs/1610.02391.
    Raises ValueError for a layer or a class that the network does not have.
    """
    model = checkpoint.model
    chosen = model.layer(layer or default_layer(checkpoint))
    for target in targets:
        if not 0 <= target < model.head.out_features:
            raise ValueError(
                f"There is no class {target}: choose 0 to {model.head.out_features - 1}."
            )
    device = next(model.parameters()).device
    with torch.no_grad():
        maps = model.maps_at(to_tensor(image).to(device), chosen.name)
    maps.requires_grad_(True)
    with torch.enable_grad():
        logits = model.logits_from(maps, chosen.name)[0]
        gradients = [
            torch.autograd.grad(logits[target], maps, retain_graph=True)[0] for target in targets
        ]
    maps = maps.detach()
    return [
        HeatMap(
            (gradient.mean((2, 3), keepdim=True) * maps).sum(1).clamp(min=0)[0].cpu().numpy(),
            chosen,
            target,
        )
        for gradient, target in zip(gradients, targets, strict=True)
    ]


def draw(heat: HeatMap, size: int, *, scale: float | None = None) -> np.ndarray:
    """The heat map alone, smoothed to size x size and coloured: uint8 (size, size, 3).

    scale: the evidence drawn in the brightest colour (the map's own peak if left out); give maps
    that are to be compared the same. A map without any evidence is the darkest colour throughout.
    """
    scale = heat.peak if scale is None else scale
    relative = np.clip(heat.values / scale, 0, 1) if scale > 0 else np.zeros_like(heat.values)
    smooth = Image.fromarray(relative.astype(np.float32)).resize(
        (size, size), Image.Resampling.BILINEAR
    )
    return np.uint8(np.rint(matplotlib.colormaps[COLOURS](np.asarray(smooth))[..., :3] * 255))


def overlay(
    image: np.ndarray, heat: HeatMap, *, scale: float | None = None, strength: float = 0.5
) -> np.ndarray:
    """The heat map laid over a square uint8 (S, S, 3) image: uint8 (S, S, 3).

    strength: 0 shows the image untouched, 1 the map alone. scale: as for `draw`.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"The heat map strength is {strength}: choose 0 to 1.")
    colours = draw(heat, len(image), scale=scale)
    return np.uint8(np.rint((1 - strength) * image + strength * colours))
