"""Any upload to RGB to the 32x32 that the network sees, or one clear sentence why not."""

import struct
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cifar import LensError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MAX_PIXELS = 25_000_000
MAX_BYTES = 20 * 1024 * 1024
SIZE = 32
# What Pillow raises for broken files; struct.error comes from odd EXIF.
DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class ImageError(LensError):
    """The file is not a picture that can be used; the message says why and what to do."""


def open_image(path: str | Path) -> Image.Image:
    """Read a picture file as RGB, upright, first frame only, transparency on white.

    Size is checked before any pixel is decoded. Raises ImageError.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ImageError(f"The picture {path.name} cannot be read.") from error
    if size > MAX_BYTES:
        raise ImageError(
            f"The file is larger than {MAX_BYTES // 2**20} MB: send a smaller picture."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no reason to refuse a picture
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ImageError(
                        f"The picture has {image.width}x{image.height} pixels: send one of at most "
                        f"{MAX_PIXELS // 1_000_000} megapixels."
                    )
                # For JPEG: decode at a fraction of the size, never below four times ours.
                image.draft(None, (4 * SIZE, 4 * SIZE))
                return to_rgb(image)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            f"The file is not a picture that can be read: send one of {', '.join(FORMATS)}."
        ) from error
    except DAMAGE as error:
        raise ImageError(
            "The picture is damaged or too large to decode: save it anew as PNG or JPEG."
        ) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Upright RGB of 8 bits a channel; anything transparent stands on white."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        # 16-bit greys would be clipped to white by a plain conversion.
        values = np.asarray(image, dtype=np.float64)
        top = 65535 if image.mode.startswith("I") else max(1.0, float(np.nanmax(values)))
        return Image.fromarray(np.uint8(np.clip(np.nan_to_num(values) / top, 0, 1) * 255)).convert(
            "RGB"
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def network_view(image: Image.Image) -> np.ndarray:
    """What the network sees: uint8 (32, 32, 3), the central square scaled with antialiasing.

    An RGB picture of 32x32 pixels comes back unchanged.
    """
    if image.size != (SIZE, SIZE):
        image = ImageOps.fit(image, (SIZE, SIZE), Image.Resampling.LANCZOS)
    return np.array(image.convert("RGB"))
