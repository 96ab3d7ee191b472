"""Augment a whole batch of uint8 images (N, 3, H, W) at once, on the device that they are on.

Every function is pure: the same arguments give the same images. torchvision changes all images of a
batch alike and draws on the host; here each image has its own shift, hole and mix, and the host
never waits for the device.
"""

import torch
from torchvision.transforms.v2 import functional as v2

# Random numbers for an image: dy, dx; whether it is mixed, and with how large a square; the centers
# of that square and of the hole.
DRAWS = 8


def flip(images: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
    """Mirror left and right those images for which `mirrored`, bool (N,), is true."""
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)


def shift(images: torch.Tensor, dy: torch.Tensor, dx: torch.Tensor, reach: int) -> torch.Tensor:
    """Move each image by (dy, dx) pixels, int64 (N,) from -reach to reach; edges are reflected."""
    count, _, height, width = images.shape
    padded = v2.pad(images, [reach], padding_mode="reflect")
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
    """Paint a gray square of `size` pixels centered at (cy, cx), int64 (N,), cut at the borders.

    size: one for all, or int64 (N,). Source: DeVries and Taylor, https://arxiv.org/abs/1708.04552.
    """
    inside = _squares(images, cy, cx, size)
    return images.masked_fill(inside, 120)  # close to the mean of every channel


def cutmix(
    images: torch.Tensor, cy: torch.Tensor, cx: torch.Tensor, size: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Paint over a square of each image with that of the image before it (the last, for the first).

    Centers and sizes as in `cutout`, int64 (N,).

    Returns the images and the share of its own pixels that each has kept, float32 (N,): the weight
    of its own label, the rest being its neighbor's. Source: Yun et al.,
    https://arxiv.org/abs/1905.04899.
    """
    inside = _squares(images, cy, cx, size)
    kept = 1 - inside.float().mean((1, 2, 3))
    return torch.where(inside, images.roll(1, 0), images), kept


def _squares(
    images: torch.Tensor, cy: torch.Tensor, cx: torch.Tensor, size: int | torch.Tensor
) -> torch.Tensor:
    """Return which pixels are in the square of `size` pixels centered at (cy, cx).

    bool (N, 1, H, W).
    """
    height, width = images.shape[-2:]
    size = torch.as_tensor(size, device=images.device).view(-1, 1, 1)
    half = size // 2
    y = torch.arange(height, device=images.device).view(1, -1, 1) - cy.view(-1, 1, 1)
    x = torch.arange(width, device=images.device).view(1, 1, -1) - cx.view(-1, 1, 1)
    inside = (y >= -half) & (y < size - half) & (x >= -half) & (x < size - half)
    return inside.unsqueeze(1)


def resize(images: torch.Tensor, size: int) -> torch.Tensor:
    """Scale to (N, 3, size, size) uint8, averaging over the pixels that a new one covers."""
    # As float32: torchvision rounds uint8 after each direction, which doubles the error.
    return v2.resize(images.float(), [size, size], antialias=True).round().to(images.dtype)


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
    """Flip where `mirrored`, shift, cut a square out or mix, and resize.

    A random `cutmix_share` of the images is mixed with the image before, the others are cut.

    images: uint8 (N, 3, H, W). draws: float32 (N, DRAWS), the random numbers that decide, evenly
    distributed from 0 to below 1. Returns uint8 (N, 3, size, size), and the weight of each image's
    own label, float32 (N,), as `cutmix`.
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
