"""No picture gets anything but a right answer or a sentence."""

import io
import itertools
import pickle
import random
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from cifar.data import pictures
from cifar.data.pictures import ImageError, network_view, open_image

# The colours of the quarters of a sound picture, row by row: what was turned, cut off or mixed up
# does not pass for right.
SCENE = np.array([(220, 30, 40), (30, 180, 60), (40, 60, 200), (240, 220, 50)], np.uint8)
WHITE = (255, 255, 255)
# How a sentence ends.
NO_PICTURE = (
    "not a picture that can be read: send one of PNG, JPEG, WEBP, GIF, BMP, AVIF, HEIF, TIFF."
)
DAMAGED = "damaged or too large to decode: save it anew as PNG or JPEG."
MEGAPIXELS = "send one of at most 25 megapixels."
SIDE = "send one of at most 65,535 pixels a side."
SLOW = "takes too long to decode: save it anew as PNG or JPEG."
EXIF = "holds more than 64 kB of EXIF: save it anew without."
ALONE = "comes with too many others: save it alone."


def scene(mode="RGB"):
    """64x64 pixels."""
    return Image.fromarray(SCENE.reshape(2, 2, 3).repeat(32, 0).repeat(32, 1)).convert(mode)


def saved(image=None, format="PNG", **options):
    stream = io.BytesIO()
    sharp = {"quality": 95, "subsampling": 0}
    usual = {
        "JPEG": sharp,
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 95, "subsampling": "4:4:4"},
        "HEIF": {"quality": 95, "chroma": 444},
    }
    options = usual.get(format, {}) | options
    (scene() if image is None else image).save(stream, format, **options)
    return stream.getvalue()


pillow_heif.register_heif_opener()
PNG, JPEG, WEBP, GIF, BMP, AVIF, HEIF, TIFF = (
    saved(format=name) for name in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF", "HEIF", "TIFF")
)
NOISE = Image.frombytes("RGB", (64, 64), random.Random(0).randbytes(64 * 64 * 3))


def half(**options):
    """More than half of a picture of noise."""
    content = saved(NOISE, **options)
    return content[: int(0.6 * len(content))]


def patched(content, place, kind, *numbers):
    """Content with other numbers at a place. kind: as struct's."""
    packed = struct.pack(kind, *numbers)
    return content[:place] + packed + content[place + len(packed) :]


def chunk(name, content=b""):
    """A chunk of a PNG."""
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def with_chunks(*chunks, png=PNG):
    """A PNG with chunks after its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def png_of(width, height, bits=8, colour=2):
    """A PNG that claims a size."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return PNG[:8] + chunk(b"IHDR", header) + PNG[33:]


def with_segments(*segments, jpeg=JPEG):
    """A JPEG with segments after its first two bytes, each (marker, content)."""
    written = (struct.pack(">BBH", 0xFF, marker, len(part) + 2) + part for marker, part in segments)
    return jpeg[:2] + b"".join(written) + jpeg[2:]


def jpeg_of(width, height):
    """A JPEG that claims a size."""
    return JPEG.replace(struct.pack(">HH", 64, 64), struct.pack(">HH", height, width), 1)


def ispe_of(content, width, height):
    """An AVIF or HEIF that claims a size."""
    place = content.index(b"ispe") + 8
    return patched(content, place, ">II", width, height)


def tiff(tags, claim=False):
    """A TIFF with further tags, or with such values that start at its beginning."""
    entries = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 64, 279: 4096} | tags
    written = b"".join(
        struct.pack(
            "<HHII",
            tag,
            1 if claim and tag in tags else 4,
            *((value, 8) if claim and tag in tags else (1, value)),
        )
        for tag, value in sorted(entries.items())
    )
    start = 8 + 4096
    return (
        struct.pack("<2sHI", b"II", 42, start)
        + bytes(4096)
        + struct.pack("<H", len(entries))
        + written
        + bytes(4)
    )


def exif(orientation=1, size=0):
    """EXIF with an orientation, filled up to a size."""
    tags = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return tags + bytes(max(0, size - len(tags)))


def text(size):
    return chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(size)))


def animated(format):
    others = [Image.new("RGB", (64, 64), (k, 0, 0)) for k in range(9)]
    return saved(format=format, save_all=True, append_images=others)


