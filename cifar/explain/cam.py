"""Class activation maps of one image at one layer.

Each method takes a network that is cut after the layer and returns signed evidence, float32
(T, h, w), for T target classes. The formulas are those of the grad-cam library, whose classes
compute them from the activations A, (1, C, h, w), and the gradients G of each target's score,
(T, C, h, w): without target layers they hook nothing, so one instance of each serves all threads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, XGradCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import FinerWeightedTarget
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection_with_sign_correction
from torch import nn
from torch.nn import functional as F

from cifar.models.network import Network, Rest

BATCH = 64  # images or maps per forward pass


@dataclass(frozen=True)
class Cut:
    """An image and its activations in a network that is cut after a layer.

    x: the normalized image, float32 (1, 3, 32, 32). maps: the layer's output, float32
    (1, C, h, w). Neither may be changed. logits: computes logits (N, 10) from (N, C, h, w) with the
    rest of the network.
    """

    network: Network
    x: torch.Tensor
    maps: torch.Tensor
    logits: Rest


# Maps a cut network, the target classes and the class to compare each with, if any, to evidence,
# float32 (T, h, w).
Evidence = Callable[[Cut, Sequence[int], Sequence[int | None]], np.ndarray]
# Maps logits (10,), the target and the class to compare it with, if any, to the score to derive.
Score = Callable[[torch.Tensor, int, int | None], torch.Tensor]


def cut(network: Network, x: torch.Tensor, layer: str) -> Cut:
    """Run the first part of a network, up to and with a layer, on float32 (1, 3, 32, 32)."""
    # Not in inference mode, whose tensors cannot take part in gradients.
    with torch.inference_mode(False), torch.no_grad():
        maps, rest = network.cut(x, layer)
    return Cut(network, x, maps, rest)


def class_score(logits: torch.Tensor, target: int, against: int | None) -> torch.Tensor:
    """Return the target's logit, from logits (10,)."""
    return logits[target]


def finer_score(logits: torch.Tensor, target: int, against: int | None) -> torch.Tensor:
    """Return how far the target's logit is above that of `against`.

    Without `against`: above those of the three classes whose logits are nearest to it, weighted by
    their probabilities (FinerCAM, https://arxiv.org/abs/2501.11309).
    """
    if against is None:
        gaps = (logits - logits[target]).abs().detach()
        gaps[target] = -1  # sorts first despite ties
        others = gaps.argsort()[1:4].tolist()
    else:
        others = [against]
    return FinerWeightedTarget(target, others, 1)(logits)


def by_gradients(formula: type[BaseCAM], score: Score = class_score) -> Evidence:
    """Return a method that applies a class of grad-cam to the gradients of a score."""
    # Any module with a parameter will do: the formula never calls it.
    compute = formula(nn.Linear(1, 1), [])

    def evidence(cut: Cut, targets: Sequence[int], against: Sequence[int | None]) -> np.ndarray:
        with torch.inference_mode(False), torch.enable_grad():
            maps = cut.maps.detach().requires_grad_(True)
            logits = cut.logits(maps)[0]
            gradients = [
                torch.autograd.grad(score(logits, target, other), maps, retain_graph=True)[0]
                for target, other in zip(targets, against, strict=True)
            ]
        A, G = cut.maps.cpu().numpy(), torch.cat(gradients).cpu().numpy()
        # Without a network and targets, which only other formulas use; False: without smoothing.
        return compute.get_cam_image(None, None, None, A, G, False)

    return evidence


def eigen_cam(cut: Cut, targets: Sequence[int], against: Sequence[int | None]) -> np.ndarray:
    """Project the activations on their first principal component: the same map for every class.

    The component's sign is arbitrary. The library's class keeps the one that its solver returns,
    which may show the background; its sign correction is used instead: the largest value is never
    below minus the smallest (https://doi.org/10.3390/app15137562, equation 13).
    """
    heat = get_2d_projection_with_sign_correction(cut.maps.cpu().numpy())
    return np.repeat(heat, len(targets), axis=0)


def ablation_cam(cut: Cut, targets: Sequence[int], against: Sequence[int | None]) -> np.ndarray:
    """Weight channels by how far the class's logit drops when they are set to 0.

    Ours instead of the library's, which takes 20 times as long (one pass a channel) and divides the
    drop by the logit, as the paper does: with a negative logit, evidence against the class becomes
    evidence for it. Not dividing changes only the scale and makes classes comparable. Source: Desai
    and Ramaswamy, WACV 2020, https://doi.org/10.1109/WACV45572.2020.9093360.
    """

    def ablated_logits(channels: torch.Tensor) -> torch.Tensor:
        maps = cut.maps.repeat(len(channels), 1, 1, 1)
        maps[torch.arange(len(channels)), channels] = 0
        return cut.logits(maps)

    with torch.inference_mode():
        drops = cut.logits(cut.maps) - _logits_by_channel(cut, ablated_logits)
        return _weighted(cut, drops[:, list(targets)].T)


def score_cam(cut: Cut, targets: Sequence[int], against: Sequence[int | None]) -> np.ndarray:
    """Weight channels by the class's logit for the image masked by them, softmax over channels.

    Ours instead of the library's, which runs every masked image again for each class and draws a
    progress bar each time. A mask is the channel at the image's size, corners aligned, stretched to
    0 to 1; masked pixels take the training images' mean color. Source:
    https://arxiv.org/abs/1910.01279.
    """
    with torch.inference_mode():
        large = F.interpolate(
            cut.maps[0, :, None], cut.x.shape[2:], mode="bilinear", align_corners=True
        )
        low, high = large.amin((2, 3), keepdim=True), large.amax((2, 3), keepdim=True)
        masks = (large - low) / (high - low + 1e-8)
        logits = _logits_by_channel(cut, lambda channels: cut.network(cut.x * masks[channels]))
        return _weighted(cut, logits[:, list(targets)].T.softmax(1))


def _logits_by_channel(cut: Cut, logits_of: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Return logits (C, 10), one row per channel, from a function of batches of channel numbers."""
    channels = torch.arange(cut.maps.shape[1], device=cut.maps.device)
    return torch.cat([logits_of(batch) for batch in channels.split(BATCH)])


def _weighted(cut: Cut, weights: torch.Tensor) -> np.ndarray:
    """Add up the layer's channels with weights (T, C): (T, h, w)."""
    return torch.einsum("tc,chw->thw", weights, cut.maps[0]).cpu().numpy()


# Every method that uses a layer, by its key in METHODS.
CAMS: dict[str, Evidence] = {
    "gradcam": by_gradients(GradCAM),
    "hirescam": by_gradients(HiResCAM),
    "gradcam++": by_gradients(GradCAMPlusPlus),
    "xgradcam": by_gradients(XGradCAM),
    "layercam": by_gradients(LayerCAM),
    "eigencam": eigen_cam,
    "finercam": by_gradients(GradCAM, finer_score),
    "ablationcam": ablation_cam,
    "scorecam": score_cam,
}
