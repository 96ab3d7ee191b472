"""ResNet, the specified network."""

from collections import OrderedDict

import torch
from torch import nn

from cifar.models.facts import LAYERS
from cifar.models.staged import Prep, Staged, conv3x3


class Widen(nn.Sequential):
    """conv 3x3, max-pool, batch norm, ReLU; halves the side of the map."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__(
            OrderedDict(
                conv=conv3x3(width_in, width_out),
                # Pooling first leaves a quarter of the values for batch norm and ReLU.
                pool=nn.MaxPool2d(2),
                norm=nn.BatchNorm2d(width_out),
                relu=nn.ReLU(),
            )
        )


class Branch(nn.Sequential):
    """conv 3x3 at full size, then conv 3x3 of stride 2, each with batch norm and ReLU."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__(
            OrderedDict(
                conv1=conv3x3(width_in, width_out),
                norm1=nn.BatchNorm2d(width_out),
                relu1=nn.ReLU(),
                conv2=conv3x3(width_out, width_out, stride=2),
                norm2=nn.BatchNorm2d(width_out),
                relu2=nn.ReLU(),
            )
        )


class TwoWay(nn.Module):
    """Sum of a trunk and a side branch that take the same input."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.trunk = Widen(width_in, width_out)
        self.branch = Branch(width_in, width_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, width_in, H, W) to (N, width_out, H / 2, W / 2)."""
        return self.trunk(x) + self.branch(x)


class ResNet(Staged):
    """The specified network: 5,319,754 parameters, 454.8 million multiply-adds, 512 features."""

    layers = LAYERS["resnet"]

    def __init__(self) -> None:
        super().__init__()
        self.prep = Prep(conv3x3(3, 64), nn.BatchNorm2d(64))
        self.stage1 = TwoWay(64, 128)
        self.stage2 = Widen(128, 256)
        self.stage3 = TwoWay(256, 512)
        # ceil_mode: a map smaller than 4x4, of a 16 or 24 pixel image, also becomes 1x1.
        self.pool = nn.MaxPool2d(4, ceil_mode=True)
        self.head = nn.Linear(512, 10)
