"""Layers to which a picture and its mirror image are the same picture.

Channels come in pairs: a map of `width` pairs is (N, 2 * width, H, W), its first half one of each
pair, its second half the others. Mirroring what a layer sees mirrors its map and exchanges the
halves, so that what a network of these layers says of a picture it says of the mirrored one too,
without having learned it twice: weights are shared within pairs, which leaves half as many to as
many channels. They are group convolutions (Cohen and Welling, https://arxiv.org/abs/1602.07576) for
the group of two elements, do nothing and mirror.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Lift(nn.Conv2d):
    """3x3 convolution of an image, (N, width_in, H, W), with each filter and its mirror image."""

    def __init__(self, width_in: int, width: int):
        super().__init__(width_in, width, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, torch.cat([self.weight, self.weight.flip(3)]), padding=1)


class Depthwise(nn.Conv2d):
    """3x3 convolution of each channel: one of a pair with a filter, the other with its mirror
    image."""

    def __init__(self, width: int):
        super().__init__(width, width, 3, padding=1, groups=width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        filters = torch.cat([self.weight, self.weight.flip(3)])
        return F.conv2d(x, filters, padding=1, groups=len(filters))


class Pointwise(nn.Conv2d):
    """1x1 convolution, whose weights are (width_out, 2 * width_in): of what each channel takes from
    its own half, then of what it takes from the other."""

    def __init__(self, width_in: int, width_out: int):
        super().__init__(2 * width_in, width_out, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        own, other = self.weight.chunk(2, 1)
        return F.conv2d(x, torch.cat([self.weight, torch.cat([other, own], 1)]))


class Norm(nn.Module):
    """Batch norm with one mean, deviation, scale and bias for both channels of a pair."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            norm = self.norm
            mean, var, weight, bias = (
                torch.cat([value, value])
                for value in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
                if value is not None
            )
            return F.batch_norm(x, mean, var, weight, bias, eps=norm.eps)
        # Halves side by side are a map of twice the width; no value moves in channels_last.
        count, channels, height, width = x.shape
        beside = x.permute(0, 2, 3, 1).reshape(count, height, 2 * width, channels // 2)
        normed = self.norm(beside.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return normed.reshape(count, height, width, channels).permute(0, 3, 1, 2)


class Excite(nn.Module):
    """Each pair times a weight from 0 to 1 that all pairs' means decide on
    (squeeze-and-excitation, https://arxiv.org/abs/1709.01507)."""

    def __init__(self, width: int, squeezed: int):
        super().__init__()
        self.squeeze = nn.Linear(width, squeezed)
        self.relu = nn.ReLU()
        self.expand = nn.Linear(squeezed, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        means = x.mean((2, 3)).unflatten(1, (2, -1)).mean(1)
        weights = self.expand(self.relu(self.squeeze(means))).sigmoid()
        return x * torch.cat([weights, weights], 1)[..., None, None]


class Merge(nn.Module):
    """The larger one of each pair: an ordinary map (N, width, H, W), mirrored as the picture is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(1, (2, -1)).amax(1)
