"""Heat maps as pictures: perceptual colours on a scale that is kept, over the image or alone."""

import matplotlib
import numpy as np
from PIL import Image

from cifar.explain.methods import HeatMap

# Perceptual: equal steps in evidence look equal, and grey print keeps the order.
COLOURS = "inferno"
# Teal for less, white for none, brown for more: told apart by people who see red and green alike.
DIVERGING = "BrBG_r"
ZOOM = 8  # pixels of a drawn map for each pixel of the image
STRENGTH = 0.6  # how much of the image a map covers, unless another is chosen


def colour_table(name: str, n: int = 64) -> list[str]:
    """A colour map of matplotlib's as '#rrggbb' in n equal steps; an odd n has its middle."""
    return [matplotlib.colors.to_hex(step) for step in _colours(name, np.linspace(0, 1, n))]


def draw_contrast(
    difference: np.ndarray, size: int, *, scale: float | None = None, smooth: bool = True
) -> np.ndarray:
    """What `contrast` gives, float (h, w), in diverging colours: uint8 (size, size, 3).

    scale: the difference, in either direction, drawn in the strongest colour (the largest of the
    map if left out). No difference is nearly white. smooth: as for `overlay`.
    """
    scale = float(np.abs(difference).max()) if scale is None else scale
    relative = np.clip(difference / scale, -1, 1) if scale > 0 else np.zeros_like(difference)
    shares = _large((1 + relative) / 2, size, smooth)
    return np.rint(_colours(DIVERGING, shares) * 255).astype(np.uint8)


def overlay(
    image: np.ndarray,
    heat: HeatMap,
    *,
    scale: float | None = None,
    strength: float = 0.5,
    smooth: bool = True,
) -> np.ndarray:
    """The heat map laid over a square uint8 (S, S, 3) image: uint8 (S, S, 3).

    strength: 0 shows the image untouched, 1 the map alone; in between the map covers more where
    there is more evidence, so that the image shows through where there is none. The image alone
    where there is no evidence at all. scale: the evidence drawn in the brightest colour (the map's
    own peak if left out); give maps that are to be compared the same. smooth: between the cells of
    the map (bilinear), or the cells as they are. Raises ValueError for a strength outside 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"The heat map strength is {strength}: choose 0 to 1.")
    if heat.peak <= 0:
        return image.copy()
    shares = _large(_shares(heat, scale), len(image), smooth)
    over = cover(shares, strength)[..., None]
    mixed = (1 - over) * image + over * 255 * _colours(COLOURS, shares)
    return np.rint(mixed).astype(np.uint8)


def cover(shares: np.ndarray, strength: float) -> np.ndarray:
    """How much of the image a map covers, 0 to 1, where it has these shares of its scale.

    The page's `cover` in shared/heat.js does the same.
    """
    return np.zeros_like(shares) if strength <= 0 else strength ** (4 - 3.6 * shares)


def _shares(heat: HeatMap, scale: float | None) -> np.ndarray:
    """The evidence as shares of the scale, 0 to 1, float (h, w)."""
    scale = heat.peak if scale is None else scale
    return np.clip(heat.values / scale, 0, 1) if scale > 0 else np.zeros_like(heat.values)


def _large(shares: np.ndarray, size: int, smooth: bool) -> np.ndarray:
    """Shares (h, w) brought to (size, size)."""
    filter = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(shares.astype(np.float32)).resize((size, size), filter))


def _colours(name: str, shares: np.ndarray) -> np.ndarray:
    """Colours (..., 3), 0 to 1, of shares 0 to 1."""
    return matplotlib.colormaps[name](shares)[..., :3]
