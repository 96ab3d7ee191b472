"""Pixels as PNG files and data URLs for the page."""

import base64
import io

import numpy as np
from PIL import Image

# Run when a tab's element is there: loads the module that fills `.ROOT`, by the address in the
# tab's data. An old page may ask for scripts of before an update, which are gone.
START = """
const page = props.page;
const root = element.querySelector('.ROOT');
import(new URL(page.script, document.baseURI))
  .then((module) => module.connect(root, page, server, upload))
  .catch((error) => {
    const again = document.createElement('button');
    again.textContent = 'reload the page';
    again.onclick = () => location.reload();
    root.setAttribute('role', 'alert');
    root.replaceChildren(`This tab did not start (${error.message}): `, again);
  });
"""


def png(pixels: np.ndarray, level: int = 6) -> bytes:
    """Encode a uint8 (H, W, 3) or (H, W) array as PNG; level: zlib's compression, 0 to 9."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=level)
    return buffer.getvalue()


def png_url(pixels: np.ndarray) -> str:
    """Encode a uint8 (H, W, 3) or (H, W) array as a data URL, losslessly as PNG."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()
