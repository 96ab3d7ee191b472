"""Conversion of uploads to RGB and to the 32x32 pixels that the network sees.

Pillow decodes. This module limits what Pillow leaves to its callers: how many pixels, how much
memory and how much time a malicious file may cost. Color profiles are ignored.
"""

import io
import struct
import time
import warnings
from collections.abc import Sequence
from numbers import Real
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from cifar import LensError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MAX_PIXELS = 25_000_000
# As in JPEG and GIF. Rows must be short, because a run in a BMP can skip 255 of them.
MAX_SIDE = 65_535
MAX_BYTES = 20 * 1024 * 1024
# As in a JPEG segment. Each tag may claim all of EXIF as its value, and Pillow copies it.
MAX_EXIF = 65_536
# Bytes of the list of further pictures in a JPEG (MPF); decoding it takes more memory.
MAX_MPF = 4096
SECONDS = 3.0  # limit of processor time to read a picture; one of 25 megapixels takes about 1
SIZE = 32
# How a picture becomes square: its central square, the whole picture on a plain background, or the
# whole picture stretched.
FITS = ("crop", "fit", "stretch")
MIN_SIDE = 8  # pixels that a box must span at least; fewer would show only blur
ORIENTATION = 0x0112  # the EXIF tag
# The transpose that makes a picture of an orientation upright.
TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
READ_BYTES = 8192  # decoded between two checks of the time
STRIP_PIXELS = 1_000_000  # converted at a time, because each step needs memory for a copy
# Shrinking first by a whole factor to three times the size looks the same and is much faster.
REDUCING_GAP = 3.0
# left, top, right, bottom, as shares of the upright picture's width and height
Box = tuple[float, float, float, float]
# Pillow's errors for broken files.
DECODE_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    MemoryError,
    struct.error,
)
# Pillow's errors for broken EXIF.
EXIF_ERRORS = (*DECODE_ERRORS, KeyError, TypeError)


class ImageError(LensError):
    """Unusable picture file; the message says why and what to do."""


class _TimedReader(io.BufferedReader):
    """A picture file that raises ImageError if it is read after its time limit.

    Pillow parses everything but pixels in Python, chunk by chunk: 20 MB of empty chunks, comments
    or scans would take minutes.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.in_header = True
        self._deadline = time.thread_time() + SECONDS
        self._exif_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        """Read as the base class does, within the limits of time and metadata."""
        if time.thread_time() > self._deadline:
            raise ImageError("The picture takes too long to decode: save it anew as PNG or JPEG.")
        content = super().read(size)
        if self.in_header:
            self._check_segment(content)
        return content

    def _check_segment(self, content: bytes) -> None:
        """Limit a JPEG's EXIF and MPF, which Pillow parses when it opens the file."""
        if content.startswith(b"Exif\0\0"):  # a file may hold many
            self._exif_bytes += len(content)
            _check_exif(self._exif_bytes)
        if content.startswith(b"MPF\0") and len(content) > MAX_MPF:
            raise ImageError("The picture comes with too many others: save it alone.")


def silence_warnings() -> None:
    """Ignore what Pillow warns of in odd pictures, for the whole process: call it at the start.

    `warnings.catch_warnings` in `open_image` would change the filters of all threads. A picture
    with too many pixels is rejected by `_check_size`.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")


def open_image(path: str | Path) -> Image.Image:
    """Read a picture file as RGB, upright, first frame only, transparency on white.

    The size is checked before any pixel is decoded. A JPEG is decoded in full, not at a fraction of
    its size as Pillow's `draft` could: its pixels are then those that browsers decode. Raises
    ImageError.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise ImageError(f"The picture {path.name} cannot be read.") from error
    if size > MAX_BYTES:
        raise ImageError(
            f"The file is larger than {MAX_BYTES // 2**20} MB: send a smaller picture."
        )
    try:
        picture, orientation = _decode(path)
        return picture if orientation == 1 else picture.transpose(TRANSPOSES[orientation])
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            f"The file is not a picture that can be read: send one of {', '.join(FORMATS)}."
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            "The picture has too many pixels: send one of at most "
            f"{MAX_PIXELS // 1_000_000} megapixels."
        ) from error
    except DECODE_ERRORS as error:
        raise ImageError(
            "The picture is damaged or too large to decode: save it anew as PNG or JPEG."
        ) from error


def _decode(path: Path) -> tuple[Image.Image, int]:
    """Return a picture as RGB on white, not upright yet, and its orientation; see `open_image`."""
    with _TimedReader(path) as stream, Image.open(stream, formats=FORMATS) as image:
        stream.in_header = False
        _check_size(*image.size)
        image.decodermaxblock = READ_BYTES
        if image.format == "PNG":
            image.load()  # EXIF may follow the pixels
        orientation = _orientation(image)
        image.load()
    return _on_white(image), orientation


