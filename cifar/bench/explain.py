"""Heat maps a second of ours, beside the grad-cam library's, of one image on the CPU."""

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
MAPS = {"resnet": 1, "basenet": 5}  # of a block
CLASSES = (3, 5)  # which ones does not matter for the time


def explain_suite() -> list[Row]:
    """Grad-CAM by ours and by the library: each network, each layer, then a mistake's two classes.

    The bar belongs to resnet's last layer, the one that Grad-CAM was made for. Behind the earlier
    ones lies more of the network, which has to run backwards on either side; and of the small
    network's two milliseconds most are its forward pass, on either side too.
    """
    rows = []
    for name in NETWORKS:
        *earlier, last = (layer.name for layer in create_model(name).layers)
        rows += [row(name, layer, 1) for layer in earlier]
        rows += [row(name, last, 1, at_least=2.5 if name == "resnet" else None), row(name, last, 2)]
    return rows


def row(name: str, layer: str, classes: int, at_least: float | None = None) -> Row:
    """One image at one layer, in maps a second."""
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
    what = f"{name}, {layer}, {'one class' if classes == 1 else f'{classes} classes'}"
    return throughput(what, our_rates, library_rates, at_least=at_least, unit="maps/s")


def our_maps(name: str, layer: str, image: np.ndarray, targets: list[int]) -> Callable:
    ckpt = checkpoint.load(name)
    return lambda: heat_maps(ckpt, image, targets, "gradcam", [layer])


def library_maps(name: str, layer: str, image: np.ndarray, targets: list[int]) -> Callable:
    """The library as its README uses it: made once, then called for each class.

    The network is as `create_model` makes it, with gradients for its weights: without, the library
    has nothing to go backwards to. Raises LensError where grad-cam is not installed.
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
