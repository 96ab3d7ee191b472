"""What makes up an epoch and a step: which images, how changed, how much each counts.

Pure functions: random choices come from (seed, epoch) alone. They are made on the CPU, so that
every device sees the same batches, and for an epoch at a time, so that no step waits for a copy.
"""

from dataclasses import dataclass

import numpy as np
import torch

from cifar.models.networks import normalize
from cifar.training.augment import DRAWS, augment
from cifar.training.recipe import Recipe, of_epoch, schedule


@dataclass(frozen=True)
class Plan:
    """What an epoch does: a whole number of batches, on the device of the losses it was made from.

    order: int64 (M,), the images in the order of their visit; weights: float32 (M,), how much each
    visit counts; mirrored: bool (M,), which of them are flipped; draws: float32 (M, DRAWS), the
    random numbers that decide how each is changed (`augment.augment`).
    """

    order: torch.Tensor
    weights: torch.Tensor
    mirrored: torch.Tensor
    draws: torch.Tensor


def plan_epoch(recipe: Recipe, epoch: int, losses: torch.Tensor) -> Plan:
    """Which images an epoch visits, from (seed, epoch) and the losses of earlier epochs.

    losses: float32 (N,), each image's loss when it was last visited. Where the recipe says so, a
    share of the easy images is left out, and those that stay count for them, so that the mean
    gradient is unchanged (InfoBatch, Qin et al., https://arxiv.org/abs/2303.04947); none is where
    no batch would be left.
    """
    count = len(losses)
    order = torch.randperm(count, generator=_generator(recipe.seed, "order", epoch))
    order = order.to(losses.device)
    weights = torch.ones(count, device=losses.device)
    progress, _ = schedule(recipe, epoch)
    if recipe.skip_easy and epoch > 0 and progress < 1 - recipe.skip_none:
        easy = losses < losses.mean()
        chance = torch.rand(count, generator=_generator(recipe.seed, "skip", epoch))
        skipped = easy & (chance < recipe.skip_easy).to(losses.device)
        left = order[~skipped[order]]
        if len(left) >= recipe.batch_size:
            weights[easy] = 1 / (1 - recipe.skip_easy)
            order = left
    order = order[: len(order) // recipe.batch_size * recipe.batch_size]
    mirrored = epoch_mirrored(recipe, epoch, count).to(losses.device)
    draws = torch.rand(count, DRAWS, generator=_generator(recipe.seed, "augment", epoch))
    return Plan(order, weights[order], mirrored[order], draws.to(losses.device)[order])


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
    recipe: Recipe, images: torch.Tensor, mirrored: torch.Tensor, draws: torch.Tensor, epoch: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Augmented, normalised float32 inputs of a step.

    images: uint8 (N, 3, 32, 32) on any device; mirrored, draws: theirs in the plan, on the same;
    epoch: counted from 0, decides how large images and cut-outs are and how many are mixed. Returns
    (N, 3, size, size), channels last, and float32 (N,): what each image's own label counts, where
    the rest is that of the image before it (`augment.cutmix`).
    """
    changed, kept = augment(
        images,
        mirrored,
        draws,
        shift_by=recipe.shift,
        cutout_size=of_epoch(recipe.cutout, epoch),
        cutmix_share=of_epoch(recipe.cutmix, epoch),
        size=of_epoch(recipe.sizes, epoch),
    )
    return normalize(changed).contiguous(memory_format=torch.channels_last), kept


def _generator(seed: int, purpose: str, index: int) -> torch.Generator:
    """An independent stream of random numbers for each (seed, purpose, index)."""
    words = np.random.SeedSequence([seed, *purpose.encode(), index]).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
