"""Training-time changes to a whole batch of uint8 images at once, on the device they live on.

Every function is pure: the same arguments give the same images. Images are (N, 3, H, W). None makes
the host wait for the device.
"""

import torch
from torch.nn import functional as F

# How many random numbers an image's changes take: dy, dx; whether it is mixed and with how large a
# square; the centres of that square and of the hole.
DRAWS = 8


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


def cutout(
    images: torch.Tensor, cy: torch.Tensor, cx: torch.Tensor, size: int | torch.Tensor
) -> torch.Tensor:
    """Paint a grey square of `size` pixels centred at (cy, cx), int64 (N,), cut at the borders.

    size: one for all, or int64 (N,). Source: DeVries and Taylor, https://arxiv.org/abs/1708.04552.
    """
    inside = _squares(images, cy, cx, size)
    return images.masked_fill(inside, 120)  # close to the mean of every channel


def cutmix(
    images: torch.Tensor, cy: torch.Tensor, cx: torch.Tensor, size: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Paint over a square of each image what the image before it shows there (the last one, before
    the first); centres and sizes as in `cutout`, int64 (N,).

    Returns the images and the share of its own pixels that each has kept, float32 (N,): what its
    own label counts, where the rest is its neighbour's. Source: Yun et al.,
    https://arxiv.org/abs/1905.04899.
    """
    inside = _squares(images, cy, cx, size)
    kept = 1 - inside.float().mean((1, 2, 3))
    return torch.where(inside, images.roll(1, 0), images), kept


def _squares(
    images: torch.Tensor, cy: torch.Tensor, cx: torch.Tensor, size: int | torch.Tensor
) -> torch.Tensor:
    """bool (N, 1, H, W): which pixels lie in the square of `size` pixels centred at (cy, cx)."""
    height, width = images.shape[-2:]
    size = torch.as_tensor(size, device=images.device).view(-1, 1, 1)
    half = size // 2
    y = torch.arange(height, device=images.device).view(1, -1, 1) - cy.view(-1, 1, 1)
    x = torch.arange(width, device=images.device).view(1, 1, -1) - cx.view(-1, 1, 1)
    inside = (y >= -half) & (y < size - half) & (x >= -half) & (x < size - half)
    return inside.unsqueeze(1)


def resize(images: torch.Tensor, size: int) -> torch.Tensor:
    """Scale to (N, 3, size, size) uint8, averaging over the pixels that a new one covers."""
    if images.shape[-1] == size:
        return images
    scaled = F.interpolate(images.float(), size=(size, size), mode="bilinear", antialias=True)
    return scaled.round().clamp(0, 255).to(images.dtype)


def augment(
    images: torch.Tensor,
    mirrored: torch.Tensor,
    draws: torch.Tensor,
    *,
    shift_by: int,
    cutout_size: int,
    cutmix_share: float = 0.0,
    size: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A training batch: flipped where `mirrored`, shifted, with a square cut out or, in a random
    `cutmix_share` of them, painted over from the image before; then resized.

    images: uint8 (N, 3, H, W). draws: float32 (N, DRAWS), the random numbers that decide, evenly
    distributed from 0 to below 1. Returns uint8 (N, 3, size, size), and what each image's own label
    counts, float32 (N,), as `cutmix`.
    """
    count, side = len(images), images.shape[-1]
    down, right, chosen, area, *centres = draws.unbind(1)
    mix_y, mix_x, cut_y, cut_x = ((side * centre).long() for centre in centres)

    images = flip(images, mirrored)
    if shift_by:
        dy, dx = (((2 * shift_by + 1) * drawn).long() - shift_by for drawn in (down, right))
        images = shift(images, dy, dx, shift_by)
    kept = torch.ones(count, device=images.device)
    cut = torch.full((count,), cutout_size, device=images.device)
    if cutmix_share:
        mixed = chosen < cutmix_share
        cut = cut.masked_fill(mixed, 0)
        sides = mixed * (side * area.sqrt()).round().long()
        images, kept = cutmix(images, mix_y, mix_x, sides)
    if cutout_size:
        images = cutout(images, cut_y, cut_x, cut)
    return resize(images, size), kept