PICTURES = {  # what comes of it: a sentence, or the colours of the quarters
    # Other things under the name of a picture
    "empty": (b"", NO_PICTURE),
    "HTML": (b"<script>alert(1)</script>", NO_PICTURE),
    "pickle": (pickle.dumps({"a": 1}), NO_PICTURE),
    "ZIP": (b"PK\x05\x06" + bytes(18), NO_PICTURE),
    "RIFF that is sound": (b"RIFF\x18\0\0\0WAVEfmt " + bytes(16), NO_PICTURE),
    "program": (b"\x7fELF\x02\x01\x01" + bytes(200), NO_PICTURE),
    "SVG that reads a file": (
        b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        b'<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>',
        NO_PICTURE,
    ),
    "EPS that runs a program": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n",
        NO_PICTURE,
    ),
    "ICO": (saved(format="ICO"), NO_PICTURE),
    "PDF": (saved(format="PDF"), NO_PICTURE),
    "PNG: only its signature": (PNG[:8], NO_PICTURE),
    "PNG: nothing wide": (png_of(0, 64), NO_PICTURE),
    "PNG: a wrong checksum": (patched(PNG, 29, ">I", 0), NO_PICTURE),
    "GIF: only its header": (GIF[:13], NO_PICTURE),
    # Damaged
    "PNG: cut off in its pixels": (half(), DAMAGED),
    "PNG: altered in its pixels": (patched(saved(NOISE), 2000, ">I", 0), DAMAGED),
    "JPEG: cut off in its tables": (JPEG[:100], DAMAGED),
    "JPEG: cut off in its pixels": (half(format="JPEG"), DAMAGED),
    "JPEG: cut off in its scans": (half(format="JPEG", progressive=True), DAMAGED),
    "JPEG: without its end": (JPEG[:-2], DAMAGED),
    "WebP: cut off in its pixels": (half(format="WEBP"), DAMAGED),
    "WebP with loss: cut off": (half(format="WEBP", lossless=False), DAMAGED),
    "GIF: cut off in its pixels": (half(format="GIF"), DAMAGED),
    "BMP: only its header": (BMP[:54], DAMAGED),
    "BMP: cut off in its pixels": (half(format="BMP"), DAMAGED),
    "AVIF: cut off in its pixels": (half(format="AVIF"), NO_PICTURE),
    "HEIF: cut off in its pixels": (half(format="HEIF"), DAMAGED),
    "TIFF: cut off in its pixels": (saved(NOISE, "TIFF")[:7000], DAMAGED),
    "25 megapixels that are not there": (png_of(5000, 5000), DAMAGED),
    # Too large
    "60 megapixels of PNG": (png_of(10_000, 6000), MEGAPIXELS),
    "240 megapixels of JPEG": (jpeg_of(20_000, 12_000), MEGAPIXELS),
    "60 megapixels of a progressive JPEG": (
        saved(format="JPEG", progressive=True).replace(
            struct.pack(">HH", 64, 64), struct.pack(">HH", 6000, 10_000), 1
        ),
        MEGAPIXELS,
    ),
    "60 megapixels of JPEG that are not there": (jpeg_of(10_000, 6000)[:700], DAMAGED),
    "60 megapixels of AVIF": (ispe_of(AVIF, 10_000, 6000), MEGAPIXELS),
    "60 megapixels of HEIF": (ispe_of(HEIF, 10_000, 6000), MEGAPIXELS),
    "60 megapixels of TIFF": (tiff({256: 10_000, 257: 6000}), MEGAPIXELS),
    "a small TIFF of large tiles": (
        tiff({322: 16_000, 323: 16_000}),
        "save it anew as PNG or JPEG.",
    ),
    "a TIFF of tiles that are no numbers": (
        tiff({322: 500, 323: 500}, claim=True),
        "as PNG or JPEG.",
    ),
    "60 megapixels of JPEG in several scans": (
        jpeg_of(10_000, 6000).replace(b"\xff\xda\x00\x0c\x03", b"\xff\xda\x00\x08\x01", 1),
        MEGAPIXELS,
    ),
    "AVIF with a name that hides it, and much EXIF": (
        saved(format="AVIF", exif=exif(size=70_000)).replace(b"ftypavif", b"ftypmif1", 1),
        SCENE,
    ),
    "AVIF with EXIF that claims all of it": (
        saved(format="AVIF", exif=tiff({k: 60_000 for k in range(40_000, 40_500)}, claim=True)),
        SCENE,
    ),
    "HEIF with a profile of 200 kB": (
        saved(format="HEIF", icc_profile=bytes(200_000)),
        "beside its pixels: save it anew.",
    ),
    "a TIFF whose tags claim all of it": (
        tiff({tag: 1_000_000 for tag in range(40_000, 40_200)}, claim=True) + bytes(1_100_000),
        "beside its pixels: save it anew.",
    ),
    "a profile of 5 MB": (
        saved(format="TIFF", icc_profile=bytes(5 * 2**20)),
        "more than 4 MB: save the picture without.",
    ),
    "floating point": (
        saved(Image.fromarray(np.zeros((64, 64), np.float32)), "TIFF"),
        "32 bits: save it anew with 8 or 16.",
    ),
    "60 megapixels of WebP": (
        patched(saved(format="WEBP", lossless=False), 26, "<HH", 10_000, 6000),
        MEGAPIXELS,
    ),
    "60 megapixels of GIF": (patched(GIF, 6, "<HH", 10_000, 6000), MEGAPIXELS),
    "60 megapixels of BMP": (patched(BMP, 18, "<ii", 10_000, 6000), MEGAPIXELS),
    "4 exapixels": (png_of(2**31 - 1, 2**31 - 1), MEGAPIXELS),
    "20 megapixels in a row": (patched(BMP, 18, "<ii", 20_000_000, 1), SIDE),
    "less than nothing high": (patched(BMP, 18, "<ii", 64, -(2**31)), MEGAPIXELS),
    "a text of 2 MB": (with_chunks(text(2**21)), DAMAGED),
    "70 texts of 1 MB": (with_chunks(text(2**20 - 99) * 70), DAMAGED),
    "a profile of 2 MB": (
        with_chunks(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(2**21)))),
        DAMAGED,
    ),
    "EXIF of PNG over 64 kB": (with_chunks(chunk(b"eXIf", exif(size=70_000))), EXIF),
    "EXIF of PNG over 64 kB, as text": (
        with_chunks(
            chunk(
                b"zTXt",
                b"Raw profile type exif\0\0"
                + zlib.compress(b"\nexif\n  70000\n" + b"00" * 70_000 + b"\n"),
            )
        ),
        EXIF,
    ),
    "EXIF of JPEG over 64 kB": (
        with_segments(*[(0xE1, b"Exif\0\0" + exif(size=40_000))] * 2),
        EXIF,
    ),
    "EXIF of WebP over 64 kB": (
        saved(format="WEBP", exif=b"Exif\0\0" + exif(size=70_000)),
        EXIF,
    ),
    "a list of further pictures over 4 kB": (
        with_segments((0xE2, b"MPF\0" + exif(size=5000))),
        ALONE,
    ),
    # Odd but right
    "1x1": (saved(scene().resize((1, 1), Image.Resampling.NEAREST)), [SCENE[3]] * 4),
    "20000x1": (saved(Image.new("RGB", (20_000, 1), tuple(SCENE[0]))), [SCENE[0]] * 4),
    "an orientation that there is not": (with_chunks(chunk(b"eXIf", exif(9))), SCENE),
    "EXIF after the pixels, turned": (
        PNG[:-12] + chunk(b"eXIf", exif(3)) + PNG[-12:],
        SCENE[::-1],
    ),
    "EXIF of 64 kB, turned": (
        with_segments((0xE1, b"Exif\0\0" + exif(3, 65_000))),
        SCENE[::-1],
    ),
    "EXIF of noise": (
        with_segments((0xE1, b"Exif\0\0" + random.Random(1).randbytes(500))),
        SCENE,
    ),
    "a colour that is transparent": (
        saved(transparency=tuple(map(int, SCENE[1]))),
        [SCENE[0], WHITE, *SCENE[2:]],
    ),
    "16 bits of grey, one of them transparent": (
        saved(
            Image.fromarray(np.uint16([[0, 20_560], [41_120, 65_535]]).repeat(32, 0).repeat(32, 1)),
            transparency=20_560,
        ),
        [(0, 0, 0), WHITE, (160, 160, 160), WHITE],
    ),
    "a million pixels of RGBA, in two strips": (
        saved(scene("RGBA").resize((1100, 1000), Image.Resampling.NEAREST)),
        SCENE,
    ),
    "CMYK": (saved(scene("CMYK"), "JPEG"), SCENE),
    "AVIF": (AVIF, SCENE),
    "AVIF, turned": (saved(format="AVIF", exif=exif(3)), SCENE[::-1]),
    "HEIF": (HEIF, SCENE),
    "TIFF": (TIFF, SCENE),
    "TIFF, turned": (saved(format="TIFF", tiffinfo={0x0112: 3}), SCENE[::-1]),
    "TIFF of two pages": (
        saved(format="TIFF", save_all=True, append_images=[Image.new("RGB", (64, 64))]),
        SCENE,
    ),
    "TIFF of 16 bits, big-endian": (
        saved(
            Image.fromarray(
                np.array([[0, 20_560], [41_120, 65_535]], ">u2").repeat(32, 0).repeat(32, 1)
            ),
            "TIFF",
        ),
        [(grey,) * 3 for grey in (0, 80, 160, 255)],
    ),
    "a profile of noise": (saved(icc_profile=random.Random(2).randbytes(3000)), SCENE),
    "AVIF of ten frames": (animated("AVIF"), SCENE),
    "JPEG of padding": (JPEG[:2] + b"\xff" * 100_000 + JPEG[2:], SCENE),
    "PNG without its end": (PNG[:-12], SCENE),
    "PNG with a program after it": (PNG + b"\x7fELF" + bytes(2000), SCENE),
    "GIF of ten frames": (animated("GIF"), SCENE),
    "WebP of ten frames": (animated("WEBP"), SCENE),
    "PNG of ten frames": (animated("PNG"), SCENE),
}
COLORS = 13 + 3 * 2 ** ((GIF[10] & 7) + 1)  # where the colors of a GIF end
# Files of which Pillow reads as many pieces as there are, in Python.
FLOODS = {
    "PNG of chunks": with_chunks(chunk(b"juNk") * 100),
    "JPEG of segments": with_segments(*[(0xE5, b"")] * 100),
    "GIF of comments": GIF[:COLORS] + b"!\xfe" + b"\1a" * 100 + b"\0" + GIF[COLORS:],
    "JPEG of many scans": saved(
        NOISE.resize((700, 700), Image.Resampling.NEAREST), "JPEG", progressive=True
    ),
}


