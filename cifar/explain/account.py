"""The exact account of an answer: each logit as a sum over the channels of the last map.

A network that pools its last map as a whole (the maximum or the mean of each channel) before its
last weights gives each logit as a constant and one term a channel: the pooled value times the
weight. Each value comes from one known cell, or from all of them alike.
"""

from dataclasses import dataclass

import numpy as np
import torch

from cifar.evaluation.classifier import to_tensor
from cifar.models.facts import SIZE
from cifar.models.network import Network
from cifar.models.onnx_network import OnnxNetwork

PROBES = 8  # random images whose gradients show how the maps are pooled


@dataclass(frozen=True)
class Head:
    """The end of a network after its last map.

    weights: float32 (10, C), of the maxima or the means of channels. averaged: whether it takes the
    means.
    """

    weights: torch.Tensor
    averaged: bool


@dataclass(frozen=True)
class Account:
    """A picture's logits as sums.

    logits: float32 (10,). constant: float32 (10,), what they are without any channel. terms:
    float32 (C, 10), what each channel adds; constant and terms add up to the logits. cells: int
    (C,), the cell of the largest value, row by row. size: the side of the map in cells. averaged:
    whether a channel's mean counts, and not that largest value.
    """

    logits: np.ndarray
    constant: np.ndarray
    terms: np.ndarray
    cells: np.ndarray
    size: int
    averaged: bool


def pooled_head(model: Network) -> Head | None:
    """Return the head of a network that pools its last map as a whole; None for another one.

    It is found by the gradients of the logits for random images: they are the same for all images,
    and the same in every cell, or 0 in all cells but one.
    """
    if not model.layers or isinstance(model, OnnxNetwork):
        return None
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(PROBES, 3, SIZE, SIZE, generator=generator).to(model.device)
    with torch.inference_mode(False), torch.enable_grad():
        maps, rest = model.cut(images, model.layers[-1].name)
        maps = maps.detach().clone().requires_grad_(True)
        logits = rest(maps).sum(0)
        gradients = torch.stack(
            [torch.autograd.grad(one, maps, retain_graph=True)[0] for one in logits]
        ).flatten(3)  # of each class, image and channel: (10, PROBES, C, cells)
    weights = gradients.sum(3)
    same = torch.allclose(weights, weights[:, :1], rtol=1e-4, atol=1e-6)
    averaged = torch.allclose(gradients, gradients[..., :1], rtol=1e-4, atol=1e-7)
    if same and (averaged or bool((gradients.count_nonzero(3) <= 1).all())):
        return Head(weights[:, 0].detach(), averaged)
    return None


@torch.inference_mode()
def account(model: Network, head: Head, image: np.ndarray) -> Account:
    """Return the account of a uint8 (32, 32, 3) image. head: the network's, of `pooled_head`."""
    logits, _, maps = model.with_maps(to_tensor(image).to(model.device))
    cells = maps[0].flatten(1).double()
    values = cells.mean(1) if head.averaged else cells.amax(1)
    terms = values[:, None] * head.weights.T.double()
    return Account(
        logits[0].cpu().numpy(),
        (logits[0].double() - terms.sum(0)).float().cpu().numpy(),
        terms.float().cpu().numpy(),
        cells.argmax(1).cpu().numpy(),
        maps.shape[-1],
        head.averaged,
    )
