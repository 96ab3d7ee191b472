"""Conversion of images to what a brought network expects, and of its output to logits."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import torch
from torch.nn import functional as F

from cifar import CLASSES
from cifar.models.facts import MEAN, SIZE, STD

Outputs = Literal["logits", "probabilities", "percent"]
TINY = 1e-12  # keeps the logarithm of a probability of 0 finite


@dataclass(frozen=True)
class Preprocessing:
    """The steps between this project's normalized images and logits, and a brought network.

    mean, std: what is subtracted from red, green and blue on the scale 0 to 1, and then divides
    them; 0 and 1/255 make it 0 to 255. channels: "RGB" or "BGR". layout: "NCHW" or "NHWC". size:
    the side of its input in pixels; images are resized to it bilinearly. classes: for each of
    `cifar.CLASSES` the position of its output. outputs: what it returns.
    """

    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD
    channels: Literal["RGB", "BGR"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    size: int = SIZE
    classes: tuple[int, ...] = tuple(range(len(CLASSES)))
    outputs: Outputs = "logits"

    @classmethod
    def read(cls, record: dict) -> "Preprocessing":
        """Return what `record` wrote."""
        values: dict[str, Any] = {
            field.name: tuple(value) if isinstance(value, list) else value
            for field in fields(cls)
            for value in [record[field.name]]
        }
        return cls(**values)

    def record(self) -> dict:
        """Return the fields for JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    def images(self, x: torch.Tensor) -> torch.Tensor:
        """Convert images normalized by `staged.normalize`, (N, 3, 32, 32), to the network's own."""
        if self.size != x.shape[-1]:
            x = F.interpolate(x, (self.size, self.size), mode="bilinear", align_corners=False)
        if (self.mean, self.std) != (MEAN, STD):
            factor = [STD[c] / self.std[c] for c in range(3)]
            shift = [(MEAN[c] - self.mean[c]) / self.std[c] for c in range(3)]
            x = x * _channels(factor, x) + _channels(shift, x)
        if self.channels == "BGR":
            x = x.flip(1)
        return x.permute(0, 2, 3, 1) if self.layout == "NHWC" else x

    def logits(self, outputs: torch.Tensor) -> torch.Tensor:
        """Convert the network's output, (N, 10), to logits in the order of `cifar.CLASSES`."""
        if self.classes != tuple(range(len(CLASSES))):
            outputs = outputs[:, list(self.classes)]
        return self.as_logits(outputs)

    def as_logits(self, outputs: torch.Tensor) -> torch.Tensor:
        """Convert probabilities or percent to logits."""
        if self.outputs == "logits":
            return outputs
        return (outputs / (100 if self.outputs == "percent" else 1)).clamp(min=TINY).log()


def _channels(values: list[float], x: torch.Tensor) -> torch.Tensor:
    return torch.tensor(values, dtype=x.dtype, device=x.device).view(1, 3, 1, 1)