@pytest.fixture
def read(tmp_path):
    """A function: the mean colours of the quarters of what a network sees of a file."""

    def quarters(content):
        (tmp_path / "a").write_bytes(content)
        view = network_view(open_image(tmp_path / "a"))
        return [view[y : y + 12, x : x + 12].mean((0, 1)) for y in (2, 18) for x in (2, 18)]

    return quarters


def one_sentence(text):
    return text.endswith(".") and ". " not in text and "\n" not in text and len(text) < 200


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_right_or_refused_in_a_sentence(read, name):
    content, expected = PICTURES[name]
    if isinstance(expected, str):
        with pytest.raises(ImageError) as caught:
            read(content)
        assert str(caught.value).endswith(expected) and one_sentence(str(caught.value))
    else:
        np.testing.assert_allclose(read(content), expected, atol=8)


@pytest.mark.parametrize("name", FLOODS)
def test_a_picture_that_takes_too_long_is_given_up(read, monkeypatch, name):
    """By a clock that ticks with each look at it."""
    clock = SimpleNamespace(thread_time=itertools.count().__next__)
    monkeypatch.setattr(pictures, "time", clock)
    monkeypatch.setattr(pictures, "SECONDS", 60)
    with pytest.raises(ImageError, match=SLOW):
        read(FLOODS[name])
    assert read(PNG)  # one that does not


