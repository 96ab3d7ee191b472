"""The formulas of the methods: class activation maps of one image at one layer.

Each takes a network that is cut after the layer and returns signed evidence, float32 (T, h, w),
for T target classes. Letters as in the papers: A are the layer's activations, (1, C, h, w), and G
the gradients of each target's score with respect to them, (T, C, h, w). Where a formula allows for
several readings it is that of the grad-cam library (1.5), small constants included.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from cifar.models.networks import Staged

BATCH = 64  # changed images or maps that go through the network at once


@dataclass(frozen=True)
class Cut:
    """An image on its way through a network that is cut after a layer.

    x: the normalised image, float32 (1, 3, 32, 32). maps: the layer's output, float32
    (1, C, h, w). Neither may be changed.
    """

    network: Staged
    layer: str
    x: torch.Tensor
    maps: torch.Tensor

    def logits(self, maps: torch.Tensor) -> torch.Tensor:
        """What the rest of the network makes of (N, C, h, w): logits (N, 10)."""
        return self.network.logits_from(maps, self.layer)


# Of a cut network, target classes and, for each of them, the class to set it against, if any.
Evidence = Callable[[Cut, list[int], Sequence[int | None]], torch.Tensor]


def cut(network: Staged, x: torch.Tensor, layer: str) -> Cut:
    """Run the first part of a network, up to and with a layer, on float32 (1, 3, 32, 32)."""
    with torch.inference_mode():
        maps = network.maps_at(x, layer)
    with torch.inference_mode(False):
        return Cut(network, layer, x, maps.clone())  # a copy may take part in gradients


def class_score(logits: torch.Tensor, target: int, against: int | None) -> torch.Tensor:
    """The target's logit, of logits (10,)."""
    return logits[target]


def finer_score(logits: torch.Tensor, target: int, against: int | None) -> torch.Tensor:
    """How far the target's logit is above that of `against`, or of the three classes whose logits
    are nearest to it, weighted by their probabilities (which depend on the logits too).

    https://arxiv.org/abs/2501.11309
    """
    if against is None:
        gaps = (logits - logits[target]).abs().detach()
        gaps[target] = -1  # first, whatever ties there are
        others = gaps.argsort()[1:4]
    else:
        others = [against]
    weights = logits.softmax(0)[others]
    return (weights * (logits[target] - logits[others])).sum() / (weights.sum() + 1e-9)


def by_gradients(formula: Callable, score: Callable = class_score) -> Evidence:
    """A method that is a formula of A and G, G being the gradients of `score`."""

    def evidence(cut: Cut, targets: list[int], against: Sequence[int | None]) -> torch.Tensor:
        with torch.inference_mode(False), torch.enable_grad():
            maps = cut.maps.detach().requires_grad_(True)
            logits = cut.logits(maps)[0]
            gradients = [
                torch.autograd.grad(score(logits, target, other), maps, retain_graph=True)[0]
                for target, other in zip(targets, against, strict=True)
            ]
        return formula(cut.maps, torch.cat(gradients))

    return evidence


def grad_cam(A: torch.Tensor, G: torch.Tensor) -> torch.Tensor:
    """Channels weighted by their mean gradient. https://arxiv.org/abs/1610.02391"""
    return (G.mean((2, 3), keepdim=True) * A).sum(1)


def hires_cam(A: torch.Tensor, G: torch.Tensor) -> torch.Tensor:
    """Activations times their own gradients. https://arxiv.org/abs/2011.08891"""
    return (G * A).sum(1)


def grad_cam_plus_plus(A: torch.Tensor, G: torch.Tensor) -> torch.Tensor:
    """Channels weighted by their positive gradients, so that small regions count as large ones.

    https://arxiv.org/abs/1710.11063, equations 7 and 19.
    """
    rise = G.clamp(min=0)
    total = A.sum((2, 3), keepdim=True)
    share = rise**2 / (2 * rise**2 + total * rise**3 + 1e-6)
    return ((share * rise).sum((2, 3), keepdim=True) * A).sum(1)


def xgrad_cam(A: torch.Tensor, G: torch.Tensor) -> torch.Tensor:
    """Channels weighted by their gradients' mean, in which active cells count more.

    https://arxiv.org/abs/2008.02312
    """
    total = A.sum((2, 3), keepdim=True) + 1e-7
    return ((G * A / total).sum((2, 3), keepdim=True) * A).sum(1)


