"""Pixels as PNG files and data URLs for the page."""

import base64
import io

import numpy as np
from PIL import Image


def png(pixels: np.ndarray, level: int = 6) -> bytes:
    """Encode a uint8 (H, W, 3) or (H, W) array as PNG; level: zlib's compression, 0 to 9."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=level)
    return buffer.getvalue()


def png_url(pixels: np.ndarray) -> str:
    """Encode a uint8 (H, W, 3) or (H, W) array as a data URL, losslessly as PNG."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()
