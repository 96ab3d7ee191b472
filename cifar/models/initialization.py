"""Initialization of a network's weights before training.

Source of both functions: Jordan, "94% on CIFAR-10 in 3.29 Seconds", https://arxiv.org/abs/2404.00498,
section 3.
"""

import torch
from torch import nn
from torch.nn import functional as F

from cifar.models import equivariant
from cifar.models.staged import Staged


@torch.no_grad()
def whiten_first_layer(model: Staged, images: torch.Tensor, eps: float = 5e-4) -> None:
    """Initialize the first convolution as filters that decorrelate its input patches.

    images: normalized float32 (N, 3, H, W); a few thousand are enough. Filters are the
    eigenvectors of the covariance of 3x3x3 patches, largest first, divided by the square root of
    their eigenvalue, each with its negative; the remaining filters keep their random values.

    Eigenvectors of patches and their mirror images are symmetric or antisymmetric, so mirroring
    one adds no new filter. A layer that mirrors its filters starts with sums of one of each kind:
    the mirror image of a sum is the difference.
    """
    conv = model.prep.conv
    weight = conv.weight
    patches = F.unfold(images, 3).transpose(1, 2).reshape(-1, *weight.shape[1:])
    if isinstance(conv, equivariant.Lift):
        even, odd = patches + patches.flip(3), patches - patches.flip(3)
        # In `odd`, the third column mirrors the first and the middle one is 0.
        count = patches[0].numel() // 3
        whitening = _whitening(even / 2, eps)[:count] + _whitening(odd / 2, eps)[:count]
        whitening /= 2**0.5
    else:
        whitening = _whitening(patches, eps)
    pairs = min(len(weight) // 2, len(whitening))
    filters = whitening[:pairs].to(weight)
    weight[: 2 * pairs] = torch.cat([filters, -filters])


def _whitening(patches: torch.Tensor, eps: float) -> torch.Tensor:
    """Return the eigenvectors of the covariance of patches (N, C, h, w): float64 (C*h*w, C, h, w).

    Largest first, each divided by the square root of its eigenvalue.
    """
    values, vectors = torch.linalg.eigh(torch.cov(patches.flatten(1).T.double()))
    return (vectors / (values + eps).sqrt()).T.flip(0).view(-1, *patches.shape[1:])


@torch.no_grad()
def dirac_start(model: Staged) -> None:
    """Initialize every later convolution so that it passes its input through unchanged.

    Filter i is the identity of input channel i; filters past the number of input channels keep
    their random values.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module is not model.prep.conv and module.groups == 1:
            count = min(module.in_channels, module.out_channels)
            nn.init.dirac_(module.weight[:count])
