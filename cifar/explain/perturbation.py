"""Pictures with pixels removed in the order of a heat map.

Images are normalized float32 (3, 32, 32), where 0 is the mean color of the training images. Pixels
are numbered row by row, 0 to 1023.
"""

import functools

import numpy as np
from PIL import Image
from scipy.linalg import solveh_banded
from scipy.ndimage import correlate, gaussian_filter

from cifar.data.pictures import SIZE
from cifar.explain.methods import HeatMap

PIXELS = SIZE * SIZE
# An eighth of the side: more blur hardly lowers the right class's probability further.
BLUR = 4.0
# ROAD's weights of a pixel's neighbors.
NEIGHBOR_WEIGHTS = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]]) / 12
ROAD_NOISE = 0.01
TIES_SEED, TIES_SIZE = 2018, 8


def resize(values: np.ndarray, size: int) -> np.ndarray:
    """Resize a map (h, w) to float32 (size, size): bilinear, centers aligned, as maps are drawn."""
    picture = Image.fromarray(np.asarray(values, dtype=np.float32))
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))


@functools.cache
def _tie_breaker() -> np.ndarray:
    noise = np.random.default_rng(TIES_SEED).standard_normal((TIES_SIZE, TIES_SIZE))
    return resize(noise, SIZE).ravel()


def ranking(values: np.ndarray) -> np.ndarray:
    """Sort the pixels by the evidence of a map (h, w), most first: int64 (1024,).

    Pixels of equal evidence, such as all those without any, are sorted by one smooth random map
    that is the same for all. In row order, the background above an object would rank before that
    below it, and scattered pixels harm a network more than patches do.
    """
    return np.lexsort((_tie_breaker(), -resize(values, SIZE).ravel()))


def top_pixels(order: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Mask the first pixels of an order, for each share of them, 0 to 1: bool (S, 1024)."""
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank < np.rint(np.asarray(shares) * len(order))[:, None]


def composite(inside: np.ndarray, outside: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Combine two images, the first where a mask (S, 1024) is set: float32 (S, 3, 32, 32)."""
    return np.where(masks.reshape(-1, 1, SIZE, SIZE), inside, outside)


def blur(image: np.ndarray) -> np.ndarray:
    """Remove an image's objects but keep its colors, by a Gaussian of BLUR pixels."""
    return gaussian_filter(image, (0, BLUR, BLUR))


@functools.cache
def _bands() -> np.ndarray:
    """Return ROAD's coefficients of pixel j (row 0) and pixel j + d (row d): float64 (34, 1024).

    A pixel times the sum of its neighbors' weights, minus the neighbors times their weights, is 0.
    """
    bands = np.zeros((SIZE + 2, SIZE, SIZE))
    bands[0] = correlate(np.ones((SIZE, SIZE)), NEIGHBOR_WEIGHTS, mode="constant")
    bands[1, :, :-1] = bands[SIZE] = -NEIGHBOR_WEIGHTS[0, 1]
    bands[SIZE - 1, :, 1:] = bands[SIZE + 1, :, :-1] = -NEIGHBOR_WEIGHTS[0, 0]
    return bands.reshape(-1, PIXELS)


def impute(
    image: np.ndarray,
    masks: np.ndarray,
    random: np.random.Generator,
    noise: float = ROAD_NOISE,
) -> np.ndarray:
    """Impute an image's masked pixels from the others: float32 (S, 3, 32, 32).

    masks: bool (S, 1024). Each masked pixel becomes the weighted mean of its eight neighbors, known
    or imputed (1/6 for each adjacent one, 1/12 for each diagonal one), plus Gaussian noise of
    standard deviation `noise`. The shape of the mask is hardly visible in the result.
    Raises ValueError for a mask of all pixels.
    Source: Rong et al., ROAD, https://arxiv.org/abs/2202.00449, section 4.
    """
    if masks.all(axis=1).any():
        raise ValueError("Every pixel is masked: leave some to guess the others from.")
    imputed = np.empty((len(masks), *image.shape), dtype=np.float32)
    for picture, mask in zip(imputed, masks, strict=True):
        hidden = mask.reshape(SIZE, SIZE)
        sums = correlate(np.where(hidden, 0.0, image), NEIGHBOR_WEIGHTS[None], mode="constant")
        # Neighbors are at most 33 apart in row order, so the matrix is banded. The equation of a
        # known pixel keeps its value.
        bands = _bands() * mask
        for distance in (1, SIZE - 1, SIZE, SIZE + 1):
            bands[distance, :-distance] *= mask[distance:]
        bands[0, ~mask] = 1
        right_side = np.where(hidden, sums, image).reshape(3, PIXELS).T
        solution = solveh_banded(bands, right_side, lower=True, check_finite=False)
        solution[mask] += noise * random.standard_normal((mask.sum(), 3))
        picture[:] = solution.T.reshape(image.shape)
    return imputed


def random_maps(heat: HeatMap, count: int, random: np.random.Generator) -> list[np.ndarray]:
    """Draw random maps (h, w), independent of the picture, as coarse and smooth as the heat map.

    They have its amplitude spectrum (that of the map and its mirror images, so that opposite edges
    do not meet) with the phases of noise. Scattered pixels would be no fair comparison for a map of
    patches, since they harm a network more. For a constant map, the noise itself.
    """
    values = np.asarray(heat.values, dtype=np.float64)
    height, width = values.shape
    mirrored = np.pad(values - values.mean(), ((0, height), (0, width)), mode="symmetric")
    amplitudes = np.abs(np.fft.fft2(mirrored)) if np.ptp(values) else np.ones(mirrored.shape)
    maps = []
    for _ in range(count):
        noise = np.fft.fft2(random.standard_normal(mirrored.shape))
        random_map = np.fft.ifft2(amplitudes * noise / np.abs(noise)).real
        maps.append(random_map[:height, :width])
    return maps
