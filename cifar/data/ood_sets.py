"""Out-of-distribution sets to measure `ood` on: images that show none of the ten classes.

Each set comes with a package that is installed anyway or is generated from a fixed seed, so nothing
is downloaded and everybody gets the same pixels.
"""

import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIZE = 32
COUNT = 1_000
SEED = 0
SUPERSAMPLING = 8  # pictures are drawn this many times larger, then averaged, for smooth edges
LARGE = SIZE * SUPERSAMPLING
LETTERS = string.ascii_letters


@dataclass(frozen=True)
class ForeignSet:
    """An out-of-distribution set: its name, title, source and images.

    images: a function without arguments that returns uint8 (N, 32, 32, 3), the same at every call.
    """

    name: str
    title: str
    source: str
    images: Callable[[], np.ndarray]


def digits() -> np.ndarray:
    """Return handwritten digits, white on black: uint8 (1797, 32, 32, 3), scaled from 8x8."""
    from sklearn.datasets import load_digits  # heavy

    grays = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    large = [Image.fromarray(gray).resize((SIZE, SIZE), Image.Resampling.BICUBIC) for gray in grays]
    return np.stack([np.asarray(digit.convert("RGB")) for digit in large])


def letters() -> np.ndarray:
    """Return a large letter on plain background in random colors: uint8 (1000, 32, 32, 3)."""
    rng = np.random.default_rng(SEED)
    fonts = [ImageFont.truetype(path, LARGE * 3 // 4) for path in _fonts()]
    pictures = []
    for _ in range(COUNT):
        picture = Image.new("RGB", (LARGE, LARGE), _random_color(rng))
        place = tuple(LARGE / 2 + rng.uniform(-0.15, 0.15, 2) * LARGE)
        font, letter = fonts[rng.integers(len(fonts))], LETTERS[rng.integers(len(LETTERS))]
        ImageDraw.Draw(picture).text(place, letter, _random_color(rng), font, anchor="mm")
        pictures.append(_shrunk(picture))
    return np.stack(pictures)


def pages() -> np.ndarray:
    """Return screens of text under a colored bar, as of documents: uint8 (1000, 32, 32, 3)."""
    rng = np.random.default_rng(SEED)
    fonts = [ImageFont.truetype(path, size) for path in _fonts() for size in (12, 18, 26)]
    pictures = []
    for _ in range(COUNT):
        dark = rng.random() < 0.3
        paper, ink = ((24, 26, 30), (220, 222, 226)) if dark else ((250, 250, 247), (30, 32, 36))
        picture = Image.new("RGB", (LARGE, LARGE), paper)
        draw = ImageDraw.Draw(picture)
        top = int(rng.integers(0, LARGE // 4))
        draw.rectangle((0, 0, LARGE, top), fill=_random_color(rng))
        font, margin = fonts[rng.integers(len(fonts))], int(rng.integers(4, 40))
        for y in range(top + 12, LARGE, round(font.size * 1.5)):
            letters = rng.integers(0, len(LETTERS), int(rng.integers(3, 40)))
            words = "".join(" " if k % 7 == 6 else LETTERS[i] for k, i in enumerate(letters))
            draw.text((margin, y), words, ink, font)
        pictures.append(_shrunk(picture))
    return np.stack(pictures)


def drawings() -> np.ndarray:
    """Return drawings of smooth pencil lines on white paper: uint8 (1000, 32, 32, 3)."""
    rng = np.random.default_rng(SEED)
    t = np.linspace(0, 1, 60)
    pictures = []
    for _ in range(COUNT):
        picture = Image.new("RGB", (LARGE, LARGE), "white")
        draw = ImageDraw.Draw(picture)
        gray = int(rng.integers(0, 90))
        for _ in range(rng.integers(3, 12)):
            # A line of a few low frequencies around a center.
            center, size = rng.uniform(0.2, 0.8, 2) * LARGE, rng.uniform(0.05, 0.4) * LARGE
            waves = rng.standard_normal((2, 3, 2)) / np.arange(1, 4)[:, None]
            angles = 2 * np.pi * np.arange(1, 4)[:, None] * t * rng.uniform(0.3, 1)
            points = center + size * (np.sin(angles).T @ waves[0] + np.cos(angles).T @ waves[1])
            width = int(rng.integers(2, 9))
            draw.line([tuple(point) for point in points], (gray,) * 3, width, joint="curve")
        pictures.append(_shrunk(picture))
    return np.stack(pictures)


def _fonts() -> list[str]:
    """Return the paths of the fonts that come with matplotlib."""
    from matplotlib import get_data_path

    folder = Path(get_data_path(), "fonts", "ttf")
    return [str(folder / f"{name}.ttf") for name in ("DejaVuSans", "DejaVuSerif-Bold", "cmr10")]


def _random_color(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(value) for value in rng.integers(0, 256, 3))


def _shrunk(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.reduce(SUPERSAMPLING))


def textures() -> np.ndarray:
    """Return colored noise with the spectrum of photographs: uint8 (1000, 32, 32, 3).

    Amplitude 1/f; every image has its own mean, contrast and share of color.
    """
    rng = np.random.default_rng(SEED)
    f = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE))
    f[0, 0] = np.inf  # removes the mean, which is set below
    white = rng.standard_normal((COUNT, 4, SIZE, SIZE))
    pink = np.fft.irfft2(np.fft.rfft2(white) / f, s=(SIZE, SIZE))
    pink /= pink.std((2, 3), keepdims=True)
    color = rng.random((COUNT, 1, 1, 1))  # 0: gray, 1: three independent channels
    mixed = (1 - color) * pink[:, :1] + color * pink[:, 1:]
    mixed /= mixed.std((1, 2, 3), keepdims=True)
    mean, contrast = rng.uniform(80, 175, (COUNT, 3, 1, 1)), rng.uniform(20, 70, (COUNT, 1, 1, 1))
    values = np.clip(np.rint(mean + contrast * mixed), 0, 255)
    return np.ascontiguousarray(values.astype(np.uint8).transpose(0, 2, 3, 1))


def shapes() -> np.ndarray:
    """Return one to four shapes of random colors on plain background: uint8 (1000, 32, 32, 3)."""
    rng = np.random.default_rng(SEED)
    return np.stack([_draw_shapes(rng) for _ in range(COUNT)])


def _draw_shapes(rng: np.random.Generator) -> np.ndarray:
    picture = Image.new("RGB", (LARGE, LARGE), _random_color(rng))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 5)):
        kind = rng.integers(3)
        x, y = (int(value) for value in rng.integers(0, LARGE, 2))
        half = int(rng.integers(3, 13)) * SUPERSAMPLING
        box = (x - half, y - half, x + half, y + half)
        if kind == 0:
            draw.rectangle(box, fill=_random_color(rng))
        elif kind == 1:
            draw.ellipse(box, fill=_random_color(rng))
        else:
            rotation = rng.uniform(0, 360)
            draw.regular_polygon((x, y, half), 3, rotation=rotation, fill=_random_color(rng))
    return _shrunk(picture)


def noise() -> np.ndarray:
    """Return independent uniform noise in every value: uint8 (1000, 32, 32, 3)."""
    rng = np.random.default_rng(SEED)
    return rng.integers(0, 256, (COUNT, SIZE, SIZE, 3), dtype=np.uint8)


SETS = (
    ForeignSet(
        "digits",
        "handwritten digits",
        "scikit-learn, `load_digits` (UCI, optical recognition of handwritten digits)",
        digits,
    ),
    ForeignSet("letters", "large letters", "drawn from a fixed seed", letters),
    ForeignSet("pages", "pages of text", "drawn from a fixed seed", pages),
    ForeignSet("drawings", "pencil lines", "drawn from a fixed seed", drawings),
    ForeignSet("textures", "textures of 1/f noise", "drawn from a fixed seed", textures),
    ForeignSet("shapes", "plain geometric shapes", "drawn from a fixed seed", shapes),
    ForeignSet("noise", "plain noise", "drawn from a fixed seed", noise),
)
