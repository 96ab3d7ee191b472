"""The shift at which two images fit best."""

import itertools
from typing import NamedTuple

import numpy as np
import torch

BATCH = 100  # pairs at a time stay in the processor's cache


class Fit(NamedTuple):
    """The best fit of two images, for each of N pairs.

    correlation: float32 (N,), -1 to 1, of the pixels that both have at that shift. dy, dx: int64
    (N,), how far down and right the second image must be moved.
    """

    correlation: np.ndarray
    dy: np.ndarray
    dx: np.ndarray


def fit(first: torch.Tensor, second: torch.Tensor, reach: int) -> Fit:
    """Return the shift of at most `reach` pixels at which each pair of images fits best.

    first, second: uint8 (N, 3, 32, 32).
    """
    parts = [
        _fit(first[start : start + BATCH].float(), second[start : start + BATCH].float(), reach)
        for start in range(0, len(first), BATCH)
    ]
    best, choice = (torch.cat(column) for column in zip(*parts, strict=True))
    dy, dx = choice.numpy().T
    return Fit(best.numpy(), dy, dx)


def _fit(
    first: torch.Tensor, second: torch.Tensor, reach: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the best correlation (N,), and dy and dx, int64 (N, 2)."""
    best, choice = torch.full((len(first),), -2.0), torch.zeros(len(first), 2, dtype=torch.int64)
    for dy, dx in itertools.product(range(-reach, reach + 1), repeat=2):
        found = correlation(_moved(first, dy, dx), _moved(second, -dy, -dx))
        better = found > best
        best = torch.where(better, found, best)
        choice[better] = torch.tensor([dy, dx])
    return best, choice


def _moved(images: torch.Tensor, dy: int, dx: int) -> torch.Tensor:
    """Return the part of images (N, 3, H, W) that others, moved by (dy, dx), have too."""
    height, width = images.shape[-2:]
    rows = slice(max(0, dy), height + min(0, dy))
    return images[..., rows, slice(max(0, dx), width + min(0, dx))]


def correlation(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the correlation of the values of each pair: float32 (N,); 0 where one is constant."""
    a, b = (part.flatten(1) - part.flatten(1).mean(1, keepdim=True) for part in (first, second))
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp_min(1e-6)
