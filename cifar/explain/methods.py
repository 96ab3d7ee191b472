"""The heat-map methods and the `HeatMap` type, without PyTorch."""

from dataclasses import dataclass

import numpy as np

from cifar.models.checkpoint import Checkpoint
from cifar.models.errors import CheckpointError
from cifar.models.facts import ONNX, Layer

# Occlusion covers squares of this side, centered on cells of this side, in pixels.
PATCH = 8
STRIDE = 4


@dataclass(frozen=True)
class Method:
    """A heat-map method: its key, title, description and source.

    slow: it needs a forward pass for every channel or patch. unit: of the evidence at one layer,
    see `HeatMap`.
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


# Methods that need a layer's map and answers alone.
WITHOUT_GRADIENTS = ("eigencam", "scorecam", "occlusion")


@dataclass(frozen=True)
class HeatMap:
    """Evidence for one class in one image.

    values: float32 (h, w), at least 0: evidence against the class is dropped. target: the class,
    0 to 9. method: a key of METHODS. layers: one; several if their maps are fused; none for
    occlusion. unit: "logits", "probability" (0 to 1), "relative" (without a unit of its own), or
    "share" of the highest if several layers are fused. against: the class that FinerCAM compared
    with, if one was chosen. Values are comparable between classes of the same call, not between
    layers or networks.
    """

    values: np.ndarray
    target: int
    method: str
    layers: tuple[Layer, ...]
    unit: str
    against: int | None = None

    @property
    def peak(self) -> float:
        """The largest evidence anywhere; 0 if there is none for the class."""
        return float(self.values.max())

    @property
    def title(self) -> str:
        """The layers or the patches, in words."""
        if len(self.layers) == 1:
            return self.layers[0].title
        if self.layers:
            return " + ".join(layer.label for layer in self.layers) + ", fused"
        return f"{PATCH}x{PATCH} patches covered"


def usable(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the keys of METHODS that a network can be explained by.

    An ONNX network gives no gradients, and a rest after a layer cannot be run alone.
    """
    if not checkpoint.layers:
        return ("occlusion",)
    return WITHOUT_GRADIENTS if checkpoint.network == ONNX else tuple(METHODS)


def refusal(checkpoint: Checkpoint, method: str) -> str:
    """Return why a network cannot be explained by a key of METHODS; empty if it can."""
    names = usable(checkpoint)
    if method in names:
        return ""
    titles = ", ".join(METHODS[name].title for name in names)
    return f"{METHODS[method].title} needs more of {checkpoint.title} than is known: use {titles}."


def default_choice(checkpoint: Checkpoint) -> tuple[str, tuple[str, ...]]:
    """Return the default method and layers.

    These have the best measured scores; before any, the last layer of at least 8x8 and the first
    usable method of Grad-CAM, Score-CAM and occlusion. Raises CheckpointError for scores of a
    method or a layer that there is not.
    """
    if not checkpoint.layers:
        return "occlusion", ()
    if "explain" not in checkpoint.metrics:
        method = "scorecam" if checkpoint.network == ONNX else "gradcam"
        return method, last_of_8x8(checkpoint)
    default = checkpoint.measured["explain"]["default"]
    method, layers = default["method"], tuple(default["layers"])
    if method not in usable(checkpoint) or not set(layers) <= {
        layer.name for layer in checkpoint.layers
    }:
        raise CheckpointError(
            f"{checkpoint.path}/metrics.json: explain.default is {method!a} at "
            f"{', '.join(map(ascii, layers))}, which {checkpoint.network} does not have."
        )
    return method, layers


def last_of_8x8(checkpoint: Checkpoint) -> tuple[str]:
    """Return the name of the last layer whose map has at least 8x8 cells, or else of the last."""
    large = [layer for layer in checkpoint.layers if layer.size >= 8]
    return ((large or checkpoint.layers)[-1].name,)


def contrast(a: HeatMap, b: HeatMap) -> np.ndarray:
    """Subtract the evidence for b from that for a: signed, float32 (h, w).

    Raises ValueError for maps of different methods or layers, whose values are not comparable.
    """
    if (a.method, a.layers) != (b.method, b.layers):
        raise ValueError(
            f"{METHODS[a.method].title} ({a.title}) and {METHODS[b.method].title} ({b.title}) are "
            "not on one scale: compare maps of the same method and layers."
        )
    return a.values - b.values
