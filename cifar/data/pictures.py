"""Any upload to RGB to the 32x32 that the network sees, or one clear sentence why not.

Pillow decodes; here is what it leaves to its callers where a file may be made to do harm: how many
pixels, how much memory and how much time it may cost. Colour profiles are left out of account.
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
MAX_SIDE = 65_535  # as in JPEG and GIF; a run in a BMP can skip 255 rows, which must be short
MAX_BYTES = 20 * 1024 * 1024
# As in a segment of a JPEG. Each tag may claim all of EXIF for its value, and Pillow copies it.
MAX_EXIF = 65_536
MAX_LIST = (
    4096  # bytes of the list of further pictures in a JPEG, which Pillow decodes even more of
)
SECONDS = 3.0  # of a processor that reading a picture may take; one of 25 megapixels takes about 1
SIZE = 32
# How a picture that is not square becomes square: the central square of it, the whole picture on a
# plain ground, or the whole picture out of proportion.
FITS = ("crop", "fit", "stretch")
MIN_SIDE = 8  # pixels of the picture that a box spans at least: fewer would show nothing but blur
ORIENTATION = 0x0112  # the EXIF tag; from 5 on, width and height are exchanged
# What makes a picture upright whose EXIF says so.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
READ = 8192  # bytes that are decoded before the time is looked at again
STRIP = 1_000_000  # pixels that are converted at a time: each step needs memory for a copy
# Shrinking first by a whole factor to three times the size looks the same and is much faster.
GAP = 3.0
# left, top, right, bottom, as shares of the upright picture's width and height
Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
# What Pillow raises for broken files.
DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    MemoryError,
    struct.error,
)
# What it raises for broken EXIF beyond that.
ODD_EXIF = (*DAMAGE, KeyError, TypeError)


class ImageError(LensError):
    """The file is not a picture that can be used; the message says why and what to do."""


class _Stream(io.BufferedReader):
    """A picture's file, read by Pillow until its time is up; raises ImageError then.

    Pillow parses in Python whatever is not pixels, piece by piece as the file has it: 20 MB of
    empty chunks, comments or scans would take it minutes.
    """

    def __init__(self, path: Path):
        super().__init__(io.FileIO(path))
        self.in_header = True
        self._until = time.thread_time() + SECONDS
        self._exif = 0

    def read(self, size: int | None = -1) -> bytes:
        if time.thread_time() > self._until:
            raise ImageError("The picture takes too long to decode: save it anew as PNG or JPEG.")
        content = super().read(size)
        if self.in_header:
            self._check_segment(content)
        return content

    def _check_segment(self, content: bytes) -> None:
        """Of a JPEG: Pillow reads each whole, and looks into some when it opens the file."""
        if content.startswith(b"Exif\0\0"):  # there may be many of them
            self._exif += len(content)
            _check_exif(self._exif)
        if content.startswith(b"MPF\0") and len(content) > MAX_LIST:
            raise ImageError("The picture comes with too many others: save it alone.")


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
    except (OSError, ValueError) as error:  # no file has a name with a zero byte
        raise ImageError(f"The picture {path.name} cannot be read.") from error
    if size > MAX_BYTES:
        raise ImageError(
            f"The file is larger than {MAX_BYTES // 2**20} MB: send a smaller picture."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no reason to refuse a picture
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture, orientation = _decoded(path, box)
            return picture if orientation == 1 else picture.transpose(TURNS[orientation])
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            f"The file is not a picture that can be read: send one of {', '.join(FORMATS)}."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(
            "The picture has too many pixels: send one of at most "
            f"{MAX_PIXELS // 1_000_000} megapixels."
        ) from error
    except DAMAGE as error:
        raise ImageError(
            "The picture is damaged or too large to decode: save it anew as PNG or JPEG."
        ) from error


def _decoded(path: Path, box: Box) -> tuple[Image.Image, int]:
    """A picture as RGB on white, not turned yet, and its orientation; see `open_image`."""
    with _Stream(path) as stream, Image.open(stream, formats=FORMATS) as image:
        stream.in_header = False
        _check_size(*image.size)
        image.decodermaxblock = READ
        if image.format == "PNG":
            image.load()  # what follows the pixels may be EXIF
        orientation = _orientation(image)
        # For JPEG: decode at a fraction of the size, never below four times ours.
        turned = orientation >= 5
        upright = image.size[::-1] if turned else image.size
        left, top, right, bottom = _pixels(box, upright)
        wanted = (
            int(4 * SIZE * upright[0] / (right - left)),
            int(4 * SIZE * upright[1] / (bottom - top)),
        )
        image.draft(None, wanted[::-1] if turned else wanted)
        image.load()
    return _on_white(image), orientation


def _check_size(width: int, height: int) -> None:
    found = f"The picture has {width}x{height} pixels: send one of at most"
    if width * height > MAX_PIXELS:
        raise ImageError(f"{found} {MAX_PIXELS // 1_000_000} megapixels.")
    if max(width, height) > MAX_SIDE:
        raise ImageError(f"{found} {MAX_SIDE:,} pixels a side.")


def _check_exif(size: int) -> None:
    if size > MAX_EXIF:
        raise ImageError(
            f"The picture holds more than {MAX_EXIF // 1024} kB of EXIF: save it anew without."
        )


def _orientation(image: Image.Image) -> int:
    """1 to 8, as in EXIF or XMP; 1 for a picture that says nothing of it that can be read."""
    _check_exif(len(image.info.get("exif", b"")))
    _check_exif(len(image.info.get("Raw profile type exif", "")) // 2)  # as hexadecimal digits
    try:
        found = image.getexif().get(ORIENTATION)
    except ODD_EXIF:
        return 1
    return found if found in TURNS else 1


def _on_white(image: Image.Image) -> Image.Image:
    """RGB of 8 bits a channel, made in strips."""
    rows = max(1, STRIP // image.width)
    rgb = Image.new("RGB", image.size)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        rgb.paste(_strip_on_white(strip), (0, top))
    return rgb


def _strip_on_white(image: Image.Image) -> Image.Image:
    if image.mode == "I;16":
        # 16-bit greys would be clipped to white by a plain conversion.
        values = np.asarray(image)
        grey = (values / 65535 * 255).astype(np.uint8)
        grey[values == image.info.get("transparency", -1)] = 255
        return Image.fromarray(grey).convert("RGB")
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
