"""What somebody careless or ill-disposed sends for a picture, and what must come of it."""

import gzip
import json
import pickle
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tests.hostile import making
from tests.hostile.making import (
    MB,
    SCENE,
    animated_png,
    animated_webp,
    bitmap,
    blocks_of,
    bmp,
    bomb,
    chunk,
    column,
    entry,
    exif,
    exif_segment,
    exif_segments,
    float_tiff,
    gif,
    gif_with,
    grey_levels,
    jpeg,
    keyed,
    keyed_grey,
    many_scans,
    many_tags,
    noise,
    noise_picture,
    of_size,
    orientation,
    over_white,
    palette_of_scene,
    part,
    placed,
    png,
    profile,
    riff,
    runs_of_scene,
    saved,
    scene,
    segment,
    sixteen_bits,
    turned_away,
    webp,
    wide_png,
    with_alpha,
    with_chunks,
    with_segments,
    zipped,
)

# How a sentence ends.
NO_PICTURE = "not a picture that can be read: send one of PNG, JPEG, WEBP, GIF, BMP."
DAMAGED = "damaged or too large to decode: save it anew as PNG or JPEG."
MEGAPIXELS = "send one of at most 25 megapixels."
SIDE = "send one of at most 65,535 pixels a side."
SLOW = "takes too long to decode: save it anew as PNG or JPEG."
ANEW = ": save it anew as PNG or JPEG."  # slow or damaged, as the computer is
EXIF = "holds more than 64 kB of EXIF: save it anew without."
ALONE = "comes with too many others: save it alone."
LARGE = "larger than 20 MB: send a smaller picture."

Colours = Sequence[tuple[int, int, int]]


@dataclass(frozen=True)
class Kind:
    """A file, under the name with which it is sent, and what must come of it: the colours of its
    quarters, each at most so far off (0 to 255), or a sentence that ends so."""

    file: str
    make: Callable[[], bytes]
    shows: Colours | None = None
    within: int = 3
    says: str | tuple[str, ...] = ""  # how the sentence ends, in one of these ways


def no(says: str | tuple[str, ...], make: Callable[[], bytes], file: str = "a.png") -> Kind:
    return Kind(file, make, says=says)


def yes(
    make: Callable[[], bytes], shows: Colours = SCENE, file: str = "a.png", within: int = 3
) -> Kind:
    return Kind(file, make, shows, within)


def either(says: str, make: Callable[[], bytes], file: str = "a.png") -> Kind:
    """`scene`, or a sentence: it depends on how fast the computer is."""
    return Kind(file, make, SCENE, 8, says)


def lossy(make: Callable[[], bytes], shows: Colours = SCENE, file: str = "a.jpg") -> Kind:
    return yes(make, shows, file, within=8)