def layer_cam(A: torch.Tensor, G: torch.Tensor) -> torch.Tensor:
    """Activations times their own positive gradients. https://doi.org/10.1109/TIP.2021.3089943"""
    return (G.clamp(min=0) * A).sum(1)


def eigen_cam(cut: Cut, targets: list[int], against: Sequence[int | None]) -> torch.Tensor:
    """The activations along their first principal component: the same map for every class.

    https://arxiv.org/abs/2008.00299. Channels are centred first, as the library does. The sign of a
    component is arbitrary; the library keeps the one that its solver happens to return, which may
    show the background instead. Here the largest value is never below minus the smallest one
    (https://doi.org/10.3390/app15137562, equation 13).
    """
    height, width = cut.maps.shape[2:]
    cells = cut.maps[0].flatten(1).T.double()
    centred = cells - cells.mean(0)
    component = torch.linalg.svd(centred, full_matrices=False).Vh[0]
    heat = (centred @ component).view(1, height, width)
    heat = heat if heat.max() >= -heat.min() else -heat
    return heat.float().expand(len(targets), -1, -1)


def ablation_cam(cut: Cut, targets: list[int], against: Sequence[int | None]) -> torch.Tensor:
    """Channels weighted by how far the class's logit drops when they are set to 0.

    https://openaccess.thecvf.com/content_WACV_2020/html/Desai_Ablation-CAM_Visual_Explanations_for_Deep_Convolutional_Network_via_Gradient-free_Localization_WACV_2020_paper.html
    divides the drop by the logit itself, and so does the library: where the logit is negative, that
    shows what speaks against the class as evidence for it. It is left out here, which changes
    nothing else but the scale and makes classes comparable. In a layer that is nowhere exactly 0
    the library sets channels to large negative numbers; ours end in a ReLU and 0 means nothing.
    """

    def without(channels: torch.Tensor) -> torch.Tensor:
        maps = cut.maps.repeat(len(channels), 1, 1, 1)
        maps[torch.arange(len(channels)), channels] = 0
        return cut.logits(maps)

    with torch.inference_mode():
        drops = cut.logits(cut.maps) - _for_each_channel(cut, without)
        return _weighted(cut, drops[:, targets].T)


def score_cam(cut: Cut, targets: list[int], against: Sequence[int | None]) -> torch.Tensor:
    """Channels weighted by the class's logit for the image masked by them, softmax over channels.

    https://arxiv.org/abs/1910.01279. A mask is the channel brought to the image's size
    with the corners aligned and stretched to 0 to 1; what it covers has the mean colour of the
    training images.
    """
    with torch.inference_mode():
        large = F.interpolate(
            cut.maps[0, :, None], cut.x.shape[2:], mode="bilinear", align_corners=True
        )
        low, high = large.amin((2, 3), keepdim=True), large.amax((2, 3), keepdim=True)
        masks = (large - low) / (high - low + 1e-8)
        logits = _for_each_channel(cut, lambda channels: cut.network(cut.x * masks[channels]))
        return _weighted(cut, logits[:, targets].T.softmax(1))


def _for_each_channel(cut: Cut, logits: Callable) -> torch.Tensor:
    """Logits (C, 10), a row a channel, from a function of batches of channel numbers (N,)."""
    channels = torch.arange(cut.maps.shape[1], device=cut.maps.device)
    return torch.cat([logits(batch) for batch in channels.split(BATCH)])


def _weighted(cut: Cut, weights: torch.Tensor) -> torch.Tensor:
    """The layer's channels added up with weights (T, C): (T, h, w)."""
    return torch.einsum("tc,chw->thw", weights, cut.maps[0])


FORMULAS: dict[str, Evidence] = {
    "gradcam": by_gradients(grad_cam),
    "hirescam": by_gradients(hires_cam),
    "gradcam++": by_gradients(grad_cam_plus_plus),
    "xgradcam": by_gradients(xgrad_cam),
    "layercam": by_gradients(layer_cam),
    "eigencam": eigen_cam,
    "finercam": by_gradients(grad_cam, finer_score),
    "ablationcam": ablation_cam,
    "scorecam": score_cam,
}
