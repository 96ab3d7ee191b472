"""Probe how a network's answer changes with small, well understood changes to an image.

Each probe changes one property in steps, after the usual corruptions of robustness measurements
(Hendrycks and Dietterich, https://arxiv.org/abs/1903.12261), with strengths for 32x32 pixels. Only
the noise is random, and it is the same for every image.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageFilter
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as v2

from cifar.data.pictures import SIZE
from cifar.evaluation.classifier import calibrated, to_tensor
from cifar.models.checkpoint import Checkpoint

SEED = 0
# A rotated image reaches past its border by less than this on every side.
CORNER = 16


@dataclass(frozen=True)
class Probe:
    """A property that is changed in steps.

    settings: its values in order, in `unit` ("" for on and off); `neutral`, one of them, changes no
    pixel. apply: from a uint8 (32, 32, 3) image and a setting to the changed image, of the same
    shape and type. phrase: a setting other than the neutral one in words.
    """

    name: str
    title: str
    unit: str
    settings: tuple[float, ...]
    neutral: float
    apply: Callable[[np.ndarray, float], np.ndarray]
    phrase: Callable[[float], str]

    def words(self, setting: float) -> str:
        """Return a setting in words: "4 px to the left", "blur 1.5 px", "unchanged"."""
        return "unchanged" if setting == self.neutral else self.phrase(setting)


@dataclass(frozen=True)
class Sweep:
    """A network's answers to an image at every setting of a probe.

    images: uint8 (S, 32, 32, 3). probabilities: float64 (S, 10), calibrated. change: float64 (S,),
    root-mean-square difference of the pixels from the original's, 0 to 255.
    """

    probe: Probe
    images: np.ndarray
    probabilities: np.ndarray
    change: np.ndarray


@dataclass(frozen=True)
class Flip:
    """A setting at which the answer becomes another class, 0 to 9. change: as in Sweep."""

    probe: Probe
    setting: float
    becomes: int
    change: float

    @property
    def words(self) -> str:
        """The setting in words."""
        return self.probe.words(self.setting)


def sweeps(checkpoint: Checkpoint, image: np.ndarray) -> list[Sweep]:
    """Apply every probe to one uint8 (32, 32, 3) image, in the order of PROBES."""
    changed = [
        np.stack([probe.apply(image, setting) for setting in probe.settings])
        for probe in PROBES.values()
    ]
    probabilities = calibrated(checkpoint, to_tensor(np.concatenate(changed)))
    ends = np.cumsum([len(images) for images in changed])
    return [
        Sweep(probe, images, answers, _change(images, image))
        for probe, images, answers in zip(
            PROBES.values(), changed, np.split(probabilities, ends[:-1]), strict=True
        )
    ]


def flips(swept: list[Sweep]) -> list[Flip]:
    """Return the smallest change of each probe that changes the answer, smallest first.

    Smallest by root-mean-square difference of the pixels; probes that never change the answer are
    left out.
    """
    found = []
    for sweep in swept:
        answers = sweep.probabilities.argmax(1)
        before = answers[sweep.probe.settings.index(sweep.probe.neutral)]
        # Equal pixels are no change, whatever rounding makes of their answers.
        others = np.flatnonzero((answers != before) & (sweep.change > 0))
        if len(others):
            i = others[sweep.change[others].argmin()]
            setting, change = sweep.probe.settings[i], float(sweep.change[i])
            found.append(Flip(sweep.probe, setting, int(answers[i]), change))
    return sorted(found, key=lambda flip: flip.change)


def _change(images: np.ndarray, original: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(images.astype(np.float64) - original).mean((1, 2, 3)))


def shift(image: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """Move an image by whole pixels, down and to the right if positive; edges are reflected."""
    reach = max(abs(dy), abs(dx))
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
    return padded[reach - dy :, reach - dx :][: image.shape[0], : image.shape[1]].copy()


def rotate(image: np.ndarray, degrees: float) -> np.ndarray:
    """Turn clockwise about the center. The corners show the image reflected, not black."""
    padded = np.pad(image, ((CORNER, CORNER), (CORNER, CORNER), (0, 0)), mode="reflect")
    turned = v2.rotate(Image.fromarray(padded), -degrees, InterpolationMode.BICUBIC)
    return np.asarray(turned)[CORNER:-CORNER, CORNER:-CORNER].copy()


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blur with a Gaussian of a standard deviation in pixels.

    Pillow's, which takes any deviation; torchvision's has a kernel of a fixed width.
    """
    return np.array(Image.fromarray(image).filter(ImageFilter.GaussianBlur(sigma)))


