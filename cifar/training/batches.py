"""Plan an epoch and build the batch of a step: which images, and how each is augmented.

Pure functions: random choices depend on (seed, epoch) alone. They are made on the CPU, so that
every device sees the same batches, and for an epoch at a time, so that no step waits for a copy.
"""

from dataclasses import dataclass

import numpy as np
import torch

from cifar.models.staged import normalize
from cifar.training.augment import DRAWS, augment
from cifar.training.recipe import Recipe, value_at


@dataclass(frozen=True)
class Plan:
    """The images of an epoch in training order, a whole number of batches.

    order: int64 (M,), the images; mirrored: bool (M,), which of them are flipped; draws: float32
    (M, DRAWS), the random numbers that decide how each is augmented (`augment.augment`).
    """

    order: torch.Tensor
    mirrored: torch.Tensor
    draws: torch.Tensor

    def part(self, start: int, stop: int) -> "Plan":
        """Return the plan of the images from position `start` up to `stop`."""
        part = slice(start, stop)
        return Plan(self.order[part], self.mirrored[part], self.draws[part])


def plan_epoch(recipe: Recipe, epoch: int, count: int, device: torch.device | str = "cpu") -> Plan:
    """Plan an epoch over `count` images from (seed, epoch) alone, and put the plan on a device."""
    order = torch.randperm(count, generator=_generator(recipe.seed, "order", epoch))
    order = order[: count // recipe.batch_size * recipe.batch_size]
    mirrored = epoch_mirrored(recipe, epoch, count)
    draws = torch.rand(count, DRAWS, generator=_generator(recipe.seed, "augment", epoch))
    return Plan(order.to(device), mirrored[order].to(device), draws[order].to(device))


def epoch_mirrored(recipe: Recipe, epoch: int, count: int) -> torch.Tensor:
    """Choose the images that an epoch mirrors: bool (count,), from (seed, epoch) alone.

    Alternating flip (https://arxiv.org/abs/2404.00498, section 3.6): a random half in even epochs,
    the other half in odd ones, so that two epochs show every image both ways.
    """
    if not recipe.flip:
        return torch.zeros(count, dtype=torch.bool)
    picked = torch.rand(count, generator=_generator(recipe.seed, "flip", 0)) < 0.5
    return picked ^ bool(epoch % 2)


def batch(
    recipe: Recipe, images: torch.Tensor, mirrored: torch.Tensor, draws: torch.Tensor, epoch: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the augmented, normalized inputs of a step.

    images: uint8 (N, 3, 32, 32) on any device; mirrored, draws: their part of the plan, on the same
    device; epoch: counted from 0, decides the size of images and cut-outs and how many images are
    mixed. Returns float32 (N, 3, size, size), channels last, and float32 (N,): the weight of each
    image's own label; the label of the image before it has the rest (`augment.cutmix`).
    """
    augmented, kept = augment(
        images,
        mirrored,
        draws,
        shift_by=recipe.shift,
        cutout_size=value_at(recipe.cutout, epoch),
        cutmix_share=value_at(recipe.cutmix, epoch),
        size=value_at(recipe.sizes, epoch),
    )
    return normalize(augmented).contiguous(memory_format=torch.channels_last), kept


def _generator(seed: int, purpose: str, index: int) -> torch.Generator:
    """Create an independent stream of random numbers for each (seed, purpose, index)."""
    words = np.random.SeedSequence([seed, *purpose.encode(), index]).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
