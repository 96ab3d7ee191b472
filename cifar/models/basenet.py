"""BaseNet, the light network: an image and its mirror image get the same logits."""

from itertools import pairwise

import torch
from torch import nn

from cifar.models import equivariant
from cifar.models.facts import LAYERS
from cifar.models.staged import Prep, Staged

# Reduction ratio of the squeeze-and-excitation bottleneck, in pairs of channels.
SQUEEZE = 8


class Separable(nn.Module):
    """Depthwise 3x3, pointwise 1x1, excitation, ReLU, and a residual if the widths agree.

    Both convolutions are followed by a batch norm. Widths are numbers of pairs of channels, see
    `equivariant`. Source: MobileNets, https://arxiv.org/abs/1704.04861.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.depthwise = equivariant.Depthwise(width_in)
        self.norm1 = equivariant.Norm(width_in)
        self.pointwise = equivariant.Pointwise(width_in, width_out)
        self.norm2 = equivariant.Norm(width_out)
        self.excite = equivariant.Excite(width_out, width_out // SQUEEZE)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, 2 * width_in, H, W) to (N, 2 * width_out, H, W)."""
        y = self.excite(self.norm2(self.pointwise(self.norm1(self.depthwise(x)))))
        return self.relu(x + y if x.shape == y.shape else y)


def _separable(*widths: int) -> list[Separable]:
    return [Separable(before, after) for before, after in pairwise(widths)]


class BaseNet(Staged):
    """The light network: 49,091 parameters, 10.7 million multiply-adds, 56 features."""

    layers = LAYERS["basenet"]

    def __init__(self) -> None:
        super().__init__()
        self.prep = Prep(equivariant.Lift(3, 16), equivariant.Norm(16))
        self.stage1 = Separable(16, 24)
        self.stage2 = nn.Sequential(nn.MaxPool2d(2), *_separable(24, 40, 40, 40))
        self.stage3 = nn.Sequential(nn.MaxPool2d(2), *_separable(40, 64, 64, 64))
        self.stage4 = nn.Sequential(nn.MaxPool2d(2), *_separable(64, 56), equivariant.Merge())
        self.pool = nn.MaxPool2d(4, ceil_mode=True)
        self.head = nn.Linear(56, 10)