def grey(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = colour
    return (round(0.299 * red + 0.587 * green + 0.114 * blue),) * 3


WHITE, BLACK = (255, 255, 255), (0, 0, 0)
FIRST = [SCENE[0]] * 4
GREY = [grey(colour) for colour in SCENE]
ONE = Image.new("RGB", (64, 64), SCENE[0])
SMALL = scene().resize((32, 32), Image.Resampling.NEAREST)

NO_PICTURES = {
    "empty": no(NO_PICTURE, lambda: b""),
    "one byte": no(NO_PICTURE, lambda: b"\x89"),
    "zeros": no(NO_PICTURE, lambda: bytes(10_000)),
    "noise": no(NO_PICTURE, lambda: noise(10_000)),
    "text as PNG": no(NO_PICTURE, lambda: b"only words\n" * 40),
    "UTF-16 text": no(NO_PICTURE, lambda: "only words".encode("utf-16"), "a.jpg"),
    "JSON": no(NO_PICTURE, lambda: json.dumps({"a": [1] * 99}).encode()),
    "HTML as JPEG": no(NO_PICTURE, lambda: b"<script>alert(1)</script>", "a.jpg"),
    "pickle": no(NO_PICTURE, lambda: pickle.dumps({"a": 1}), "a.bmp"),
    "program": no(NO_PICTURE, lambda: b"\x7fELF\x02\x01\x01" + bytes(200)),
    "ZIP": no(NO_PICTURE, zipped, "a.zip"),
    "WAV": no(NO_PICTURE, lambda: riff(b"WAVE", (b"fmt ", bytes(16))), "a.webp"),
    "MP4": no(NO_PICTURE, lambda: b"\0\0\0\x18ftypisom" + bytes(99), "a.mp4"),
    "more than 20 MB": no(LARGE, lambda: saved() + bytes(23 * MB)),
}
OTHER_FORMATS = {
    "SVG": no(NO_PICTURE, lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "a.svg"),
    "SVG that reads a file": no(
        NO_PICTURE,
        lambda: (
            b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            b'<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>'
        ),
        "a.svg",
    ),
    "SVGZ": no(NO_PICTURE, lambda: gzip.compress(b"<svg/>"), "a.svgz"),
    "PDF": no(NO_PICTURE, lambda: saved(format="PDF"), "a.pdf"),
    "EPS": no(NO_PICTURE, lambda: saved(format="EPS"), "a.eps"),
    "EPS that runs a program": no(
        NO_PICTURE,
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n",
    ),
    "PSD": no(
        NO_PICTURE,
        lambda: b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 9, 9, 8, 3) + bytes(99),
        "a.psd",
    ),
    "TIFF": no(NO_PICTURE, lambda: saved(format="TIFF"), "a.tiff"),
    "TIFF of floats that are no numbers": no(NO_PICTURE, float_tiff, "a.tif"),
    "ICO": no(NO_PICTURE, lambda: saved(format="ICO"), "a.ico"),
    "ICNS": no(NO_PICTURE, lambda: saved(format="ICNS"), "a.icns"),
    "AVIF": no(NO_PICTURE, lambda: saved(format="AVIF"), "a.avif"),
    "HEIC": no(NO_PICTURE, lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "a.heic"),
    "JPEG 2000": no(NO_PICTURE, lambda: saved(format="JPEG2000"), "a.jp2"),
    "JPEG XL": no(NO_PICTURE, lambda: b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99), "a.jxl"),
    "Radiance HDR": no(
        NO_PICTURE,
        lambda: b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 9 +X 9\n" + bytes(400),
        "a.hdr",
    ),
    "OpenEXR": no(NO_PICTURE, lambda: b"v/1\x01\2\0\0\0" + bytes(400), "a.exr"),
    "TGA": no(NO_PICTURE, lambda: saved(format="TGA"), "a.tga"),
    "PPM": no(NO_PICTURE, lambda: saved(format="PPM"), "a.ppm"),
    "DDS": no(NO_PICTURE, lambda: saved(format="DDS"), "a.dds"),
    "PCX": no(NO_PICTURE, lambda: saved(format="PCX"), "a.pcx"),
    "XPM": no(NO_PICTURE, lambda: b'/* XPM */ static char *a[] = {"1 1 1 1", "a c red", "a"};'),
}
CUT_OFF = {
    "PNG: only its signature": no(NO_PICTURE, lambda: saved()[:8]),
    "PNG: only its header": no(NO_PICTURE, lambda: saved()[:33]),
    "PNG: cut off in its pixels": no(DAMAGED, lambda: part(saved(noise_picture()), 0.6)),
    "PNG: without its end": yes(lambda: saved()[:-12]),
    "JPEG: only its signature": no(NO_PICTURE, lambda: jpeg()[:3], "a.jpg"),
    "JPEG: cut off in its tables": no(DAMAGED, lambda: jpeg()[:100], "a.jpg"),
    "JPEG: cut off in its pixels": no(DAMAGED, lambda: part(jpeg(noise_picture()), 0.6), "a.jpg"),
    "JPEG: cut off in its scans": no(
        DAMAGED, lambda: part(jpeg(noise_picture(), progressive=True), 0.6), "a.jpg"
    ),
    "JPEG: without its end": no(DAMAGED, lambda: jpeg()[:-2], "a.jpg"),
    "WebP: only its header": no(NO_PICTURE, lambda: webp()[:12], "a.webp"),
    "WebP: cut off in its pixels": no(DAMAGED, lambda: part(webp(noise_picture()), 0.6)),
    "WebP with loss: cut off in its pixels": no(
        DAMAGED, lambda: part(webp(noise_picture(), lossless=False), 0.6)
    ),
    "GIF: only its header": no(NO_PICTURE, lambda: gif()[:13], "a.gif"),
    "GIF: cut off in its pixels": no(DAMAGED, lambda: part(gif(noise_picture()), 0.8), "a.gif"),
    "BMP: only its header": no(DAMAGED, lambda: bmp()[:54], "a.bmp"),
    "BMP: cut off in its pixels": no(DAMAGED, lambda: part(bmp(), 0.6), "a.bmp"),
}
SIZES = {
    "1x1": yes(lambda: saved(ONE.resize((1, 1))), FIRST),
    "1x20000": yes(lambda: column(20_000), FIRST),
    "20000x1": lossy(lambda: jpeg(ONE.resize((20_000, 1))), FIRST),
    "25 megapixels in 3 kB": yes(
        lambda: png(5000, 5000, bytes(626) * 5000, bits=1, colour=0), [BLACK] * 4
    ),
    "25 megapixels of RGBA": yes(lambda: wide_png(6)),
    "25 megapixels of 16 bits, lying on their side": yes(
        lambda: wide_png(0, 16, before=chunk(b"eXIf", orientation(6))),
        [GREY[k] for k in (2, 0, 3, 1)],
    ),
    "25 megapixels of WebP, lying on their side": yes(
        lambda: webp(
            scene().resize((5000, 5000), Image.Resampling.NEAREST).convert("RGBA"),
            lossless=False,
            method=0,
            quality=0,
            exif=b"Exif\0\0" + orientation(3),
        ),
        SCENE[::-1],
        "a.webp",
        12,
    ),
    "60 megapixels of PNG": no(MEGAPIXELS, lambda: png(10_000, 6000, b"")),
    "60 megapixels of JPEG": no(MEGAPIXELS, lambda: of_size(jpeg(), 10_000, 6000), "a.jpg"),
    "60 megapixels of WebP": no(MEGAPIXELS, lambda: animated_webp(10_000, 6000), "a.webp"),
    "60 megapixels of GIF": no(MEGAPIXELS, lambda: placed(gif(), 0, 0, (10_000, 6000)), "a.gif"),
    "60 megapixels of BMP": no(MEGAPIXELS, lambda: bitmap(10_000, 6000, 24, b""), "a.bmp"),
    "108 megapixels of JPEG": no(MEGAPIXELS, lambda: of_size(jpeg(), 12_000, 9000), "a.jpg"),
    "2 gigapixels": no(MEGAPIXELS, lambda: png(50_000, 40_000, b"")),
    "4 exapixels": no(MEGAPIXELS, lambda: png(2**31 - 1, 2**31 - 1, b"")),
    # Of WebP, its decoder may say first that there is no room.
    "4 gigapixels of WebP": no(
        (DAMAGED, MEGAPIXELS), lambda: animated_webp(65_536, 65_535), "a.webp"
    ),
    "a GIF whose picture is larger than its screen": no(
        MEGAPIXELS, lambda: placed(gif(), 9_000, 7_000, (10, 10)), "a.gif"
    ),
    "20 megapixels in a row": no(SIDE, lambda: bitmap(20_000_000, 1, 8, b""), "a.bmp"),
    "nothing wide": no(NO_PICTURE, lambda: png(0, 64, bytes(64))),
    "nothing high": no(NO_PICTURE, lambda: of_size(jpeg(), 64, 0), "a.jpg"),
    "less than nothing high": no(MEGAPIXELS, lambda: bitmap(64, -(2**31), 24, b""), "a.bmp"),
}
FLOOD = 19 * MB  # nearly as much as may be sent
BOMBS = {
    "25 megapixels that are not there": no(DAMAGED, lambda: png(5000, 5000, bytes(1000))),
    "100 MB of text": no(DAMAGED, lambda: with_chunks(bomb(b"zTXt", b"a\0\0"))),
    "100 MB of text of the world": no(DAMAGED, lambda: with_chunks(bomb(b"iTXt", b"a\0\1\0\0\0"))),
    "100 texts of 1 MB": no(
        DAMAGED,
        lambda: with_chunks(
            b"".join(chunk(b"zTXt", b"a%d\0\0" % k + zlib.compress(bytes(MB))) for k in range(100))
        ),
    ),
    "100 MB of profile": no(DAMAGED, lambda: with_chunks(bomb(b"iCCP", b"a\0\0"))),
    "more pixels than the header says": yes(
        lambda: png(64, 64, making.rows_of(np.asarray(scene())) + bytes(30 * MB))
    ),
    "EXIF whose tags repeat 10 MB of PNG": no(
        EXIF, lambda: with_chunks(chunk(b"eXIf", many_tags(10 * MB)))
    ),
    "EXIF whose tags repeat 10 MB of JPEG": no(
        EXIF, lambda: with_segments(exif_segments(many_tags(10 * MB))), "a.jpg"
    ),
    "EXIF whose tags repeat 10 MB of WebP": no(
        EXIF, lambda: webp(exif=b"Exif\0\0" + many_tags(10 * MB)), "a.webp"
    ),
    "EXIF whose tags repeat 64 kB, turned": lossy(
        lambda: with_segments(
            exif_segment(many_tags(65_000, 3, entry(0x0112, 3, 1, 6))), jpeg(turned_away(6))
        )
    ),
    "a list of pictures whose tags repeat 64 kB": no(
        ALONE, lambda: with_segments(segment(0xE2, b"MPF\0" + many_tags(65_000, 3))), "a.jpg"
    ),
    "a PNG of chunks": either(SLOW, lambda: with_chunks(chunk(b"juNk") * (FLOOD // 12))),
    "a JPEG of segments": either(
        SLOW, lambda: with_segments(segment(0xE5, b"") * (FLOOD // 4)), "a.jpg"
    ),
    "a JPEG of padding": lossy(lambda: with_segments(b"\xff" * 100_000)),
    "a JPEG of scans": no(SLOW, lambda: many_scans(5000, FLOOD), "a.jpg"),
    "a GIF of comments": no(SLOW, lambda: gif_with(b"!\xfe" + blocks_of(FLOOD, 255)), "a.gif"),
    "a BMP of tiny runs": no(
        ANEW,
        lambda: bitmap(5000, 5000, 8, b"\1\1" * (FLOOD // 2), compression=1, palette=bytes(1024)),
        "a.bmp",
    ),
    "a BMP that skips 6 GB": no(
        SIDE,
        lambda: bitmap(25_000_000, 1, 8, b"\0\2\xff\xff", compression=1, palette=bytes(1024)),
        "a.bmp",
    ),
}
ANIMATIONS = {
    name: yes(
        lambda save=save, options=options: save(
            save_all=True,
            append_images=[Image.new("RGB", (64, 64), (k, 0, 0)) for k in range(9)],
            **options,
        ),
        file=f"a.{name}",
    )
    for name, save, options in (("gif", gif, {}), ("webp", webp, {}), ("png", saved, {}))
} | {
    "APNG of 300 frames": yes(lambda: animated_png(300)),
    "APNG that claims 2 billion frames": yes(lambda: animated_png(3, 2**31 - 1)),
    "APNG whose first picture is no frame": yes(lambda: animated_png(3, hidden=True)),
    "GIF of 5,000 frames": yes(
        lambda: (content := gif())[:-1] + content[making.gif_frame(content) - 1 : -1] * 5000 + b";",
        file="a.gif",
    ),
    "GIF that never ends": yes(lambda: gif()[:-1] + b"," * 10_000, file="a.gif"),
    "GIF in a corner of its screen": yes(
        making.in_a_corner, [WHITE, WHITE, WHITE, SCENE[0]], "a.gif"
    ),
}
COLOURS = {
    "JPEG of CMYK": lossy(lambda: jpeg(scene().convert("CMYK"))),
    "JPEG of grey": lossy(lambda: jpeg(scene().convert("L")), GREY),
    "JPEG of RGB as it is": lossy(lambda: jpeg(keep_rgb=True)),
    "JPEG with little colour": lossy(lambda: jpeg(subsampling=2)),
    "16 bits of grey": yes(lambda: sixteen_bits("L"), GREY),
    "16 bits of RGB": yes(lambda: sixteen_bits("RGB")),
    "16 bits of RGBA": yes(lambda: sixteen_bits("RGBA")),
    "16 bits of grey, one of them transparent": yes(
        keyed_grey, [WHITE, *([round(value / 257)] * 3 for value in (20_000, 40_000, 65_535))]
    ),
    "2 bits of grey": yes(lambda: grey_levels(2), [[k] * 3 for k in (0, 85, 170, 255)]),
    "4 bits of grey": yes(lambda: grey_levels(4), [[k] * 3 for k in (0, 85, 170, 255)]),
    "black and white": yes(
        lambda: saved(scene().convert("L").point(lambda v: v > 120, "1")),
        [BLACK, WHITE if GREY[1][0] > 120 else BLACK, BLACK, WHITE],
    ),
    "grey with alpha": yes(lambda: saved(with_alpha(51, "L")), over_white(0.2, GREY)),
    "palette": yes(lambda: saved(scene().quantize(4))),
    "palette with alpha": yes(
        lambda: saved(with_alpha(102).quantize(4)), over_white(0.4), within=4
    ),
    "palette that lacks colours": yes(
        lambda: png(
            64,
            64,
            making.rows_of(np.full((64, 64, 1), 200, np.uint8)),
            colour=3,
            before=chunk(b"PLTE", bytes(SCENE[0])),
        ),
        [BLACK] * 4,
    ),
    "no palette": yes(lambda: png(64, 64, bytes(65) * 64, colour=3), [BLACK] * 4),
    "RGBA": yes(lambda: saved(with_alpha(51)), over_white(0.2)),
    "RGBA that shows nothing": yes(lambda: saved(with_alpha(0)), [WHITE] * 4),
    "one colour that is transparent": yes(lambda: keyed(8), [WHITE, *SCENE[1:]]),
    "one colour of 16 bits that is transparent": yes(lambda: keyed(16), [WHITE, *SCENE[1:]]),
    "WebP with alpha": yes(lambda: webp(with_alpha(51)), over_white(0.2), "a.webp"),
    "WebP with loss": lossy(lambda: webp(lossless=False, quality=95), file="a.webp"),
    "GIF with a transparent colour": yes(
        lambda: gif(scene().quantize(4), transparency=scene().quantize(4).getpixel((0, 0))),
        [WHITE, *SCENE[1:]],
        "a.gif",
    ),
    "interlaced GIF": yes(lambda: gif(interlace=1), file="a.gif"),
    "interlaced PNG": yes(making.interlaced),
}
BITMAPS = {
    "from the top": yes(
        lambda: bitmap(64, -64, 24, np.asarray(scene())[..., ::-1].tobytes()), file="a.bmp"
    ),
    "8 bits": yes(lambda: bmp(scene().quantize(4)), file="a.bmp"),
    "1 bit": yes(lambda: bmp(Image.new("1", (64, 64), 1)), [WHITE] * 4, "a.bmp"),
    "runs": yes(
        lambda: bitmap(64, 64, 8, runs_of_scene(), compression=1, palette=palette_of_scene()),
        file="a.bmp",
    ),
    "OS/2": yes(making.os2, file="a.bmp"),
    "5, 6 and 5 bits": yes(making.high_colour, file="a.bmp", within=8),
    "32 bits, whose last eight mean nothing": yes(lambda: bmp(with_alpha(51)), file="a.bmp"),
    "7 bits": no(DAMAGED, lambda: bitmap(64, 64, 7, bytes(9999)), "a.bmp"),
    "an unknown compression": no(
        DAMAGED, lambda: bitmap(64, 64, 24, bytes(99_999), compression=77), "a.bmp"
    ),
    "a JPEG inside": no(DAMAGED, lambda: bitmap(64, 64, 0, jpeg(), compression=4), "a.bmp"),
    "an odd header": no(
        DAMAGED, lambda: (made := bmp())[:14] + struct.pack("<I", 41) + made[18:], "a.bmp"
    ),
    "a header of 4 GB": no(
        DAMAGED, lambda: (made := bmp())[:14] + struct.pack("<I", 2**32 - 1) + made[18:], "a.bmp"
    ),
    "pixels before the file": no(
        DAMAGED, lambda: (made := bmp())[:10] + struct.pack("<I", 2**32 - 9) + made[14:], "a.bmp"
    ),
}
TURNED = {
    f"{value} in JPEG": lossy(
        lambda value=value: with_segments(
            exif_segment(orientation(value)), jpeg(turned_away(value))
        )
    )
    for value in range(1, 9)
} | {
    "6 in PNG": yes(lambda: with_chunks(chunk(b"eXIf", orientation(6)), saved(turned_away(6)))),
    "6 in PNG, after its pixels": yes(
        lambda: (made := saved(turned_away(6)))[:-12] + chunk(b"eXIf", orientation(6)) + made[-12:]
    ),
    "6 in WebP": yes(
        lambda: webp(turned_away(6), exif=b"Exif\0\0" + orientation(6)), file="a.webp"
    ),
    "8 in XMP": yes(
        lambda: with_chunks(
            chunk(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="8"/>'),
            saved(turned_away(8)),
        )
    ),
    **{
        f"{value} in JPEG, which means nothing": lossy(
            lambda value=value: with_segments(exif_segment(orientation(value)))
        )
        for value in (0, 9, 65_535)
    },
    "words": lossy(
        lambda: with_segments(exif_segment(exif(entry(0x0112, 2, 9, 26), after=b"sideways\0")))
    ),
    "EXIF that is none": lossy(lambda: with_segments(exif_segment(b"no such thing" * 9))),
    "EXIF of noise": lossy(lambda: with_segments(exif_segment(b"II*\0" + noise(9000)))),
    "EXIF that is cut off": lossy(lambda: with_segments(exif_segment(orientation(6)[:15]))),
    "EXIF in a circle": lossy(
        lambda: with_segments(exif_segment(exif(entry(0x8769, 4, 1, 8), entry(0x014A, 4, 1, 8))))
    ),
    "EXIF of no bytes": lossy(lambda: with_segments(exif_segment(b""))),
    "64 kB of EXIF": lossy(
        lambda: with_segments(exif_segment(orientation(6) + bytes(65_000)), jpeg(turned_away(6)))
    ),
    "a width in EXIF": lossy(
        lambda: with_segments(
            exif_segment(
                exif(entry(0x0100, 2, 9, 38), entry(0x0112, 3, 1, 6), after=b"so  wide\0")
            ),
            jpeg(turned_away(6)),
        )
    ),
}
PROFILES = {
    "good": lossy(lambda: jpeg(icc_profile=profile())),
    "good, in PNG": yes(lambda: saved(icc_profile=profile())),
    "of grey in colour": lossy(lambda: jpeg(icc_profile=profile().replace(b"RGB ", b"GRAY"))),
    "of ink in colour": yes(lambda: saved(icc_profile=profile().replace(b"RGB ", b"CMYK"))),
    "of noise": yes(lambda: webp(icc_profile=noise(3000)), file="a.webp"),
    "that is cut off": lossy(lambda: jpeg(icc_profile=profile()[:100])),
    "of parts that are missing": lossy(
        lambda: with_segments(segment(0xE2, b"ICC_PROFILE\0\x07\x09" + profile()[:100]))
    ),
    "of no bytes": no(NO_PICTURE, lambda: with_segments(segment(0xE2, b"ICC_PROFILE\0")), "a.jpg"),
    "that is not compressed": yes(lambda: with_chunks(chunk(b"iCCP", b"a\0\0" + profile()))),
}
STRUCTURES = {
    "PNG with 300 chunks of junk": yes(
        lambda: with_chunks(b"".join(chunk(b"juNk", noise(k)) for k in range(300)))
    ),
    "PNG with chunks of junk after its pixels": yes(
        lambda: (made := saved())[:-12] + chunk(b"juNk", noise(99)) * 300 + made[-12:]
    ),
    "PNG with chunks that have no name": no(
        NO_PICTURE, lambda: with_chunks(chunk(b"\xff\0\xff\0", b"junk"))
    ),
    "PNG with a wrong checksum": no(NO_PICTURE, lambda: with_chunks(chunk(b"tEXt", b"a\0b", 7))),
    "PNG with two headers": yes(
        lambda: with_chunks(chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)))
    ),
    "PNG with altered pixels": no(
        DAMAGED,
        lambda: (
            (made := bytearray(saved(noise_picture()))).__setitem__(slice(900, 999), bytes(99))
            or bytes(made)
        ),
    ),
    "JPEG with 300 segments of junk": lossy(
        lambda: with_segments(b"".join(segment(0xE5, noise(k)) for k in range(300)))
    ),
    "JPEG with 300 comments": lossy(lambda: with_segments(segment(0xFE, b"a comment") * 300)),
    "JPEG whose segment is longer than the file": no(
        DAMAGED, lambda: with_segments(b"\xff\xe5\xff\xff"), "a.jpg"
    ),
    "JPEG whose segment is shorter than nothing": lossy(lambda: with_segments(b"\xff\xe5\0\0")),
    "JPEG without tables": no(
        DAMAGED, lambda: (made := jpeg())[:2] + made[making.frame_of(made) - 5 :], "a.jpg"
    ),
    "JPEG of 12 bits": no(
        NO_PICTURE,
        lambda: (
            (made := jpeg())[: (place := making.frame_of(made) - 1)] + b"\x0c" + made[place + 1 :]
        ),
        "a.jpg",
    ),
    "JPEG whose header says more than it holds": lossy(
        lambda: of_size(jpeg(), 640, 640), [(128, 128, 128)] * 4
    ),
    "progressive JPEG": lossy(lambda: jpeg(progressive=True)),
    "progressive JPEG of 200 scans": lossy(lambda: many_scans(64, 200 * 15), [(128, 128, 128)] * 4),
    "JPEG with restarts": lossy(lambda: jpeg(restart_marker_blocks=1)),
    "JPEG of two pictures": lossy(
        lambda: saved(format="MPO", save_all=True, append_images=[ONE], quality=95)
    ),
    "PNG that is a ZIP": yes(lambda: saved() + zipped()),
    "GIF that is a script": yes(lambda: gif_with(b"!\xfe\x0d*/=1;alert(1)\0"), file="a.gif"),
    "JPEG that is a page": lossy(
        lambda: with_segments(segment(0xFE, b"<script>alert(1)</script>")), file="a.html"
    ),
    "JPEG in front of a PNG": lossy(lambda: jpeg() + saved(ONE)),
    "WebP that says that it is longer": no(
        DAMAGED, lambda: (made := webp())[:4] + struct.pack("<I", len(made) + 9) + made[8:]
    ),
    "JPEG as PNG": lossy(jpeg, file="a.png"),
    "PNG as JPEG": yes(saved, file="a.jpg"),
    "PNG as text": yes(saved, file="notes.txt"),
    "PNG as a page": yes(saved, file="index.html"),
    "PNG without an ending": yes(saved, file="picture"),
    "PNG with a long name": yes(saved, file="x" * 200 + ".png"),
    "PNG with an odd name": yes(saved, file="Ünï' \"&<b>%41;$(id).png"),
}

GROUPS = {
    "": NO_PICTURES,
    "format: ": OTHER_FORMATS,
    "cut off: ": CUT_OFF,
    "size: ": SIZES,
    "bomb: ": BOMBS,
    "animation: ": ANIMATIONS,
    "colour: ": COLOURS,
    "BMP: ": BITMAPS,
    "orientation: ": TURNED,
    "profile: ": PROFILES,
    "structure: ": STRUCTURES,
}
KINDS: dict[str, Kind] = {
    prefix + name: kind for prefix, kinds in GROUPS.items() for name, kind in kinds.items()
}
