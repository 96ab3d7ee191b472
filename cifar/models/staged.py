"""Base class of the project's own networks: a chain of named layers, a max-pool and a head."""

from collections import OrderedDict
from functools import cache

import torch
from torch import nn

from cifar.models.facts import MEAN, STD
from cifar.models.network import Network, Rest


def normalize(images: torch.Tensor) -> torch.Tensor:
    """Convert uint8 (N, 3, H, W), 0 to 255, to float32 of mean 0 and deviation 1 per channel."""
    mean, std = _mean_and_std(images.device)
    return (images.float() - mean) / std


# MEAN and STD on the 0 to 255 scale, (1, 3, 1, 1). Created at import, because a tensor created
# while a network is traced cannot be cached.
_MEAN, _STD = (255 * torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))


@cache
@torch.inference_mode(False)
def _mean_and_std(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Copy both to a device only once, because each copy waits for the device's pending work."""
    return _MEAN.to(device), _STD.to(device)


def conv3x3(width_in: int, width_out: int, stride: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution without bias, padded by 1."""
    return nn.Conv2d(width_in, width_out, 3, stride=stride, padding=1, bias=False)


class Prep(nn.Sequential):
    """The first layer: a convolution, a batch norm, a ReLU."""

    conv: nn.Conv2d

    def __init__(self, conv: nn.Conv2d, norm: nn.Module) -> None:
        super().__init__(OrderedDict(conv=conv, norm=norm, relu=nn.ReLU()))


class Staged(Network):
    """A network: a chain of named modules, `layers`, then a global max-pool and a head.

    Takes normalized images, float32 (N, 3, S, S) with S = 8, 16, 24 or 32 (the intended size), and
    returns logits (N, 10).
    """

    prep: Prep
    pool: nn.Module
    head: nn.Linear

    def cut(self, x: torch.Tensor, name: str) -> tuple[torch.Tensor, Rest]:
        """Return the output of a layer, (N, C, h, w), and a function that computes the rest."""
        return self.maps_at(x, name), lambda maps: self.logits_from(maps, name)

    def maps_at(self, x: torch.Tensor, name: str) -> torch.Tensor:
        """Return the output of a layer: (N, C, h, w)."""
        last = self.layer(name)
        for layer in self.layers:
            x = getattr(self, layer.name)(x)
            if layer == last:
                break
        return x

    def logits_from(self, maps: torch.Tensor, name: str) -> torch.Tensor:
        """Return the logits (N, 10) that the rest of the network computes from a layer's output."""
        after = self.layers[self.layers.index(self.layer(name)) + 1 :]
        for layer in after:
            maps = getattr(self, layer.name)(maps)
        return self.head(self.pool(maps).flatten(1))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input of the head, (N, D): the maximum of each channel of the last map."""
        return self.pool(self.maps_at(x, self.layers[-1].name)).flatten(1)

    def with_maps(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return logits (N, 10), features (N, D) and the last map (N, D, h, w)."""
        maps = self.maps_at(x, self.layers[-1].name)
        features = self.pool(maps).flatten(1)
        return self.head(features), features, maps

    def outputs(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (N, 10) and features (N, D)."""
        features = self.features(x)
        return self.head(features), features
