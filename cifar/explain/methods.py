"""Which parts of an image speak for a class: heat maps by many methods, at one layer or several.

The network is cut after a layer (see `model.Staged`): nothing is hooked or changed, so threads
cannot mix. The formulas are in `cam`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from cifar.data.pictures import SIZE
from cifar.evaluation.classifier import to_tensor
from cifar.explain import cam
from cifar.explain.occlusion import PATCH, occlusion
from cifar.models.checkpoint import Checkpoint
from cifar.models.networks import Layer, Staged


@dataclass(frozen=True)
class Method:
    """A way to find evidence: its name, what people call it, what it does, and where it is from.

    slow: takes a forward pass for every channel or patch. unit: of the evidence at one layer, see
    `HeatMap`.
    """

    name: str
    title: str
    about: str
    source: str
    slow: bool = False
    unit: str = "logits"


METHODS = {
    method.name: method
    for method in (
        Method(
            "gradcam",
            "Grad-CAM",
            "channels weighted by how much the class's score grows with them",
            "https://arxiv.org/abs/1610.02391",
        ),
        Method(
            "hirescam",
            "HiResCAM",
            "every cell weighted by how much the class's score grows with it",
            "https://arxiv.org/abs/2011.08891",
        ),
        Method(
            "gradcam++",
            "Grad-CAM++",
            "like Grad-CAM, but small regions count as much as large ones",
            "https://arxiv.org/abs/1710.11063",
        ),
        Method(
            "xgradcam",
            "XGrad-CAM",
            "like Grad-CAM, but a channel's active cells decide its weight",
            "https://arxiv.org/abs/2008.02312",
        ),
        Method(
            "layercam",
            "LayerCAM",
            "like HiResCAM, but only what raises the class's score is added up",
            "https://doi.org/10.1109/TIP.2021.3089943",
        ),
        Method(
            "eigencam",
            "EigenCAM",
            "what stands out to the network, whatever the class",
            "https://arxiv.org/abs/2008.00299",
            unit="relative",
        ),
        Method(
            "finercam",
            "FinerCAM",
            "what sets the class apart from the classes most like it",
            "https://arxiv.org/abs/2501.11309",
        ),
        Method(
            "ablationcam",
            "Ablation-CAM",
            "channels weighted by what the class's score loses without them",
            "https://doi.org/10.1109/WACV45572.2020.9093360",
            slow=True,
            unit="relative",
        ),
        Method(
            "scorecam",
            "Score-CAM",
            "channels weighted by the class's score for what they show of the image",
            "https://arxiv.org/abs/1910.01279",
            slow=True,
            unit="relative",
        ),
        Method(
            "occlusion",
            "Occlusion",
            "how much less probable the class is with a patch of the image covered",
            "https://arxiv.org/abs/1311.2901",
            slow=True,
            unit="probability",
        ),
    )
}


@dataclass(frozen=True)
class HeatMap:
    """Evidence for one class in one image.

    values: float32 (h, w), at least 0: what speaks against the class is dropped. target: the class,
    0 to 9. method: a key of METHODS. layers: one; several if their maps are fused; none for
    occlusion. unit: "logits", "probability" (0 to 1), "relative", a number without a meaning of its
    own, or "share" of the highest, where several layers are fused. against: the class that FinerCAM
    compared with, if one was chosen. Values are comparable between classes that were asked for
    together, not between layers or networks.
    """

    values: np.ndarray
    target: int
    method: str
    layers: tuple[Layer, ...]
    unit: str
    against: int | None = None

    @property
    def peak(self) -> float:
        """The largest evidence anywhere; 0 where nothing speaks for the class."""
        return float(self.values.max())

    @property
    def title(self) -> str:
        """Where the evidence was looked for, in words."""
        if len(self.layers) == 1:
            return self.layers[0].title
        if self.layers:
            return " + ".join(layer.called for layer in self.layers) + ", fused"
        return f"{PATCH}x{PATCH} patches covered"


def default_choice(checkpoint: Checkpoint) -> tuple[str, tuple[str, ...]]:
    """The method and the layers that are shown unless somebody chooses others.

    Those with the best measured scores; before that, Grad-CAM at the last layer of at least 8x8.
    """
    measured = ((checkpoint.metrics or {}).get("explain") or {}).get("default")
    if measured:
        return measured["method"], tuple(measured["layers"])
    return "gradcam", _last_of_8x8(checkpoint.model)


def heat_maps(
    checkpoint: Checkpoint,
    image: np.ndarray,
    targets: list[int],
    method: str | None = None,
    layers: Sequence[str] | None = None,
    *,
    against: Sequence[int] | None = None,
) -> list[HeatMap]:
    """A heat map for each target class, 0 to 9, of one uint8 (32, 32, 3) image, in order.

    method: a key of METHODS. layers: names of the network's layers; the maps of several are each
    divided by the largest value that any of the targets has there, brought to 32x32 and averaged.
    Both are `default_choice` if left out; occlusion has no layers and passes over them. against:
    for each target the class that FinerCAM compares it with, instead of the three with the nearest
    logits; passed over by the others.

    Raises ValueError for a method, a layer or a class that is not there, or a class against itself.
    """
    model = checkpoint.model
    default_method, default_layers = default_choice(checkpoint)
    name = default_method if method is None else method
    if name not in METHODS:
        raise ValueError(f"There is no method {name!r}: choose one of {', '.join(METHODS)}.")
    others = [None] * len(targets) if against is None or name != "finercam" else list(against)
    for target in (*targets, *(against or ())):
        if not 0 <= target < model.head.out_features:
            raise ValueError(
                f"There is no class {target}: choose 0 to {model.head.out_features - 1}."
            )
    for target, other in zip(targets, others, strict=True):
        if target == other:
            raise ValueError(f"Class {target} cannot be compared with itself: choose another one.")

    if name == "occlusion":
        chosen = ()
        evidence = occlusion(checkpoint, image, targets)
    else:
        chosen = _layers(model, layers or default_layers or _last_of_8x8(model))
        evidence = _evidence(model, image, targets, name, chosen, others) if targets else []
    unit = "share" if len(chosen) > 1 else METHODS[name].unit
    return [
        HeatMap(np.maximum(values, 0), target, name, chosen, unit, other)
        for values, target, other in zip(evidence, targets, others, strict=True)
    ]


def contrast(a: HeatMap, b: HeatMap) -> np.ndarray:
    """Where there is more evidence for a than for b: a minus b, signed, float32 (h, w).

    Raises ValueError for maps of different methods or layers, whose numbers do not compare.
    """
    if (a.method, a.layers) != (b.method, b.layers):
        raise ValueError(
            f"{METHODS[a.method].title} ({a.title}) and {METHODS[b.method].title} ({b.title}) are "
            "not on one scale: compare maps of the same method and layers."
        )
    return a.values - b.values


def _last_of_8x8(model: Staged) -> tuple[str, ...]:
    return ([layer.name for layer in model.layers if layer.size >= 8][-1],)


def _layers(model: Staged, names: Sequence[str]) -> tuple[Layer, ...]:
    """The layers of these names, in the network's order, each once."""
    chosen = {model.layer(name) for name in names}
    return tuple(layer for layer in model.layers if layer in chosen)


def _evidence(
    model: Staged,
    image: np.ndarray,
    targets: list[int],
    method: str,
    layers: tuple[Layer, ...],
    against: Sequence[int | None],
) -> np.ndarray:
    """float32 (T, h, w): signed at one layer, at least 0 where several are fused."""
    x = to_tensor(image).to(next(model.parameters()).device)
    found = [
        cam.FORMULAS[method](cam.cut(model, x, layer.name), targets, against) for layer in layers
    ]
    return (found[0] if len(found) == 1 else _fused(found)).cpu().numpy()


def _fused(found: list[torch.Tensor]) -> torch.Tensor:
    """Signed evidence (T, h, w) at several layers to one map a target, (T, 32, 32), 0 to 1."""
    large = []
    for evidence in found:
        positive = evidence.clamp(min=0)
        shares = positive / positive.max().clamp(min=torch.finfo(torch.float32).tiny)
        large.append(F.interpolate(shares[:, None], (SIZE, SIZE), mode="bilinear")[:, 0])
    return torch.stack(large).mean(0)
