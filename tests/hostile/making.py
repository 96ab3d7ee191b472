"""Picture files, made byte by byte where no library would make them.

A sound one shows `SCENE`: four quarters of four colours, so that what was turned, cut off or mixed
up does not pass for right.
"""

import io
import random
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image, ImageCms

# The colours of the quarters, row by row.
SCENE = ((220, 30, 40), (30, 180, 60), (40, 60, 200), (240, 220, 50))
MB = 2**20


def scene() -> Image.Image:
    """64x64 pixels."""
    quarters = np.array(SCENE, np.uint8).reshape(2, 2, 3)
    return Image.fromarray(quarters.repeat(32, 0).repeat(32, 1))


def saved(image: Image.Image | None = None, format: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    (scene() if image is None else image).save(stream, format, **options)
    return stream.getvalue()


def jpeg(image: Image.Image | None = None, **options) -> bytes:
    return saved(image, "JPEG", **{"quality": 95, "subsampling": 0} | options)


def webp(image: Image.Image | None = None, **options) -> bytes:
    return saved(image, "WEBP", **{"lossless": True} | options)


def gif(image: Image.Image | None = None, **options) -> bytes:
    return saved(image, "GIF", **options)


def bmp(image: Image.Image | None = None, **options) -> bytes:
    return saved(image, "BMP", **options)


def noise(count: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(count)


def noise_picture() -> Image.Image:
    return Image.frombytes("RGB", (64, 64), noise(64 * 64 * 3))


def part(content: bytes, share: float) -> bytes:
    return content[: int(share * len(content))]


# PNG


def chunk(name: bytes, content: bytes = b"", crc: int | None = None) -> bytes:
    crc = zlib.crc32(name + content) if crc is None else crc
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def png(
    width: int,
    height: int,
    rows: bytes,
    *,
    bits: int = 8,
    colour: int = 2,
    before: bytes = b"",
    after: bytes = b"",
    interlace: int = 0,
) -> bytes:
    """rows: each with its filter's byte first. colour: 0 grey, 2 RGB, 3 palette, 4 LA, 6 RGBA."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    data = chunk(b"IDAT", zlib.compress(rows, 1))
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), before, data, after, chunk(b"IEND")]
    )


def rows_of(pixels: np.ndarray) -> bytes:
    """uint8 or big-endian uint16 (height, width, channels) as rows of a PNG without filters."""
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def with_chunks(chunks: bytes, content: bytes | None = None) -> bytes:
    """A PNG with chunks after its header."""
    content = saved() if content is None else content
    return content[:33] + chunks + content[33:]


def wide_png(colour: int, bits: int = 8, **parts) -> bytes:
    """`scene` of 25 megapixels: as many as may be sent. colour: 0 (grey), 2 (RGB) or 6 (RGBA)."""
    image = scene().convert({0: "L", 2: "RGB", 6: "RGBA"}[colour])
    pixels = np.asarray(image).reshape(64, 64, -1)[[0, 63]].repeat(2500 // 32 + 1, 1)
    pixels = np.concatenate([pixels[:, :2500], pixels[:, -2500:]], axis=1)
    pixels = pixels if bits == 8 else pixels.astype(">u2") * 257
    top, bottom = rows_of(pixels[:1]), rows_of(pixels[1:])
    return png(5000, 5000, top * 2500 + bottom * 2500, bits=bits, colour=colour, **parts)


def bomb(name: bytes, before: bytes) -> bytes:
    """A chunk whose text would be 100 MB."""
    return chunk(name, before + zlib.compress(bytes(100 * MB), 1))


def animated_png(frames: int, claimed: int | None = None, *, hidden: bool = False) -> bytes:
    """hidden: the first picture is no frame of the animation."""
    rows, black = rows_of(np.asarray(scene())), rows_of(np.zeros((64, 64, 3), np.uint8))
    number = 0

    def control() -> bytes:
        nonlocal number
        number += 1
        return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number - 1, 64, 64, 0, 0, 1, 50, 0, 0))

    before = chunk(b"acTL", struct.pack(">II", frames if claimed is None else claimed, 0))
    before += b"" if hidden else control()
    after = []
    for _ in range(frames - (not hidden)):
        after.append(control())
        after.append(chunk(b"fdAT", struct.pack(">I", number) + zlib.compress(black)))
        number += 1
    return png(64, 64, rows, before=before, after=b"".join(after))


# JPEG


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segments(segments: bytes, content: bytes | None = None) -> bytes:
    """A JPEG with segments after its first two bytes; nothing else comes before them."""
    content = jpeg() if content is None else content
    return content[:2] + segments + content[2:]


def frame_of(content: bytes) -> int:
    """Where the height stands in a JPEG."""
    place = 2
    while not 0xC0 <= content[place + 1] <= 0xC2:
        place += 2 + struct.unpack_from(">H", content, place + 2)[0]
    return place + 5


def of_size(content: bytes, width: int, height: int) -> bytes:
    """A JPEG that claims another size."""
    place = frame_of(content)
    return content[:place] + struct.pack(">HH", height, width) + content[place + 4 :]


def many_scans(side: int, size: int) -> bytes:
    """A progressive grey JPEG that says of all its coefficients, again and again, that they are 0.

    A scan is a few bytes long, for each of which a decoder passes over the whole picture.
    """
    blocks = (-(-side // 8)) ** 2
    begin = [
        b"\xff\xd8",
        segment(0xDB, b"\0" + bytes([1] * 64)),
        segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\x00"),
        segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\x00"),  # DC: "0" is no difference
        segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\xe0"),  # AC: "0" begins an empty run
        segment(0xDA, b"\x01\x01\x00\x00\x00\x00") + bytes(-(-blocks // 8)),
    ]
    bits = ("0" + "1" * 14) * (blocks // 32767 + 1)  # each run is of 32,767 blocks
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    scan = segment(0xDA, b"\x01\x01\x00\x01\x3f\x00") + data
    head = b"".join(begin)
    return head + scan * max(1, (size - len(head)) // len(scan)) + b"\xff\xd9"


# EXIF


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def exif(*entries: bytes, after: bytes = b"") -> bytes:
    """What is in EXIF, without the six bytes that begin it in a JPEG."""
    count = struct.pack("<H", len(entries))
    return b"II*\0" + struct.pack("<I", 8) + count + b"".join(entries) + bytes(4) + after


def orientation(value: int) -> bytes:
    return exif(entry(0x0112, 3, 1, value))


def many_tags(size: int, kind: int = 7, *first: bytes) -> bytes:
    """EXIF of so many bytes, each of whose tags says that nearly all of it is its value.

    kind: of the values: 3 for numbers of two bytes, 7 for bytes.
    """
    count = min(20_000, size // 24)
    values = (size - 100) // {3: 2, 7: 1}[kind]
    made = exif(*first, *(entry(0x9000 + k, kind, values, 8) for k in range(count)))
    return made.ljust(size, b"\x01")


def exif_segment(content: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + content)


def exif_segments(content: bytes) -> bytes:
    step = 65_000
    return b"".join(exif_segment(content[k : k + step]) for k in range(0, len(content), step))


def turned_away(value: int) -> Image.Image:
    """`scene` as a camera stores it that was held so that EXIF's orientation is this."""
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return scene().transpose(turn[value]) if value in turn else scene()


# GIF


def gif_with(blocks: bytes, content: bytes | None = None) -> bytes:
    """A GIF with blocks before its first picture."""
    content = gif() if content is None else content
    place = 13 + (3 << (content[10] & 7) + 1 if content[10] & 128 else 0)
    return content[:place] + blocks + content[place:]


def gif_frame(content: bytes) -> int:
    """Where the first picture's left side stands in a GIF without extensions."""
    return content.index(b",", 13 + (3 << (content[10] & 7) + 1)) + 1


def placed(content: bytes, left: int, top: int, screen: tuple[int, int]) -> bytes:
    """A GIF whose picture lies elsewhere on a screen of this size."""
    place = gif_frame(content)
    moved = content[:place] + struct.pack("<HH", left, top) + content[place + 4 :]
    return moved[:6] + struct.pack("<HH", *screen) + moved[10:]


def blocks_of(size: int, length: int) -> bytes:
    """Sub-blocks that fill so many bytes."""
    return (bytes([length]) + bytes(length)) * (size // (length + 1)) + b"\0"


# BMP


def bitmap(
    width: int, height: int, bits: int, data: bytes, *, compression: int = 0, palette: bytes = b""
) -> bytes:
    header = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 0, 0
    )
    start = 14 + len(header) + len(palette)
    file = struct.pack("<2sIHHI", b"BM", start + len(data), 0, 0, start)
    return file + header + palette + data


def palette_of_scene(count: int = 256) -> bytes:
    colours = [bytes([blue, green, red, 0]) for red, green, blue in SCENE]
    return b"".join(colours).ljust(4 * count, b"\0")


def runs_of_scene() -> bytes:
    """`scene` as runs of a BMP, from the bottom."""
    bottom, top = (bytes([32, a, 32, b, 0, 0]) for a, b in ((2, 3), (0, 1)))
    return bottom * 32 + top * 32 + b"\0\1"


# Containers


def zipped() -> bytes:
    with zipfile.ZipFile(stream := io.BytesIO(), "w") as archive:
        archive.writestr("index.html", "<script>alert(1)</script>")
    return stream.getvalue()


def riff(name: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    content = b"".join(
        key + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for key, data in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(content)) + name + content


def extended_webp(width: int, height: int, *chunks: tuple[bytes, bytes], flags: int = 0) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff(b"WEBP", (b"VP8X", bytes([flags, 0, 0, 0]) + size), *chunks)


def animated_webp(width: int, height: int) -> bytes:
    """A canvas of this size whose first picture is `scene`."""
    frame = bytes(6) + (63).to_bytes(3, "little") * 2 + bytes(4) + webp()[12:]
    return extended_webp(width, height, (b"ANIM", bytes(6)), (b"ANMF", frame), flags=2)


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def float_tiff() -> bytes:
    pixels = np.full((64, 64), np.nan, np.float32)
    return saved(Image.fromarray(pixels), "TIFF")


def grey_levels(bits: int) -> bytes:
    """A grey PNG of few bits whose quarters are black, two greys and white."""
    top = 2**bits - 1
    levels = np.array([[0, top // 3], [top - top // 3, top]]).repeat(32, 0).repeat(32, 1)
    per_byte = 8 // bits
    shifts = bits * np.arange(per_byte - 1, -1, -1)
    packed = (levels.reshape(64, -1, per_byte) << shifts).sum(2).astype(np.uint8)
    return png(64, 64, rows_of(packed[..., None]), bits=bits, colour=0)


def greys(*levels: float) -> list[tuple[int, int, int]]:
    return [(round(level),) * 3 for level in levels]


def grey_of(colour: tuple[int, int, int]) -> float:
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue


def over_white(share: float, colours=SCENE) -> list[tuple[int, ...]]:
    """Colours of which only a share covers the white ground."""
    return [tuple(round(share * c + (1 - share) * 255) for c in colour) for colour in colours]


def with_alpha(alpha: int, mode: str = "RGBA") -> Image.Image:
    image = scene().convert(mode)
    image.putalpha(alpha)
    return image


def sixteen_bits(mode: str) -> bytes:
    pixels = np.asarray(scene().convert(mode)).astype(">u2").reshape(64, 64, -1) * 257
    return png(64, 64, rows_of(pixels), bits=16, colour={"L": 0, "RGB": 2, "RGBA": 6}[mode])


def frames(count: int) -> list[Image.Image]:
    return [Image.new("RGB", (64, 64), (k % 256, 0, 0)) for k in range(count)]


def keyed(bits: int) -> bytes:
    """A PNG in which one colour, that of the first quarter, stands for nothing."""
    pixels = np.asarray(scene()).astype(">u2") * 257 if bits == 16 else np.asarray(scene())
    factor = 257 if bits == 16 else 1
    key = struct.pack(">HHH", *(factor * channel for channel in SCENE[0]))
    return png(64, 64, rows_of(pixels), bits=bits, before=chunk(b"tRNS", key))


def keyed_grey() -> bytes:
    """A grey PNG of 16 bits in which the value of the first quarter stands for nothing."""
    values = np.array([[1000, 20000], [40000, 65535]], ">u2").repeat(32, 0).repeat(32, 1)
    key = chunk(b"tRNS", struct.pack(">H", 1000))
    return png(64, 64, rows_of(values[..., None]), bits=16, colour=0, before=key)


def column(height: int) -> bytes:
    """One pixel wide, and of the first colour in the middle."""
    image = Image.new("RGB", (1, height), "white")
    image.paste(SCENE[0], (0, height // 2 - 50, 1, height // 2 + 50))
    return saved(image)


def interlaced() -> bytes:
    """A PNG in the seven passes of Adam7."""
    pixels, rows = np.asarray(scene()), b""
    for top, left, down, across in (
        (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):  # fmt: skip
        rows += rows_of(pixels[top::down, left::across])
    return png(64, 64, rows, interlace=1)


def os2() -> bytes:
    """A BMP with the header of OS/2."""
    data = np.asarray(scene())[::-1, :, ::-1].tobytes()
    header = struct.pack("<IHHHH", 12, 64, 64, 1, 24)
    return struct.pack("<2sIHHI", b"BM", 26 + len(data), 0, 0, 26) + header + data


def high_colour() -> bytes:
    """A BMP of 16 bits a pixel, of which green has six."""
    red, green, blue = np.asarray(scene())[::-1].astype(np.uint16).transpose(2, 0, 1)
    data = (red >> 3 << 11 | green >> 2 << 5 | blue >> 3).astype("<u2").tobytes()
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    return bitmap(64, 64, 16, data, compression=3, palette=masks)


def in_a_corner() -> bytes:
    """A GIF whose picture, all of the first colour, is in a corner of a screen twice its size."""
    image = Image.new("P", (64, 64))
    image.putpalette([*SCENE[0], 0, 0, 0])
    image.putpixel((63, 63), 1)
    made = gif(image, transparency=1)
    return placed(made, 64, 64, (128, 128))
