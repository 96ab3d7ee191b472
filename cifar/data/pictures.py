"""Conversion of uploads to RGB and to the 32x32 pixels that the network sees.

Pillow decodes, HEIF with pillow-heif. This module limits what Pillow leaves to its callers: how
many pixels, how much memory and how much time a malicious file may cost. Colors are converted to
sRGB as the picture's profile says. (JPEG XL is left out: its plugin for Pillow decodes all pixels
before it tells how many there are.)
"""

import functools
import io
import struct
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from numbers import Real
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import AvifImagePlugin, Image, ImageCms, UnidentifiedImageError

from cifar import LensError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF", "HEIF", "TIFF")
MAX_PIXELS = 25_000_000
# Of a JPEG that is not progressive: it is decoded at a half, a quarter or an eighth of its size.
MAX_JPEG_PIXELS = 200_000_000
# As in JPEG and GIF. Rows must be short, because a run in a BMP can skip 255 of them.
MAX_SIDE = 65_535
MAX_BYTES = 20 * 1024 * 1024
# As in a JPEG segment. Each tag may claim all of EXIF as its value, and Pillow copies it.
MAX_EXIF = 65_536
# Bytes of the list of further pictures in a JPEG (MPF); decoding it takes more memory.
MAX_MPF = 4096
MAX_PROFILE = 4 * 1024 * 1024  # bytes of a color profile; those of printers have about 2 MB
# Bytes that may be read before any pixel is decoded. Each tag of a TIFF may claim all of the file.
MAX_HEADER = 3 * MAX_BYTES
MAX_META = 128 * 1024  # bytes that describe the pictures of an AVIF or HEIF, profiles included
SECONDS = 3.0  # limit of processor time to read a picture; one of 25 megapixels takes about 1
SIZE = 32
# How a picture becomes square: its central square, the whole picture on a plain background, or the
# whole picture stretched.
FITS = ("crop", "fit", "stretch")
MIN_SIDE = 8  # pixels that a box must span at least; fewer would show only blur
# Central squares that the network looks at, as shares of the short side; then the whole, stretched.
# On photographs, other sets of looks are as good within the noise of 107 (see `photographs`), but
# with the middle 70% as well, both networks are right less often.
SQUARES = (1.0, 0.9, 0.8)
ORIENTATION = 0x0112  # the EXIF tag
TILE_WIDTH, TILE_LENGTH = 322, 323  # TIFF tags
MAX_TILE = 4096  # pixels a side
SAME_COLOR = 2  # steps of 255 by which the colors of a profile may differ and be taken for sRGB
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
    RuntimeError,
    EOFError,
    TypeError,
    struct.error,
)
# Pillow's errors for broken EXIF.
EXIF_ERRORS = (*DECODE_ERRORS, KeyError)


# Whether a network's view of a picture is the picture itself, is cut or scaled, or is one of many.
Kind = Literal["image", "look", "looks"]


class Seen(NamedTuple):
    """A picture as the network sees it.

    views: uint8 (L, 32, 32, 3), the first of which is the main one. kind: "image" if it has 32x32
    pixels and is seen as it is, "look" if one view was cut or scaled from it, "looks" for several
    such views.
    """

    views: np.ndarray
    kind: Kind

    @property
    def kind_of_view(self) -> Kind:
        """The kind of each view alone, for its temperature."""
        return "look" if self.kind == "looks" else self.kind

    @classmethod
    def image(cls, pixels: np.ndarray) -> "Seen":
        """Return an image of 32x32 pixels, uint8 (32, 32, 3), as it is seen."""
        return cls(pixels[None], "image")


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
        self._header_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        """Read as the base class does, within the limits of time and metadata."""
        if time.thread_time() > self._deadline:
            raise ImageError("The picture takes too long to decode: save it anew as PNG or JPEG.")
        content = super().read(size)
        if self.in_header:
            self._header_bytes += len(content)
            if self._header_bytes > MAX_HEADER:
                raise ImageError("The picture has too much beside its pixels: save it anew.")
            self._check_segment(content)
            if content[4:8] == b"ftyp":
                content = _without_metadata(content)
        return content

    def _check_segment(self, content: bytes) -> None:
        """Limit a JPEG's EXIF and MPF, which Pillow parses when it opens the file."""
        if content.startswith(b"Exif\0\0"):  # a file may hold many
            self._exif_bytes += len(content)
            _check_exif(self._exif_bytes)
        if content.startswith(b"MPF\0") and len(content) > MAX_MPF:
            raise ImageError("The picture comes with too many others: save it alone.")