# Numbers at which sizes and offsets go wrong.
ODD = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def altered(sound, rng):
    """A picture with a few of its bytes changed, taken away or repeated."""
    content = bytearray(sound)
    end = min(rng.choice([40, 200, len(content)]), len(content))  # headers decide most
    for _ in range(rng.choice([1, 1, 2, 4])):
        at = rng.randrange(end)
        match rng.randrange(4):
            case 0:
                content[at] = rng.randrange(256)
            case 1:
                number = struct.pack(rng.choice("<>") + "I", rng.choice(ODD))
                content[at : at + 4] = number
            case 2:
                del content[at : at + rng.choice([1, 4, 60])]
            case 3:
                content[at:at] = content[at : at + rng.choice([1, 12, 200])]
        end = min(end, len(content))
    if content.startswith(PNG[:8]) and rng.random() < 0.8:
        mend(content)
    return bytes(content)


def mend(content):
    """Give the chunks of a PNG the checksums of what is in them, without which none is read."""
    at = 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            break
        struct.pack_into(">I", content, end, zlib.crc32(content[at + 4 : end]))
        at = end + 4


def test_whatever_is_altered_is_read_or_refused_in_a_sentence(read):
    extras = [chunk(b"eXIf", exif(6)), chunk(b"tEXt", b"a\0b"), text(9)]
    seeds = [
        with_chunks(*extras),
        saved(scene("RGBA").quantize(8)),
        saved(scene("I;16")),
        with_segments((0xE1, b"Exif\0\0" + exif(6, 100))),
        saved(format="JPEG", progressive=True),
        saved(scene("RGBA"), "WEBP", exif=b"Exif\0\0" + exif(6)),
        animated("GIF"),
        saved(scene("P"), "BMP"),
        saved(format="AVIF", exif=exif(6)),
        HEIF,
        saved(format="TIFF", compression="tiff_lzw"),
    ]
    rng, sentences, sound = random.Random(0), set(), 0
    for k in range(800):
        try:
            read(altered(seeds[k % len(seeds)], rng))
            sound += 1
        except ImageError as error:
            sentences.add(str(error))
    assert all(one_sentence(sentence) for sentence in sentences)
    assert sound > 150 and len(sentences) > 2