def _check_size(width: int, height: int) -> None:
    problem = f"The picture has {width}x{height} pixels: send one of at most"
    if width * height > MAX_PIXELS:
        raise ImageError(f"{problem} {MAX_PIXELS // 1_000_000} megapixels.")
    if max(width, height) > MAX_SIDE:
        raise ImageError(f"{problem} {MAX_SIDE:,} pixels a side.")


def _check_exif(size: int) -> None:
    if size > MAX_EXIF:
        raise ImageError(
            f"The picture holds more than {MAX_EXIF // 1024} kB of EXIF: save it anew without."
        )


def _orientation(image: Image.Image) -> int:
    """Return the orientation in EXIF or XMP, 1 to 8; 1 if there is none or it is broken."""
    _check_exif(len(image.info.get("exif", b"")))
    _check_exif(len(image.info.get("Raw profile type exif", "")) // 2)  # as hexadecimal digits
    try:
        orientation = image.getexif().get(ORIENTATION)
    except EXIF_ERRORS:
        return 1
    return orientation if orientation in TRANSPOSES else 1


def _on_white(image: Image.Image) -> Image.Image:
    """Convert to RGB with 8 bits per channel, on white, in strips."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    rows = max(1, STRIP_PIXELS // image.width)
    rgb = Image.new("RGB", image.size)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        rgb.paste(_strip_on_white(strip), (0, top))
    return rgb


def _strip_on_white(image: Image.Image) -> Image.Image:
    if image.mode == "I;16":
        # A plain conversion would clip 16-bit grays to white.
        values = np.asarray(image)
        gray = (values / 65535 * 255).astype(np.uint8)
        gray[values == image.info.get("transparency", -1)] = 255
        return Image.fromarray(gray).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def check_box(box: Sequence[float]) -> Box:
    """Return left, top, right and bottom as floats.

    Raises ImageError unless they make a rectangle in the picture.
    """
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
    """Return what the network sees: uint8 (32, 32, 3), scaled with antialiasing.

    fit: one of FITS. "crop": the central square. "stretch": the whole picture, both sides to 32.
    "fit": the whole picture in proportion, on its own mean color; of the plain backgrounds tried on
    validation images (that, the training images' mean, gray, black, white) it misled BaseNet
    least.
    box: the part to show, (left, top, right, bottom) as shares from 0 to 1 of the upright picture;
    it replaces `fit` and is stretched if it is not square.
    An RGB picture of 32x32 pixels is returned unchanged. Raises ImageError for a box that is no
    rectangle or too small, ValueError for an unknown fit.
    """
    if fit not in FITS:
        raise ValueError(f"There is no fit {fit!r}: choose {', '.join(FITS)}.")
    if image.mode != "RGB":  # converting copies, even from RGB
        image = image.convert("RGB")
    width, height = image.size
    if box is not None:
        return _scale(image, (SIZE, SIZE), _box_in_pixels(check_box(box), image.size))
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return _scale(image, (SIZE, SIZE), (left, top, left + side, top + side))
    if fit == "stretch":
        return _scale(image, (SIZE, SIZE))
    shrink = SIZE / max(width, height)
    inner = _scale(image, (max(1, round(width * shrink)), max(1, round(height * shrink))))
    rows, columns = inner.shape[:2]
    top, left = (SIZE - rows) // 2, (SIZE - columns) // 2
    view = np.empty((SIZE, SIZE, 3), np.uint8)
    view[:] = np.rint(inner.mean((0, 1)))
    view[top : top + rows, left : left + columns] = inner
    return view


def _box_in_pixels(box: Box, size: tuple[int, int]) -> Box:
    """Convert a box to pixels of a picture of this size.

    Raises ImageError if it spans too few.
    """
    left, top, right, bottom = box
    width, height = size
    box_width, box_height = (right - left) * width, (bottom - top) * height
    # A tiny picture may be used whole; the tolerance is for rounded shares.
    min_size = min(MIN_SIDE, width), min(MIN_SIDE, height)
    if min(box_width / min_size[0], box_height / min_size[1]) < 0.99:
        raise ImageError(
            f"The box has only {box_width:.1f}x{box_height:.1f} pixels of the picture: choose one "
            f"of at least {min_size[0]}x{min_size[1]}."
        )
    return left * width, top * height, right * width, bottom * height


def _scale(image: Image.Image, size: tuple[int, int], box: Box | None = None) -> np.ndarray:
    """Scale a box of a picture, in pixels, to a size: uint8 (height, width, 3)."""
    return np.array(image.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=REDUCING_GAP))
