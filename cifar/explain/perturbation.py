"""Pictures of which a part was taken away, in the order of a heat map.

Images are normalised float32 (3, 32, 32), where 0 is the mean colour of the training images;
pixels are numbered row by row, 0 to 1023.
"""

import functools

import numpy as np
from PIL import Image
from scipy.linalg import solveh_banded
from scipy.ndimage import correlate, gaussian_filter

from cifar.data.pictures import SIZE
from cifar.explain.methods import HeatMap

PIXELS = SIZE * SIZE
# An eighth of the side: from there on more blur takes little more from the right answer.
BLUR = 4.0
# ROAD's weights of the pixels around one.
NEIGHBOURS = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]]) / 12
ROAD_NOISE = 0.01
TIES_SEED, TIES_SIZE = 2018, 8


def resized(values: np.ndarray, size: int) -> np.ndarray:
    """A map (h, w) as float32 (size, size): bilinear, centres on centres, as maps are drawn."""
    picture = Image.fromarray(np.asarray(values, dtype=np.float32))
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))


@functools.cache
def _ties() -> np.ndarray:
    noise = np.random.default_rng(TIES_SEED).standard_normal((TIES_SIZE, TIES_SIZE))
    return resized(noise, SIZE).ravel()


def ranking(values: np.ndarray) -> np.ndarray:
    """The pixels of the whole picture, most evidence of a map (h, w) first: int64 (1024,).

    Pixels of equal evidence, such as all those without any, come in the order of one random map
    that is the same for all: row by row, the ground above an object would count as more than the
    ground below it, and single pixels strewn at random do a network more harm than patches do.
    """
    return np.lexsort((_ties(), -resized(values, SIZE).ravel()))


def first(order: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Which pixels are among the first of an order, for each share 0 to 1: bool (S, 1024)."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place < np.rint(np.asarray(shares) * len(order))[:, None]


def mixed(inside: np.ndarray, outside: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """One image where a mask (S, 1024) is set and another elsewhere: float32 (S, 3, 32, 32)."""
    return np.where(masks.reshape(-1, 1, SIZE, SIZE), inside, outside)


def blurred(image: np.ndarray) -> np.ndarray:
    """An image that has lost its objects but not its colours: a Gaussian of BLUR pixels."""
    return gaussian_filter(image, (0, BLUR, BLUR))


@functools.cache
def _bands() -> np.ndarray:
    """float64 (34, 1024): what ROAD's equations say of pixel j itself (0) and of j + d (row d).

    A pixel times the sum of its neighbours' weights, less the neighbours times their weights, is 0.
    """
    bands = np.zeros((SIZE + 2, SIZE, SIZE))
    bands[0] = correlate(np.ones((SIZE, SIZE)), NEIGHBOURS, mode="constant")
    bands[1, :, :-1] = bands[SIZE] = -NEIGHBOURS[0, 1]
    bands[SIZE - 1, :, 1:] = bands[SIZE + 1, :, :-1] = -NEIGHBOURS[0, 0]
    return bands.reshape(-1, PIXELS)


def imputed(
    image: np.ndarray,
    masks: np.ndarray,
    random: np.random.Generator,
    noise: float = ROAD_NOISE,
) -> np.ndarray:
    """An image whose masked pixels are guessed from the others: float32 (S, 3, 32, 32).

    masks: bool (S, 1024). Each masked pixel is the weighted mean of its eight neighbours, 1/6 for
    those beside it and 1/12 for those across a corner, given or guessed, plus Gaussian noise of
    standard deviation `noise`: the shape of what was removed can hardly be seen in the result.
    Raises ValueError for a mask that leaves nothing to guess from.
    Source: Rong et al., ROAD, https://arxiv.org/abs/2202.00449, section 4.
    """
    if masks.all(axis=1).any():
        raise ValueError("Every pixel is masked: leave some to guess the others from.")
    found = np.empty((len(masks), *image.shape), dtype=np.float32)
    for picture, mask in zip(found, masks, strict=True):
        hidden = mask.reshape(SIZE, SIZE)
        sums = correlate(np.where(hidden, 0.0, image), NEIGHBOURS[None], mode="constant")
        # Neighbours are at most 33 places apart in the order of rows, so the matrix is banded. A
        # given pixel's equation is that it stays what it is.
        bands = _bands() * mask
        for distance in (1, SIZE - 1, SIZE, SIZE + 1):
            bands[distance, :-distance] *= mask[distance:]
        bands[0, ~mask] = 1
        wanted = np.where(hidden, sums, image).reshape(3, PIXELS).T
        guessed = solveh_banded(bands, wanted, lower=True, check_finite=False)
        guessed[mask] += noise * random.standard_normal((mask.sum(), 3))
        picture[:] = guessed.T.reshape(image.shape)
    return found


def random_maps(heat: HeatMap, count: int, random: np.random.Generator) -> list[np.ndarray]:
    """Maps (h, w) that know nothing of the picture, as coarse and as smooth as the heat map.

    They have its spectrum (that of the map and its mirror images, so that opposite edges do not
    meet) with the phases of noise. Scattered pixels would be an unfair match for a map of whole
    patches, since they do a network more harm. For a constant map, the noise itself.
    """
    values = np.asarray(heat.values, dtype=np.float64)
    height, width = values.shape
    mirrored = np.pad(values - values.mean(), ((0, height), (0, width)), mode="symmetric")
    strength = np.abs(np.fft.fft2(mirrored)) if np.ptp(values) else np.ones(mirrored.shape)
    maps = []
    for _ in range(count):
        noise = np.fft.fft2(random.standard_normal(mirrored.shape))
        found = np.fft.ifft2(strength * noise / np.abs(noise)).real
        maps.append(found[:height, :width])
    return maps
