"""Layers equivariant to mirroring: mirroring their input mirrors their output.

Channels come in pairs. A map of `width` pairs is (N, 2 * width, H, W); its first half holds one
channel of each pair, its second half the other. Mirroring a layer's input mirrors its map and
exchanges the halves. A network of these layers therefore gives an image and its mirror image the
same logits without learning both. Weights are shared within pairs, which halves their number for
the same number of channels. They are group convolutions (Cohen and Welling,
https://arxiv.org/abs/1602.07576) for the group of two elements, identity and mirroring.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Lift(nn.Conv2d):
    """3x3 convolution of an image with each filter and its mirror image."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__(width_in, width, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, width_in, H, W) to (N, 2 * width, H, W)."""
        return F.conv2d(x, torch.cat([self.weight, self.weight.flip(3)]), padding=1)


class Depthwise(nn.Conv2d):
    """Depthwise 3x3 convolution: of a pair, one with a filter, the other with its mirror image."""

    def __init__(self, width: int) -> None:
        super().__init__(width, width, 3, padding=1, groups=width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, 2 * width, H, W) to the same shape."""
        filters = torch.cat([self.weight, self.weight.flip(3)])
        return F.conv2d(x, filters, padding=1, groups=len(filters))


class Pointwise(nn.Conv2d):
    """1x1 convolution with weights (width_out, 2 * width_in, 1, 1).

    The first width_in apply to a channel's own half of the input, the others to the other half.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__(2 * width_in, width_out, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, 2 * width_in, H, W) to (N, 2 * width_out, H, W)."""
        own, other = self.weight.chunk(2, 1)
        return F.conv2d(x, torch.cat([self.weight, torch.cat([other, own], 1)]))


class Norm(nn.Module):
    """Batch norm with one mean, deviation, scale and bias for both channels of a pair."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize a map (N, 2 * width, H, W)."""
        if not self.training:
            norm = self.norm
            mean, var, weight, bias = (
                torch.cat([value, value])
                for value in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
                if value is not None
            )
            return F.batch_norm(x, mean, var, weight, bias, eps=norm.eps)
        # Put the halves side by side as a map of twice the width; channels_last needs no copy.
        count, channels, height, width = x.shape
        beside = x.permute(0, 2, 3, 1).reshape(count, height, 2 * width, channels // 2)
        normed = self.norm(beside.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return normed.reshape(count, height, width, channels).permute(0, 3, 1, 2)


class Excite(nn.Module):
    """Squeeze-and-excitation: multiplies each pair by a weight, 0 to 1, from all pairs' means.

    Source: https://arxiv.org/abs/1709.01507.
    """

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(width, squeezed)
        self.relu = nn.ReLU()
        self.expand = nn.Linear(squeezed, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale a map (N, 2 * width, H, W)."""
        means = x.mean((2, 3)).unflatten(1, (2, -1)).mean(1)
        weights = self.expand(self.relu(self.squeeze(means))).sigmoid()
        return x * torch.cat([weights, weights], 1)[..., None, None]


class Merge(nn.Module):
    """Maximum of each pair: an ordinary map, which is mirrored with the image."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, 2 * width, H, W) to (N, width, H, W)."""
        return x.unflatten(1, (2, -1)).amax(1)
