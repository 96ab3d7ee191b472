"""Thumbnails as lossless PNG sheets: the test images, and the training images near mistakes."""

import io
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from PIL import Image

SIDE = 32  # pixels of an image
COLUMNS = 25  # images in a row of a sheet
PER_SHEET = 500


class Images(Protocol):
    """Images, uint8 (32, 32, 3) each, by their index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> np.ndarray: ...


def positions(wrong: Sequence[np.ndarray]) -> np.ndarray:
    """The place of every image in the sheets: uint16 (N,), sheet = place // PER_SHEET.

    wrong: bool (N,) for each model, the most looked at first: what it gets wrong comes before the
    rest, so that its mistakes are on the first sheets.
    """
    if not wrong:
        raise ValueError("The order of the sheets needs at least one model's mistakes.")
    order = np.lexsort([~mask for mask in reversed(wrong)])  # the last key counts first
    places = np.empty(len(order), dtype=np.uint16)
    places[order] = np.arange(len(order), dtype=np.uint16)
    return places


def count(images: int) -> int:
    """How many sheets so many images fill."""
    return -(-images // PER_SHEET)


def sheet(images: Images, places: np.ndarray, number: int) -> bytes:
    """Sheet `number`, from 0, as PNG: rows of COLUMNS images, the last row may be part empty.

    images: uint8 (32, 32, 3) each, in test order; places: what `positions` gave. Raises
    ValueError for a sheet that there is not.
    """
    if not 0 <= number < count(len(images)):
        raise ValueError(f"There is no sheet {number}: choose 0 to {count(len(images)) - 1}.")
    order = np.argsort(places)
    chosen = order[number * PER_SHEET : (number + 1) * PER_SHEET].tolist()
    return grid([images[index] for index in chosen], COLUMNS)


def grid(images: Sequence[np.ndarray], columns: int) -> bytes:
    """Images, uint8 (32, 32, 3) each, row by row as PNG; the last row may be part empty."""
    rows = -(-len(images) // columns)
    cells = np.zeros((rows * columns, SIDE, SIDE, 3), dtype=np.uint8)
    cells[: len(images)] = images
    tiled = cells.reshape(rows, columns, SIDE, SIDE, 3).swapaxes(1, 2)
    buffer = io.BytesIO()
    picture = Image.fromarray(tiled.reshape(rows * SIDE, columns * SIDE, 3))
    picture.save(buffer, format="PNG", compress_level=3)  # 6 takes twice as long to save 2%
    return buffer.getvalue()
