"""Pictures that show none of the ten classes: what `ood` is measured on.

Each set comes with a package that is installed anyway, or is drawn from a fixed seed, so that
nothing is downloaded and everybody gets the same pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIZE = 32
COUNT = 1_000
SEED = 0
FINE = 8  # shapes are drawn so many times larger, then averaged, for smooth edges


@dataclass(frozen=True)
class ForeignSet:
    """A set of foreign pictures: its name, what it shows, where it is from, and its images.

    images: a function without arguments that returns uint8 (N, 32, 32, 3), the same at every call.
    """

    name: str
    title: str
    source: str
    images: Callable[[], np.ndarray]


def digits() -> np.ndarray:
    """Handwritten digits, white on black: uint8 (1797, 32, 32, 3), scaled from 8x8."""
    from sklearn.datasets import load_digits  # heavy

    greys = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    large = [Image.fromarray(grey).resize((SIZE, SIZE), Image.Resampling.BICUBIC) for grey in greys]
    return np.stack([np.asarray(picture.convert("RGB")) for picture in large])


def photographs() -> np.ndarray:
    """Squares of a temple's and a flower's photograph, in turn: uint8 (1000, 32, 32, 3).

    Their sides are 32 to 256 of 427 pixels, so they overlap: less varied than 1,000 photographs.
    """
    from sklearn.datasets import load_sample_images  # heavy

    rng = np.random.default_rng(SEED)
    wholes = [Image.fromarray(whole) for whole in load_sample_images().images]
    crops = []
    for i in range(COUNT):
        whole = wholes[i % len(wholes)]
        side = int(rng.integers(SIZE, 257))
        left = int(rng.integers(0, whole.width - side + 1))
        top = int(rng.integers(0, whole.height - side + 1))
        box = (left, top, left + side, top + side)
        crops.append(np.asarray(whole.resize((SIZE, SIZE), Image.Resampling.LANCZOS, box)))
    return np.stack(crops)


def textures() -> np.ndarray:
    """Coloured noise that falls off with frequency as photographs do: uint8 (1000, 32, 32, 3).

    Amplitude 1/f; every picture has its own mean, contrast and share of colour.
    """
    rng = np.random.default_rng(SEED)
    f = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE))
    f[0, 0] = np.inf  # no mean: it is set below
    white = rng.standard_normal((COUNT, 4, SIZE, SIZE))
    pink = np.fft.irfft2(np.fft.rfft2(white) / f, s=(SIZE, SIZE))
    pink /= pink.std((2, 3), keepdims=True)
    colour = rng.random((COUNT, 1, 1, 1))  # 0: grey, 1: three channels of their own
    mixed = (1 - colour) * pink[:, :1] + colour * pink[:, 1:]
    mixed /= mixed.std((1, 2, 3), keepdims=True)
    mean, contrast = rng.uniform(80, 175, (COUNT, 3, 1, 1)), rng.uniform(20, 70, (COUNT, 1, 1, 1))
    values = np.clip(np.rint(mean + contrast * mixed), 0, 255)
    return np.ascontiguousarray(values.astype(np.uint8).transpose(0, 2, 3, 1))


def shapes() -> np.ndarray:
    """One to four plain shapes of random colours on a plain ground: uint8 (1000, 32, 32, 3)."""
    rng = np.random.default_rng(SEED)
    return np.stack([_shapes(rng) for _ in range(COUNT)])


def _shapes(rng: np.random.Generator) -> np.ndarray:
    def colour() -> tuple[int, ...]:
        return tuple(int(value) for value in rng.integers(0, 256, 3))

    side = SIZE * FINE
    picture = Image.new("RGB", (side, side), colour())
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 5)):
        kind = rng.integers(3)
        x, y = (int(value) for value in rng.integers(0, side, 2))
        half = int(rng.integers(3, 13)) * FINE
        box = (x - half, y - half, x + half, y + half)
        if kind == 0:
            draw.rectangle(box, fill=colour())
        elif kind == 1:
            draw.ellipse(box, fill=colour())
        else:
            turned = rng.uniform(0, 360)
            draw.regular_polygon((x, y, half), 3, rotation=turned, fill=colour())
    return np.asarray(picture.reduce(FINE))


def noise() -> np.ndarray:
    """Every value of every pixel drawn for itself: uint8 (1000, 32, 32, 3)."""
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
