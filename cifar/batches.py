"""What makes up a step: which images, how changed. Functions of (seed, epoch or step) alone."""

import numpy as np
import torch

from cifar.augment import augment
from cifar.model import normalize
from cifar.recipe import Recipe


def epoch_order(recipe: Recipe, epoch: int, count: int) -> torch.Tensor:
    """The order in which an epoch visits the images: int64 (count,), from (seed, epoch) alone."""
    return torch.randperm(count, generator=_generator(recipe.seed, "order", epoch))


def epoch_mirrored(recipe: Recipe, epoch: int, count: int) -> torch.Tensor:
    """Which images an epoch mirrors: bool (count,), from (seed, epoch) alone.

    Alternating flip (https://arxiv.org/abs/2404.00498, section 3.6): a random half in even epochs,
    the other half in odd ones, so that two epochs show every image both ways.
    """
    if not recipe.flip:
        return torch.zeros(count, dtype=torch.bool)
    picked = torch.rand(count, generator=_generator(recipe.seed, "flip", 0)) < 0.5
    return picked ^ bool(epoch % 2)


def batch(
    recipe: Recipe, images: torch.Tensor, mirrored: torch.Tensor, step: int, size: int
) -> torch.Tensor:
    """Augmented, normalised float32 inputs of a step, from (seed, step) and the images alone.

    images: uint8 (N, 3, 32, 32) on any device; mirrored: bool (N,), on the same. Returns
    (N, 3, size, size), channels last.
    """
    changed = augment(
        images,
        mirrored,
        _generator(recipe.seed, "augment", step),
        shift_by=recipe.shift,
        cutout_size=recipe.cutout,
        size=size,
    )
    return normalize(changed).contiguous(memory_format=torch.channels_last)


def _generator(seed: int, purpose: str, index: int) -> torch.Generator:
    """An independent stream of random numbers for each (seed, purpose, index)."""
    words = np.random.SeedSequence([seed, *purpose.encode(), index]).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