def add_noise(image: np.ndarray, deviation: float) -> np.ndarray:
    """Add Gaussian noise of a deviation in gray levels, 0 to 255; always the same pattern."""
    noisy = image + deviation * _noise(image.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@cache
def _noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(SEED).standard_normal(shape)


def compress(image: np.ndarray, quality: float) -> np.ndarray:
    """Write and read a JPEG of this quality, 1 to 99; 100 leaves the image as it is.

    Pillow's, because torchvision's is deprecated since 0.29.
    """
    if quality == 100:
        return image.copy()
    with io.BytesIO() as stream:
        Image.fromarray(image).save(stream, "JPEG", quality=int(quality))
        with Image.open(stream) as decoded:
            return np.array(decoded)


def zoom(image: np.ndarray, side: float) -> np.ndarray:
    """Enlarge the central square of `side` pixels to the whole.

    Pillow's resize, which looks at the pixels beside the square, too, as torchvision's cannot.
    """
    left = (SIZE - side) / 2
    box = (left, left, left + side, left + side)
    return np.array(Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BICUBIC, box))


def brighten(image: np.ndarray, factor: float) -> np.ndarray:
    """Multiply every value by a factor, at least 0."""
    return np.array(v2.adjust_brightness(Image.fromarray(image), factor))


def change_contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Move every value away from the mean gray (factor above 1) or towards it (0 to 1)."""
    return np.array(v2.adjust_contrast(Image.fromarray(image), factor))


def take_color(image: np.ndarray, percent: float) -> np.ndarray:
    """Take a share of the color away, 0 to 100 percent."""
    return np.array(v2.adjust_saturation(Image.fromarray(image), 1 - percent / 100))


def _sideways(dx: float) -> str:
    return f"{abs(dx):g} px to the {'left' if dx < 0 else 'right'}"


def _upright(dy: float) -> str:
    return f"{abs(dy):g} px {'up' if dy < 0 else 'down'}"


def _turned(degrees: float) -> str:
    return f"{abs(degrees):g} degrees {'counter-clockwise' if degrees < 0 else 'clockwise'}"


_BOTH_WAYS = (-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8)
_ANGLES = (-90, -60, -45, -30, -20, -15, -10, -5, 0, 5, 10, 15, 20, 30, 45, 60, 90)
_FACTORS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2)

PROBES: dict[str, Probe] = {
    probe.name: probe
    for probe in (
        Probe(
            "shift_x",
            "shift sideways",
            "px",
            _BOTH_WAYS,
            0,
            lambda image, dx: shift(image, 0, int(dx)),
            _sideways,
        ),
        Probe(
            "shift_y",
            "shift up and down",
            "px",
            _BOTH_WAYS,
            0,
            lambda image, dy: shift(image, int(dy), 0),
            _upright,
        ),
        Probe("rotate", "turn", "°", _ANGLES, 0, rotate, _turned),
        Probe(
            "mirror",
            "mirror left and right",
            "",
            (0, 1),
            0,
            lambda image, on: (image[:, ::-1] if on else image).copy(),
            lambda _: "mirrored",
        ),
        Probe(
            "brightness",
            "brightness",
            "times",
            _FACTORS,
            1,
            brighten,
            lambda factor: f"{factor:g} times as bright",
        ),
        Probe(
            "contrast",
            "contrast",
            "times",
            _FACTORS,
            1,
            change_contrast,
            lambda factor: f"{factor:g} times the contrast",
        ),
        Probe(
            "blur",
            "blur",
            "px",
            (0, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.5, 3),
            0,
            blur,
            lambda sigma: f"blur {sigma:g} px",
        ),
        Probe(
            "noise",
            "noise",
            "levels",
            (0, 2, 4, 6, 8, 12, 16, 20, 25, 30, 40, 50, 60),
            0,
            add_noise,
            lambda deviation: f"noise of {deviation:g} levels",
        ),
        Probe(
            "jpeg",
            "JPEG compression",
            "quality",
            (100, 98, 95, 90, 80, 70, 60, 50, 40, 30, 20, 10, 5),
            100,
            compress,
            lambda quality: f"JPEG quality {quality:g}",
        ),
        Probe(
            "grey",
            "colour taken away",
            "%",
            (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100),
            0,
            take_color,
            lambda share: "all colour gone" if share == 100 else f"{share:g} % of the colour gone",
        ),
        Probe(
            "crop",
            "zoom in",
            "px kept",
            (32, 30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8),
            32,
            zoom,
            lambda side: f"only the central {side:g} px",
        ),
    )
}
