"""Heat maps of one image: evidence for a class at one layer or fused from several.

The network is cut after a layer (see `models.staged`). No hooks are set and nothing is changed, so
threads share nothing. The methods are in `cam` and `occlusion`.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from cifar import CLASSES
from cifar.data.pictures import SIZE
from cifar.evaluation.classifier import to_tensor
from cifar.explain.cam import CAMS, cut
from cifar.explain.methods import METHODS, HeatMap, default_choice, last_of_8x8, refusal
from cifar.explain.occlusion import occlusion
from cifar.models.checkpoint import Checkpoint
from cifar.models.facts import Layer
from cifar.models.network import Network


def heat_maps(
    checkpoint: Checkpoint,
    image: np.ndarray,
    targets: list[int],
    method: str | None = None,
    layers: Sequence[str] | None = None,
    *,
    against: Sequence[int] | None = None,
) -> list[HeatMap]:
    """Compute a heat map for each target class, 0 to 9, of one uint8 (32, 32, 3) image, in order.

    method: a key of METHODS. layers: names of the network's layers; the maps of several are each
    divided by the largest value of any target there, resized to 32x32 and averaged. Both default to
    `default_choice`; occlusion ignores layers. against: for each target the class that FinerCAM
    compares it with, instead of the three with the nearest logits; other methods ignore it.

    Raises ValueError for an unknown method, layer or class, and for a class against itself.
    """
    model = checkpoint.model
    default_method, default_layers = default_choice(checkpoint)
    name = default_method if method is None else method
    if name not in METHODS:
        raise ValueError(f"There is no method {name!r}: choose one of {', '.join(METHODS)}.")
    if problem := refusal(checkpoint, name):
        raise ValueError(problem)
    others = [None] * len(targets) if against is None or name != "finercam" else list(against)
    for target in (*targets, *(against or ())):
        if not 0 <= target < len(CLASSES):
            raise ValueError(f"There is no class {target}: choose 0 to {len(CLASSES) - 1}.")
    for target, other in zip(targets, others, strict=True):
        if target == other:
            raise ValueError(f"Class {target} cannot be compared with itself: choose another one.")

    if not targets:
        return []
    if name == "occlusion":
        chosen: tuple[Layer, ...] = ()
        evidence = occlusion(checkpoint, image, targets)
    else:
        chosen = _layers(model, layers or default_layers or last_of_8x8(checkpoint))
        evidence = _evidence(model, image, targets, name, chosen, others)
    unit = "share" if len(chosen) > 1 else METHODS[name].unit
    return [
        HeatMap(np.maximum(values, 0), target, name, chosen, unit, other)
        for values, target, other in zip(evidence, targets, others, strict=True)
    ]


def _layers(model: Network, names: Sequence[str]) -> tuple[Layer, ...]:
    """Return the layers of these names, in the network's order, each once."""
    chosen = {model.layer(name) for name in names}
    return tuple(layer for layer in model.layers if layer in chosen)


def _evidence(
    model: Network,
    image: np.ndarray,
    targets: list[int],
    method: str,
    layers: tuple[Layer, ...],
    against: Sequence[int | None],
) -> np.ndarray:
    """Compute float32 (T, h, w): signed at one layer, at least 0 if several are fused."""
    x = to_tensor(image).to(model.device)
    by_layer = [CAMS[method](cut(model, x, layer.name), targets, against) for layer in layers]
    return by_layer[0] if len(by_layer) == 1 else _fuse(by_layer)


def _fuse(by_layer: list[np.ndarray]) -> np.ndarray:
    """Fuse signed evidence (T, h, w) at several layers to one map a target, (T, 32, 32), 0 to 1."""
    large = []
    for evidence in by_layer:
        positive = torch.from_numpy(evidence).clamp(min=0)
        shares = positive / positive.max().clamp(min=torch.finfo(torch.float32).tiny)
        large.append(F.interpolate(shares[:, None], (SIZE, SIZE), mode="bilinear")[:, 0])
    return torch.stack(large).mean(0).numpy()
