"""Any upload to RGB to the 32x32 that the network sees, or one clear sentence why not."""

import struct
import warnings
from collections.abc import Sequence
from numbers import Real
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cifar import LensError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MAX_PIXELS = 25_000_000
MAX_BYTES = 20 * 1024 * 1024
SIZE = 32
# How a picture that is not square becomes square: the central square of it, the whole picture on a
# plain ground, or the whole picture out of proportion.
FITS = ("crop", "fit", "stretch")
MIN_SIDE = 8  # pixels of the picture that a box spans at least: fewer would show nothing but blur
ORIENTATION = 0x0112  # the EXIF tag; from 5 on, width and height are exchanged
# Shrinking first by a whole factor to three times the size looks the same and is much faster.
GAP = 3.0
# left, top, right, bottom, as shares of the upright picture's width and height
Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
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


def open_image(path: str | Path, *, box: Sequence[float] | None = None) -> Image.Image:
    """Read a picture file as RGB, upright, first frame only, transparency on white.

    It is the whole picture, but may come smaller than it is in the file: with enough detail for
    its `network_view`, or for that of `box`, if one is given. Size is checked before any pixel is
    decoded. Raises ImageError.
    """
    box = WHOLE if box is None else check_box(box)
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
                turned = image.getexif().get(ORIENTATION) in (5, 6, 7, 8)
                upright = image.size[::-1] if turned else image.size
                left, top, right, bottom = _pixels(box, upright)
                wanted = (
                    int(4 * SIZE * upright[0] / (right - left)),
                    int(4 * SIZE * upright[1] / (bottom - top)),
                )
                image.draft(None, wanted[::-1] if turned else wanted)
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


def check_box(box: Sequence[float]) -> Box:
    """left, top, right and bottom as floats. Raises ImageError unless they make a rectangle."""
    if (
        not isinstance(box, Sequence)
        or len(box) != 4
        or not all(isinstance(share, Real) for share in box)
        or not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1)
    ):
        raise ImageError(
            "The box does not lie in the picture: give left, top, right and bottom as shares of "
            "its width and height, from 0 to 1, with left < right and top < bottom."
        )
    left, top, right, bottom = (float(share) for share in box)
    return left, top, right, bottom


def network_view(
    image: Image.Image, fit: str = "crop", box: Sequence[float] | None = None
) -> np.ndarray:
    """What the network sees: uint8 (32, 32, 3), scaled with antialiasing.

    fit: one of FITS. "crop": the central square. "stretch": the whole picture, both sides to 32.
    "fit": the whole picture in proportion, on its own mean colour; of the plain grounds that were
    tried on validation images (that, the training images' mean, grey, black, white) it misled
    BaseNet least.
    box: the part to show, (left, top, right, bottom) as shares from 0 to 1 of the upright picture;
    takes the place of `fit`, and is stretched where it is not square.
    An RGB picture of 32x32 pixels comes back unchanged. Raises ImageError for a box that is no
    rectangle or too small, ValueError for another fit.
    """
    if fit not in FITS:
        raise ValueError(f"There is no fit {fit!r}: choose {', '.join(FITS)}.")
    image = image.convert("RGB")
    width, height = image.size
    if box is not None:
        return _scaled(image, (SIZE, SIZE), _pixels(check_box(box), image.size))
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return _scaled(image, (SIZE, SIZE), (left, top, left + side, top + side))
    if fit == "stretch":
        return _scaled(image, (SIZE, SIZE))
    shrink = SIZE / max(width, height)
    inner = _scaled(image, (max(1, round(width * shrink)), max(1, round(height * shrink))))
    rows, columns = inner.shape[:2]
    top, left = (SIZE - rows) // 2, (SIZE - columns) // 2
    view = np.empty((SIZE, SIZE, 3), np.uint8)
    view[:] = np.rint(inner.mean((0, 1)))
    view[top : top + rows, left : left + columns] = inner
    return view


def _pixels(box: Box, size: tuple[int, int]) -> Box:
    """A box in pixels of a picture of this size. Raises ImageError where it spans too few."""
    left, top, right, bottom = box
    width, height = size
    across, down = (right - left) * width, (bottom - top) * height
    # The whole of a tiny picture will do; the tolerance is for shares that were rounded.
    least = min(MIN_SIDE, width), min(MIN_SIDE, height)
    if min(across / least[0], down / least[1]) < 0.99:
        raise ImageError(
            f"The box has only {across:.1f}x{down:.1f} pixels of the picture: choose one of at "
            f"least {least[0]}x{least[1]}."
        )
    return left * width, top * height, right * width, bottom * height


def _scaled(image: Image.Image, size: tuple[int, int], box: Box | None = None) -> np.ndarray:
    """A part of a picture, in its pixels, at another size: uint8 (height, width, 3)."""
    return np.array(image.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=GAP))
