"""Base class of every network, of this project or brought by its user."""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import nn

from cifar.models.facts import Layer, find_layer

# Maps a layer's output (N, C, h, w) to logits (N, 10).
Rest = Callable[[torch.Tensor], torch.Tensor]


class Network(nn.Module):
    """A classifier that can be cut after a layer.

    Takes images normalized by `staged.normalize`, float32 (N, 3, 32, 32), and returns logits
    (N, 10) of `cifar.CLASSES`. Heat maps cut it after a layer. They need no hooks, so nothing has
    to be removed and threads share no state.
    """

    layers: tuple[Layer, ...]

    @abstractmethod
    def outputs(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (N, 10) and features (N, D), the input of the last linear layer."""

    @abstractmethod
    def cut(self, x: torch.Tensor, name: str) -> tuple[torch.Tensor, Rest]:
        """Return the output of a layer, (N, C, h, w), and a function that computes the rest.

        Raises ValueError if the network has no such layer.
        """

    @abstractmethod
    def with_maps(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return `outputs`, and the output of the last layer: (N, C, h, w)."""

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.parameters()).device

    def layer(self, name: str) -> Layer:
        """Return a layer by name.

        Raises ValueError if the network has no such layer.
        """
        return find_layer(self.layers, name)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits (N, 10) of normalized images."""
        return self.outputs(x)[0]
