"""Sound pictures with bytes altered, always in the same ways."""

import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.hostile.making import (
    animated_png,
    bitmap,
    bmp,
    chunk,
    entry,
    exif,
    exif_segment,
    gif,
    jpeg,
    orientation,
    palette_of_scene,
    profile,
    runs_of_scene,
    saved,
    scene,
    webp,
    with_alpha,
    with_chunks,
    with_segments,
)

# Numbers at which sizes and offsets go wrong.
ODD = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def seeds() -> list[bytes]:
    """Pictures of all formats that are read, with whatever else these may hold."""
    tags = exif(entry(0x0112, 3, 1, 6), entry(0x011A, 5, 1, 62), entry(0x8769, 4, 1, 8))
    text = chunk(b"tEXt", b"a\0b") + chunk(b"zTXt", b"a\0\0" + zlib.compress(b"words"))
    extras = chunk(b"eXIf", orientation(6)) + chunk(b"tRNS", bytes(6)) + text
    second = [Image.new("RGB", (64, 64), "red")]
    return [
        with_chunks(extras, saved(icc_profile=profile()[:400])),
        saved(with_alpha(102).quantize(8)),
        saved(scene().convert("I;16")),
        animated_png(3),
        with_segments(exif_segment(tags + bytes(40)), jpeg(icc_profile=profile()[:400])),
        jpeg(progressive=True, subsampling=2),
        jpeg(scene().convert("CMYK")),
        webp(with_alpha(102), exif=b"Exif\0\0" + tags),
        webp(lossless=False, save_all=True, append_images=second),
        gif(scene().quantize(8), transparency=3, save_all=True, append_images=second),
        bmp(scene().quantize(8)),
        bitmap(64, 64, 8, runs_of_scene(), compression=1, palette=palette_of_scene()),
    ]


def altered(count: int, seed: int) -> Iterator[bytes]:
    """So many pictures, each a sound one with a few of its bytes changed, added or taken away."""
    rng, sound = random.Random(seed), seeds()
    for k in range(count):
        content = bytearray(sound[k % len(sound)])
        # Headers decide more than pixels do.
        end = rng.choice([40, 200, len(content)])
        for _ in range(rng.choice([1, 1, 2, 4])):
            alter(content, min(end, len(content)), rng, sound)
        if content.startswith(b"\x89PNG") and rng.random() < 0.8:
            mend(content)
        yield bytes(content)


def alter(content: bytearray, end: int, rng: random.Random, others: list[bytes]) -> None:
    at = rng.randrange(max(1, end))
    match rng.randrange(8):
        case 0 | 1:
            content[at : at + 1] = rng.randbytes(1)
        case 2:
            content[at : at + 1] = bytes([content[at] ^ 1 << rng.randrange(8)]) if content else b""
        case 3 | 4:
            kind = rng.choice("BHI") if rng.random() < 0.3 else rng.choice("HI")
            number = rng.choice(ODD) % 256 ** struct.calcsize(kind)
            number = struct.pack(rng.choice("<>") + kind, number)
            content[at : at + len(number)] = number
        case 5:
            del content[at : at + rng.choice([1, 4, 60])]
        case 6:
            content[at:at] = content[at : at + rng.choice([1, 12, 200])]
        case 7:
            other = rng.choice(others)
            start = rng.randrange(len(other))
            content[at:at] = other[start : start + rng.choice([4, 60])]


def mend(content: bytearray) -> None:
    """Give the chunks of a PNG the checksums of what is in them, without which none is read."""
    at = 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            break
        struct.pack_into(">I", content, end, zlib.crc32(content[at + 4 : end]))
        at = end + 4