def _without_metadata(content: bytes) -> bytes:
    """Hide EXIF and XMP of an AVIF or HEIF from its decoder.

    Pillow parses the EXIF of an AVIF when it opens the file, and copies all of it for each tag that
    claims so; pillow-heif copies EXIF, XMP and profile for each image of a file. Neither is needed:
    what turns these pictures is a property beside them, which the decoders apply. Boxes are those
    of ISO/IEC 14496-12. Raises ImageError if those that describe the pictures are too large.
    """
    at = 0
    while at + 16 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, at + 8)
        end = at + size if size else len(content)
        if kind in (b"meta", b"moov"):
            if end - at > MAX_META:
                raise ImageError("The picture has too much beside its pixels: save it anew.")
            box = content[at:end].replace(b"Exif", b"skip").replace(b"mime", b"skip")
            content = content[:at] + box + content[end:]
        if end <= at:  # broken: the decoder says so
            break
        at = end
    return content


def prepare() -> None:
    """Set Pillow up for odd and large pictures, for the whole process: call it at the start.

    Warnings are ignored: `warnings.catch_warnings` in `open_image` would change the filters of all
    threads. A picture with too many pixels is rejected by `_check_size`.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")
    Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS


@functools.cache
def _register_heif() -> None:
    """Let Pillow open HEIF, and decode it and AVIF in one thread, once per process."""
    import pillow_heif  # slow to import

    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def open_image(path: str | Path) -> Image.Image:
    """Read a picture file as sRGB, upright, first frame or page only, transparency on white.

    The size is checked before any pixel is decoded. A JPEG of at most MAX_PIXELS is decoded in
    full, not at a fraction of its size as Pillow's `draft` could: its pixels are then those that
    browsers decode. Raises ImageError.
    """
    return read(path)[0]


def read(path: str | Path) -> tuple[Image.Image, bool]:
    """Read a picture as `open_image` does, and return whether browsers show it the same way.

    Not all of them know HEIF, TIFF and AVIF, nor turn every file as its EXIF or XMP says.
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
        picture, orientation, kind = _decode(path)
        plain = orientation == 1 and kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP")
        return (picture if orientation == 1 else picture.transpose(TRANSPOSES[orientation])), plain
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


def _decode(path: Path) -> tuple[Image.Image, int, str]:
    """Return a picture as sRGB on white, not upright yet, its orientation and its format."""
    _register_heif()
    with _TimedReader(path) as stream, Image.open(stream, formats=FORMATS) as image:
        stream.in_header = False
        _check_size(image, stream)
        image.decodermaxblock = READ_BYTES
        _draft(image)
        image.load()  # in a PNG, EXIF may follow the pixels; a TIFF is turned upright
        orientation = _orientation(image)
    return _in_srgb(image), orientation, str(image.format)


def _check_size(image: Image.Image, stream: io.BufferedReader) -> None:
    width, height = image.size
    problem = f"The picture has {width}x{height} pixels: send one of at most"
    most = MAX_JPEG_PIXELS if _is_in_one_scan(image, stream) else MAX_PIXELS
    if width * height > most:
        raise ImageError(f"{problem} {most // 1_000_000} megapixels.")
    if max(width, height) > MAX_SIDE:
        raise ImageError(f"{problem} {MAX_SIDE:,} pixels a side.")
    # libtiff takes memory for a whole tile, however small the picture.
    tile = [getattr(image, "tag_v2", {}).get(tag, 0) for tag in (TILE_WIDTH, TILE_LENGTH)]
    if not all(isinstance(side, int) and side <= MAX_TILE for side in tile):
        raise ImageError("The picture has too large tiles: save it anew as PNG or JPEG.")


def _is_in_one_scan(image: Image.Image, stream: io.BufferedReader) -> bool:
    """Return whether a picture is a JPEG that is decoded block by block.

    Of one with several scans, progressive or not, all coefficients are held at full size. Pillow
    leaves the stream behind the header of the first scan.
    """
    if image.format != "JPEG" or "progressive" in image.info:
        return False
    components = len(image.getbands())
    length = 6 + 2 * components  # of a header that names all of them
    stream.seek(-length, io.SEEK_CUR)
    return stream.read(3) == struct.pack(">HB", length, components)


