"""The two networks, how they start, and their layer table.

A network takes normalised images (see `normalize`), float32 (N, 3, S, S) with S = 8, 16, 24
or 32 (what it is meant for), and returns logits (N, 10). `features` gives what the last linear
layer sees. `layers` names the modules whose output map a heat map can be drawn for.
"""

from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from cifar.models import equivariant
from cifar.models.convolution import Conv2d

# Mean and standard deviation of the 50,000 training images, per channel, on the 0 to 1 scale.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


@dataclass(frozen=True)
class Layer:
    """A module whose output can be explained: its name, what people call it, its map's side."""

    name: str
    called: str
    size: int

    @property
    def title(self) -> str:
        return f"{self.called}, {self.size}x{self.size} map"


def normalize(images: torch.Tensor) -> torch.Tensor:
    """uint8 (N, 3, H, W), 0 to 255, to float32 of mean 0 and standard deviation 1 a channel."""
    mean, std = _mean_and_std(images.device)
    return (images.float() - mean) / std


# MEAN and STD on the 0 to 255 scale, (1, 3, 1, 1). Made here, and not when they are first needed,
# since that may be while the network is traced, and what is made then is no tensor to keep.
_MEAN, _STD = (255 * torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))


@cache
@torch.inference_mode(False)
def _mean_and_std(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Copied to a device once, since each copy waits for all that it has been asked to do."""
    return _MEAN.to(device), _STD.to(device)


def _prep(conv: nn.Module, norm: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(conv=conv, norm=norm, relu=nn.ReLU()))


class Widen(nn.Sequential):
    """conv 3x3, max-pool, batch norm, ReLU: more channels on a map of half the side."""

    def __init__(self, width_in: int, width_out: int):
        super().__init__(
            OrderedDict(
                conv=Conv2d(width_in, width_out),
                # Pooling first leaves a quarter of the values to normalise and rectify.
                pool=nn.MaxPool2d(2),
                norm=nn.BatchNorm2d(width_out),
                relu=nn.ReLU(),
            )
        )


class Branch(nn.Sequential):
    """conv 3x3 at full size, then conv 3x3 of stride 2, each with batch norm and ReLU."""

    def __init__(self, width_in: int, width_out: int):
        super().__init__(
            OrderedDict(
                conv1=Conv2d(width_in, width_out),
                norm1=nn.BatchNorm2d(width_out),
                relu1=nn.ReLU(),
                conv2=Conv2d(width_out, width_out, stride=2),
                norm2=nn.BatchNorm2d(width_out),
                relu2=nn.ReLU(),
            )
        )


class TwoWay(nn.Module):
    """A trunk and a side branch that both start from the same map; their results are added."""

    def __init__(self, width_in: int, width_out: int):
        super().__init__()
        self.trunk = Widen(width_in, width_out)
        self.branch = Branch(width_in, width_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.trunk(x) + self.branch(x)


class Staged(nn.Module):
    """A network that is a chain of named modules, `layers`, then a global max-pool and a head.

    The chain can be cut after any of them, which is all that heat maps need: no hooks, so nothing
    to leave behind and nothing that two threads could mix up.
    """

    layers: tuple[Layer, ...]
    pool: nn.Module
    head: nn.Linear

    def layer(self, name: str) -> Layer:
        """A layer by name. Raises ValueError for a name that the network does not have."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self.layers)
        raise ValueError(f"There is no layer {name!r}: choose one of {known}.")

    def maps_at(self, x: torch.Tensor, name: str) -> torch.Tensor:
        """The output of a layer: (N, C, h, w)."""
        last = self.layer(name)
        for layer in self.layers:
            x = getattr(self, layer.name)(x)
            if layer == last:
                break
        return x

    def logits_from(self, maps: torch.Tensor, name: str) -> torch.Tensor:
        """The logits (N, 10) that the rest of the network makes of a layer's output."""
        after = self.layers[self.layers.index(self.layer(name)) + 1 :]
        for layer in after:
            maps = getattr(self, layer.name)(maps)
        return self.head(self.pool(maps).flatten(1))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the head sees, (N, D): the largest response of each channel of the last map."""
        return self.pool(self.maps_at(x, self.layers[-1].name)).flatten(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


class ResNet(Staged):
    """The specified network: 5,319,754 parameters, 454.8 million multiply-adds, 512 features."""

    layers = (
        Layer("prep", "first layer", 32),
        Layer("stage1", "stage 1", 16),
        Layer("stage2", "stage 2", 8),
        Layer("stage3", "stage 3", 4),
    )

    def __init__(self):
        super().__init__()
        self.prep = _prep(Conv2d(3, 64), nn.BatchNorm2d(64))
        self.stage1 = TwoWay(64, 128)
        self.stage2 = Widen(128, 256)
        self.stage3 = TwoWay(256, 512)
        # ceil_mode: a map smaller than 4x4, from an image of 16 or 24 pixels, becomes 1x1 too.
        self.pool = nn.MaxPool2d(4, ceil_mode=True)
        self.head = nn.Linear(512, 10)


# How many pairs of channels share a number that decides on their excitation.
SQUEEZE = 8


class Separable(nn.Module):
    """Depthwise 3x3 then pointwise 1x1 convolution, each normalised; excitation; ReLU; added to its
    input where the widths agree (MobileNets, https://arxiv.org/abs/1704.04861). Widths are numbers
    of pairs of channels, see `cifar.models.equivariant`."""

    def __init__(self, width_in: int, width_out: int):
        super().__init__()
        self.depthwise = equivariant.Depthwise(width_in)
        self.norm1 = equivariant.Norm(width_in)
        self.pointwise = equivariant.Pointwise(width_in, width_out)
        self.norm2 = equivariant.Norm(width_out)
        self.excite = equivariant.Excite(width_out, width_out // SQUEEZE)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.excite(self.norm2(self.pointwise(self.norm1(self.depthwise(x)))))
        return self.relu(x + y if x.shape == y.shape else y)


def _separable(*widths: int) -> list[Separable]:
    return [Separable(before, after) for before, after in pairwise(widths)]


class BaseNet(Staged):
    """The light network: 49,091 parameters, 10.7 million multiply-adds, 56 features.

    A picture and its mirror image get the same logits.
    """

    layers = (
        Layer("prep", "first layer", 32),
        Layer("stage1", "stage 1", 32),
        Layer("stage2", "stage 2", 16),
        Layer("stage3", "stage 3", 8),
        Layer("stage4", "stage 4", 4),
    )

    def __init__(self):
        super().__init__()
        self.prep = _prep(equivariant.Lift(3, 16), equivariant.Norm(16))
        self.stage1 = Separable(16, 24)
        self.stage2 = nn.Sequential(nn.MaxPool2d(2), *_separable(24, 40, 40, 40))
        self.stage3 = nn.Sequential(nn.MaxPool2d(2), *_separable(40, 64, 64, 64))
        self.stage4 = nn.Sequential(nn.MaxPool2d(2), *_separable(64, 56), equivariant.Merge())
        self.pool = nn.MaxPool2d(4, ceil_mode=True)
        self.head = nn.Linear(56, 10)


NETWORKS = {"resnet": ResNet, "basenet": BaseNet}


def create_model(network: str) -> Staged:
    """A network by name, with PyTorch's own initial weights. Raises ValueError for another name."""
    if network not in NETWORKS:
        raise ValueError(f"There is no network {network!r}: choose {' or '.join(NETWORKS)}.")
    return NETWORKS[network]()


def multiply_adds(model: nn.Module, size: int = 32) -> int:
    """Multiply-adds of convolutions and linear layers for one image of size x size pixels."""
    from torch.utils.flop_counter import FlopCounterMode

    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, size, size, device=device))
    model.train(was_training)
    return counter.get_total_flops() // 2


