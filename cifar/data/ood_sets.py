"""Out-of-distribution sets to measure `ood` on: images that show none of the ten classes.

Each set comes with a package that is installed anyway or is generated from a fixed seed, so nothing
is downloaded and everybody gets the same pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIZE = 32
COUNT = 1_000
SEED = 0
SUPERSAMPLING = 8  # shapes are drawn this many times larger, then averaged, for smooth edges


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


def photographs() -> np.ndarray:
    """Return square crops of two photographs, a temple and a flower: uint8 (1000, 32, 32, 3).

    Their sides are 32 to 256 of 427 pixels, so they overlap and vary less than 1,000 photographs.
    """
    from sklearn.datasets import load_sample_images  # heavy

    rng = np.random.default_rng(SEED)
    photos = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    crops = []
    for i in range(COUNT):
        photo = photos[i % len(photos)]
        side = int(rng.integers(SIZE, 257))
        left = int(rng.integers(0, photo.width - side + 1))
        top = int(rng.integers(0, photo.height - side + 1))
        box = (left, top, left + side, top + side)
        crops.append(np.asarray(photo.resize((SIZE, SIZE), Image.Resampling.LANCZOS, box)))
    return np.stack(crops)


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
    def random_color() -> tuple[int, ...]:
        return tuple(int(value) for value in rng.integers(0, 256, 3))

    side = SIZE * SUPERSAMPLING
    picture = Image.new("RGB", (side, side), random_color())
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 5)):
        kind = rng.integers(3)
        x, y = (int(value) for value in rng.integers(0, side, 2))
        half = int(rng.integers(3, 13)) * SUPERSAMPLING
        box = (x - half, y - half, x + half, y + half)
        if kind == 0:
            draw.rectangle(box, fill=random_color())
        elif kind == 1:
            draw.ellipse(box, fill=random_color())
        else:
            rotation = rng.uniform(0, 360)
            draw.regular_polygon((x, y, half), 3, rotation=rotation, fill=random_color())
    return np.asarray(picture.reduce(SUPERSAMPLING))


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
    ForeignSet(
        "photographs",
        "pieces of photographs of a temple and a flower",
        "scikit-learn, `load_sample_images`",
        photographs,
    ),
    ForeignSet("textures", "textures of 1/f noise", "drawn from a fixed seed", textures),
    ForeignSet("shapes", "plain geometric shapes", "drawn from a fixed seed", shapes),
    ForeignSet("noise", "plain noise", "drawn from a fixed seed", noise),
)