def _draft(image: Image.Image) -> None:
    """Have a JPEG of more than MAX_PIXELS decoded at the largest fraction that has no more."""
    width, height = image.size
    divisor = next(d for d in (1, 2, 4) if width * height <= MAX_PIXELS * d**2)
    if divisor > 1:
        image.draft(None, (width // divisor, height // divisor))


def _check_exif(size: int) -> None:
    if size > MAX_EXIF:
        raise ImageError(
            f"The picture holds more than {MAX_EXIF // 1024} kB of EXIF: save it anew without."
        )


def _orientation(image: Image.Image) -> int:
    """Return the orientation in EXIF or XMP, 1 to 8; 1 if there is none or it is broken."""
    _check_exif(len(image.info.get("exif") or b""))
    _check_exif(len(image.info.get("Raw profile type exif", "")) // 2)  # as hexadecimal digits
    try:
        orientation = image.getexif().get(ORIENTATION)
    except EXIF_ERRORS:
        return 1
    return orientation if orientation in TRANSPOSES else 1


def _in_srgb(image: Image.Image) -> Image.Image:
    """Convert to sRGB with 8 bits per channel, on white, in strips."""
    colors, to_srgb = _transform(image)
    if image.mode == "RGB" and not image.has_transparency_data and to_srgb is None:
        return image
    if image.mode in ("I", "F"):
        raise ImageError("The picture has values of 32 bits: save it anew with 8 or 16.")
    rows = max(1, STRIP_PIXELS // image.width)
    rgb = Image.new("RGB", image.size)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        if to_srgb is not None and image.mode == colors:
            strip = to_srgb.apply(strip)
        elif to_srgb is not None:
            strip = to_srgb.apply(_strip_on_white(strip))
        rgb.paste(_strip_on_white(strip), (0, top))
    return rgb


def _transform(image: Image.Image) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """Return a mode (RGB, CMYK or L) and how to convert a picture's colors from it to sRGB.

    None without a profile, and for one that says nothing else or, as browsers do it, that cannot be
    used for these pixels. Raises ImageError for one that is too large.
    """
    mode = image.mode if image.mode in ("CMYK", "L") else "RGB"
    profile = image.info.get("icc_profile")
    if not profile or image.mode.startswith(("I", "F")):
        return mode, None
    if len(profile) > MAX_PROFILE:
        raise ImageError(
            f"The color profile has more than {MAX_PROFILE // 2**20} MB: save the picture without."
        )
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if mode == "L" and given.profile.xcolor_space.strip() == "RGB":
            mode = "RGB"
        transform = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return mode, None
    if mode == "RGB":
        colors = Image.fromarray(_some_colors())
        moved = np.asarray(transform.apply(colors)).astype(int)
        if np.abs(moved - np.asarray(colors)).max() <= SAME_COLOR:
            return mode, None
    return mode, transform


@functools.cache
def _some_colors() -> np.ndarray:
    """Return colors from all of RGB: uint8 (9, 81, 3)."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(9, 81, 3)


def _strip_on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
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
        return _scale(image, (SIZE, SIZE), _central_square(image, 1))
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


def see(image: Image.Image, fit: str = "crop", box: Sequence[float] | None = None) -> Seen:
    """Return what the network sees of a picture, by default several looks at it.

    fit, box, errors: as for `network_view`. With "crop" and no box, the looks are the central
    square, smaller ones of SQUARES, and the whole picture, stretched: how large the object is, and
    where, is not known. What the visitor cut out, fitted or stretched is looked at as it is.
    """
    if image.size == (SIZE, SIZE) and box is None:
        return Seen.image(network_view(image, fit))
    if fit != "crop" or box is not None:
        return Seen(network_view(image, fit, box)[None], "look")
    image = image if image.mode == "RGB" else image.convert("RGB")
    boxes = [*(_central_square(image, share) for share in SQUARES), None]
    with ThreadPoolExecutor(len(boxes)) as threads:  # Pillow scales without the interpreter's lock
        views = threads.map(functools.partial(_scale, image, (SIZE, SIZE)), boxes)
        return Seen(np.stack(list(views)), "looks")


def _central_square(image: Image.Image, share: float) -> Box:
    """Return a central square, in pixels, whose side is a share of the short side."""
    width, height = image.size
    side = share * min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


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
    """Scale a box of a picture, in pixels, to a size: uint8 (height, width, 3).

    Of Pillow's filters, the bilinear one (a triangle, antialiased) gives photographs the spectrum
    that is nearest to that of the training images: over eight bands of spatial frequency, log10 of
    the power of the luminance differs by 0.06 (root mean square, 307 photographs against 4,800
    training images), by 0.17 with bicubic, 0.20 Hamming, 0.22 Lanczos and 0.23 box.
    """
    return np.array(image.resize(size, Image.Resampling.BILINEAR, box, reducing_gap=REDUCING_GAP))
