"""Training-time changes to a whole batch of uint8 images at once, on the device they live on.

Every function is pure: the same arguments give the same images. Images are (N, 3, H, W).
"""

import torch
from torch.nn import functional as F


def flip(images: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
    """Mirror left and right those images for which `mirrored`, bool (N,), is true."""
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)


def shift(images: torch.Tensor, dy: torch.Tensor, dx: torch.Tensor, reach: int) -> torch.Tensor:
    """Move each image by (dy, dx) pixels, int64 (N,) from -reach to reach; edges are reflected."""
    count, _, height, width = images.shape
    padded = F.pad(images.float(), (reach,) * 4, mode="reflect").to(images.dtype)
    rows = (torch.arange(height, device=images.device) + reach - dy.view(-1, 1)).view(
        count, 1, height, 1
    )
    columns = (torch.arange(width, device=images.device) + reach - dx.view(-1, 1)).view(
        count, 1, 1, width
    )
    batch = torch.arange(count, device=images.device).view(-1, 1, 1, 1)
    channel = torch.arange(images.shape[1], device=images.device).view(1, -1, 1, 1)
    return padded[batch, channel, rows, columns]


def cutout(images: torch.Tensor, cy: torch.Tensor, cx: torch.Tensor, size: int) -> torch.Tensor:
    """Paint a grey square of `size` pixels centred at (cy, cx), int64 (N,), cut at the borders.

    Source: DeVries and Taylor, https://arxiv.org/abs/1708.04552.
    """
    height, width = images.shape[-2:]
    y = torch.arange(height, device=images.device).view(1, -1, 1) - cy.view(-1, 1, 1)
    x = torch.arange(width, device=images.device).view(1, 1, -1) - cx.view(-1, 1, 1)
    half = size // 2
    inside = (y >= -half) & (y < size - half) & (x >= -half) & (x < size - half)
    return torch.where(inside.unsqueeze(1), 120, images)  # 120: close to the mean of every channel


def resize(images: torch.Tensor, size: int) -> torch.Tensor:
    """Scale to (N, 3, size, size) uint8, averaging over the pixels that a new one covers."""
    if images.shape[-1] == size:
        return images
    scaled = F.interpolate(images.float(), size=(size, size), mode="bilinear", antialias=True)
    return scaled.round().clamp(0, 255).to(images.dtype)


def augment(
    images: torch.Tensor,
    mirrored: torch.Tensor,
    generator: torch.Generator,
    *,
    shift_by: int,
    cutout_size: int,
    size: int,
) -> torch.Tensor:
    """A training batch: flipped where `mirrored`, shifted, with a square cut out, then resized.

    images: uint8 (N, 3, H, W). The random places come from `generator` (a CPU one, so that every
    device sees the same batch). Returns uint8 (N, 3, size, size).
    """

    def integers(low: int, high: int) -> torch.Tensor:
        drawn = torch.randint(low, high + 1, (len(images),), generator=generator)
        return drawn.to(images.device)

    images = flip(images, mirrored)
    if shift_by:
        dy, dx = integers(-shift_by, shift_by), integers(-shift_by, shift_by)
        images = shift(images, dy, dx, shift_by)
    if cutout_size:
        last = images.shape[-1] - 1
        images = cutout(images, integers(0, last), integers(0, last), cutout_size)
    return resize(images, size)
