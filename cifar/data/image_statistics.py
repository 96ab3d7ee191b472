"""Image statistics that need no network: brightness, contrast, sharpness, colorfulness.

Pure functions of pixels. Mistakes are counted by these statistics to show where a network is weak.
"""

import numpy as np

# The columns of `measure`, in order.
QUALITIES = ("brightness", "contrast", "sharpness", "colourfulness")
BATCH = 1_000


def measure(images: np.ndarray) -> np.ndarray:
    """Return the QUALITIES of each image, in this order: float32 (N, 4), all at least 0.

    images: uint8 (N, H, W, 3), RGB, at least 3x3.
    brightness: mean luminance, 0 (black) to 1 (white).
    contrast: standard deviation of the luminance, 0 to 0.5.
    sharpness: variance of the luminance's Laplacian over the inner pixels; low for blurred images.
    colourfulness: 0 for gray; 15 is slightly, 59 quite and 109 extremely colorful.

    Sources: luminance by ITU-R BT.601; sharpness by Pech-Pacheco et al., "Diatom autofocusing in
    brightfield microscopy", ICPR 2000; colourfulness by Hasler and Suesstrunk, "Measuring
    colourfulness in natural images", SPIE 2003.
    """
    starts = range(0, len(images), BATCH)  # batches limit the memory for floats
    parts = [_measure(images[start : start + BATCH].astype(np.float32)) for start in starts]
    return np.concatenate(parts) if parts else np.empty((0, len(QUALITIES)), np.float32)


def _measure(rgb: np.ndarray) -> np.ndarray:
    pixels = (1, 2)
    red, green, blue = np.moveaxis(rgb, -1, 0)
    light = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    laplacian = (
        light[:, :-2, 1:-1] + light[:, 2:, 1:-1] + light[:, 1:-1, :-2] + light[:, 1:-1, 2:]
    ) - 4 * light[:, 1:-1, 1:-1]
    # Opponent colors: red against green, yellow against blue.
    rg, yb = red - green, (red + green) / 2 - blue
    spread = np.hypot(rg.std(pixels), yb.std(pixels))
    colorfulness = spread + 0.3 * np.hypot(rg.mean(pixels), yb.mean(pixels))
    return np.stack(
        [light.mean(pixels), light.std(pixels), laplacian.var(pixels), colorfulness], axis=1
    )
