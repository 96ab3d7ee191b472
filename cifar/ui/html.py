"""What the tabs show as HTML, or send to the page to be shown."""

import base64
import io

import numpy as np
from PIL import Image


def png(pixels: np.ndarray, level: int = 6) -> bytes:
    """A uint8 (H, W, 3) or (H, W) array as a PNG file, compressed at zlib's level, 0 to 9."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=level)
    return buffer.getvalue()


def png_url(pixels: np.ndarray) -> str:
    """A uint8 (H, W, 3) or (H, W) array as a data URL; PNG, so that no pixel changes."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()