@torch.no_grad()
def whiten_first_layer(model: nn.Module, images: torch.Tensor, eps: float = 5e-4) -> None:
    """Start the first convolution as filters that decorrelate its input patches.

    images: normalised float32 (N, 3, H, W); a few thousand are enough. Filters are the
    eigenvectors of the covariance of 3x3x3 patches, largest first, divided by the square root of
    their eigenvalue, each with its negative; filters left over keep their random start.
    Source: Jordan, "94% on CIFAR-10 in 3.29 Seconds", https://arxiv.org/abs/2404.00498, section 3.

    Of patches and their mirror images, eigenvectors are symmetric or antisymmetric, and mirroring
    such a filter gives nothing new. A layer that mirrors its filters starts with sums of one of
    each kind: the mirror image of a sum is the difference.
    """
    weight = model.prep.conv.weight
    patches = F.unfold(images, 3).transpose(1, 2).reshape(-1, *weight.shape[1:])
    if isinstance(model.prep.conv, equivariant.Lift):
        even, odd = patches + patches.flip(3), patches - patches.flip(3)
        # Of three columns, the third mirrors the first, and the middle one of `odd` is 0.
        count = patches[0].numel() // 3
        whitening = _whitening(even / 2, eps)[:count] + _whitening(odd / 2, eps)[:count]
        whitening /= 2**0.5
    else:
        whitening = _whitening(patches, eps)
    pairs = min(len(weight) // 2, len(whitening))
    filters = whitening[:pairs].to(weight)
    weight[: 2 * pairs] = torch.cat([filters, -filters])


def _whitening(patches: torch.Tensor, eps: float) -> torch.Tensor:
    """Float64 (C*h*w, C, h, w) from patches (N, C, h, w): eigenvectors of their covariance, largest
    first, over the square root of their eigenvalue."""
    values, vectors = torch.linalg.eigh(torch.cov(patches.flatten(1).T.double()))
    return (vectors / (values + eps).sqrt()).T.flip(0).view(-1, *patches.shape[1:])


@torch.no_grad()
def dirac_start(model: nn.Module) -> None:
    """Start every later 3x3 convolution by passing its input through unchanged.

    Filter i is the identity of input channel i; filters past the number of input channels keep
    their random start. Same source as `whiten_first_layer`.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module is not model.prep.conv and module.groups == 1:
            passed_on = min(module.in_channels, module.out_channels)
            nn.init.dirac_(module.weight[:passed_on])


def summary(model: nn.Module, size: int = 32) -> str:
    """The classic layer table: layer and its number, output shape, parameters, then the totals.

    MB are 2**20 bytes; the forward/backward pass counts every layer's output twice, in float32.
    """
    rows = []

    def record(module: nn.Module, _, output: torch.Tensor) -> None:
        shape = [-1, *output.shape[1:]]
        parameters = sum(p.numel() for p in module.parameters())
        rows.append((f"{type(module).__name__}-{len(rows) + 1}", shape, parameters))

    leaves = [
        m for m in model.modules() if not list(m.children()) or isinstance(m, equivariant.Norm)
    ]
    hooks = [leaf.register_forward_hook(record) for leaf in leaves]
    was_training = model.training
    try:
        with torch.no_grad():
            device = next(model.parameters()).device
            model.eval()(torch.zeros(1, 3, size, size, device=device))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()

    total = sum(p.numel() for p in model.parameters())
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    input_mb = 3 * size * size * 4 / 2**20
    pass_mb = sum(2 * 4 * torch.Size(shape[1:]).numel() for _, shape, _ in rows) / 2**20
    parameters_mb = total * 4 / 2**20
    rule = "-" * 64
    lines = [rule, f"{'Layer (type)':>20}{'Output shape':>28}{'Param #':>16}", "=" * 64]
    lines += [f"{name:>20}{shape!s:>28}{count:>16,}" for name, shape, count in rows]
    lines += [
        "=" * 64,
        f"Total params: {total:,}",
        f"Trainable params: {trainable:,}",
        f"Non-trainable params: {total - trainable:,}",
        rule,
        f"Input size (MB): {input_mb:.2f}",
        f"Forward/backward pass size (MB): {pass_mb:.2f}",
        f"Params size (MB): {parameters_mb:.2f}",
        f"Estimated total size (MB): {input_mb + pass_mb + parameters_mb:.2f}",
        rule,
    ]
    return "\n".join(lines)
