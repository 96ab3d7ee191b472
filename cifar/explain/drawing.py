"""Heat maps as pictures, over the image or alone, in perceptual colors on a common scale."""

import matplotlib
import numpy as np
from PIL import Image

from cifar.explain.methods import HeatMap

# Perceptual: equal steps in evidence look equal, and the order survives in grayscale.
COLOURS = "inferno"
# Teal for less, white for none, brown for more: safe for red-green color blindness.
DIVERGING = "BrBG_r"
ZOOM = 8  # pixels of a drawn map per pixel of the image
STRENGTH = 0.6  # default opacity of a map over the image


def colour_table(name: str, n: int = 64) -> list[str]:
    """Sample a matplotlib color map as '#rrggbb' in n equal steps; an odd n includes its middle."""
    return [matplotlib.colors.to_hex(step) for step in _colors(name, np.linspace(0, 1, n))]


def draw_contrast(
    difference: np.ndarray, size: int, *, scale: float | None = None, smooth: bool = True
) -> np.ndarray:
    """Draw a `contrast`, float (h, w), in diverging colors: uint8 (size, size, 3).

    scale: the difference, in either direction, drawn in the strongest color; default: the map's
    largest. No difference is nearly white. smooth: as for `overlay`.
    """
    scale = float(np.abs(difference).max()) if scale is None else scale
    relative = np.clip(difference / scale, -1, 1) if scale > 0 else np.zeros_like(difference)
    shares = _large((1 + relative) / 2, size, smooth)
    return np.rint(_colors(DIVERGING, shares) * 255).astype(np.uint8)


def overlay(
    image: np.ndarray,
    heat: HeatMap,
    *,
    scale: float | None = None,
    strength: float = 0.5,
    smooth: bool = True,
) -> np.ndarray:
    """Draw the heat map over a square uint8 (S, S, 3) image: uint8 (S, S, 3).

    strength: 0 shows only the image, 1 only the map; in between the map covers more where there is
    more evidence, so that the image shows through where there is none. A map without any evidence
    leaves the image unchanged. scale: the evidence drawn in the brightest color; default: the map's
    own peak. Maps to be compared need the same scale. smooth: bilinear between the map's cells,
    or the cells as squares. Raises ValueError for a strength outside 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"The heat map strength is {strength}: choose 0 to 1.")
    if heat.peak <= 0:
        return image.copy()
    shares = _large(_shares(heat, scale), len(image), smooth)
    opacity = cover(shares, strength)[..., None]
    blend = (1 - opacity) * image + opacity * 255 * _colors(COLOURS, shares)
    return np.rint(blend).astype(np.uint8)


def cover(shares: np.ndarray, strength: float) -> np.ndarray:
    """Return the map's opacity, 0 to 1, where it has these shares of its scale.

    The page's `cover` in shared/heat.js does the same.
    """
    return np.zeros_like(shares) if strength <= 0 else strength ** (4 - 3.6 * shares)


def _shares(heat: HeatMap, scale: float | None) -> np.ndarray:
    """Return the evidence as shares of the scale, 0 to 1, float (h, w)."""
    scale = heat.peak if scale is None else scale
    return np.clip(heat.values / scale, 0, 1) if scale > 0 else np.zeros_like(heat.values)


def _large(shares: np.ndarray, size: int, smooth: bool) -> np.ndarray:
    """Resize shares (h, w) to (size, size)."""
    resampling = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(shares.astype(np.float32)).resize((size, size), resampling))


def _colors(name: str, shares: np.ndarray) -> np.ndarray:
    """Return the colors (..., 3), 0 to 1, of shares 0 to 1."""
    return matplotlib.colormaps[name](shares)[..., :3]
