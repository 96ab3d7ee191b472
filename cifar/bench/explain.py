"""Heat maps per second, ours and the grad-cam library's, for one image on the CPU."""

from collections.abc import Callable

import numpy as np
import torch

from cifar import LensError
from cifar.bench.rows import Row, throughput
from cifar.bench.turns import milliseconds, take_turns
from cifar.evaluation.classifier import to_tensor
from cifar.explain.heat_maps import heat_maps
from cifar.models import checkpoint
from cifar.models.networks import NETWORKS, create_model

BLOCKS = 21  # timed on each side, in turns, so that both meet the same disturbances
MAPS = {"resnet": 1, "basenet": 5}  # calls in a block
CLASSES = (3, 5)  # any two: the time does not depend on them


def explain_suite() -> list[Row]:
    """Compare Grad-CAM at each layer of each network, then for the two classes of a mistake.

    Only resnet's last layer, the one that Grad-CAM was made for, has a bar. At earlier layers both
    sides run more of the network backwards, and most of the small network's two milliseconds are
    the forward pass of either side.
    """
    rows = []
    for name in NETWORKS:
        *earlier, last = (layer.name for layer in create_model(name).layers)
        rows += [row(name, layer, 1) for layer in earlier]
        rows += [row(name, last, 1, at_least=2.5 if name == "resnet" else None), row(name, last, 2)]
    return rows


def row(name: str, layer: str, classes: int, at_least: float | None = None) -> Row:
    """Measure one image at one layer, in maps per second."""
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    targets = list(CLASSES[:classes])
    ours, library = (
        milliseconds(make(name, layer, image, targets), MAPS[name])
        for make in (our_maps, library_maps)
    )
    for side in (ours, library):
        side()
    times = take_turns(ours, library, BLOCKS, f"explain {name} {layer}")
    our_rates, library_rates = ([1000 * MAPS[name] * classes / ms for ms in side] for side in times)
    title = f"{name}, {layer}, {'one class' if classes == 1 else f'{classes} classes'}"
    return throughput(title, our_rates, library_rates, at_least=at_least, unit="maps/s")


def our_maps(name: str, layer: str, image: np.ndarray, targets: list[int]) -> Callable:
    """Return a function that computes one heat map per target with our code."""
    ckpt = checkpoint.load(name)
    return lambda: heat_maps(ckpt, image, targets, "gradcam", [layer])


def library_maps(name: str, layer: str, image: np.ndarray, targets: list[int]) -> Callable:
    """Return a function that computes one heat map per target as the library's README does.

    The GradCAM object is made once and called for each class. The network is that of
    `create_model`, whose weights require gradients, because the library needs them for its backward
    pass. Raises LensError if grad-cam is not installed.
    """
    try:
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    except ImportError as error:
        raise LensError(
            "The grad-cam package is needed to compare with: run "
            "`pip install -r requirements-dev.txt`."
        ) from error
    model = create_model(name)
    model.load_state_dict(checkpoint.load(name).model.state_dict())
    library = GradCAM(model.eval(), [getattr(model, layer)])

    def call() -> list[np.ndarray]:
        with torch.enable_grad():
            return [library(to_tensor(image), [ClassifierOutputTarget(k)]) for k in targets]

    return call
