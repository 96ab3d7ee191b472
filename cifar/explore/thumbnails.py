"""Thumbnails as lossless PNG sheets: the test images, and the training images near mistakes."""

import io
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from PIL import Image

SIDE = 32  # pixels of an image
COLUMNS = 25  # images per row of a sheet
PER_SHEET = 500


class Images(Protocol):
    """Images by index, uint8 (32, 32, 3) each."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> np.ndarray: ...


def positions(wrong: Sequence[np.ndarray]) -> np.ndarray:
    """Return the position of every image in the sheets: uint16 (N,), sheet = position // PER_SHEET.

    wrong: bool (N,) for each model, the most viewed first; its mistakes come first, so that they
    share the first sheets. Raises ValueError without any model.
    """
    if not wrong:
        raise ValueError("The order of the sheets needs at least one model's mistakes.")
    order = np.lexsort([~mask for mask in reversed(wrong)])  # the last key counts first
    places = np.empty(len(order), dtype=np.uint16)
    places[order] = np.arange(len(order), dtype=np.uint16)
    return places


def count(images: int) -> int:
    """Return the number of sheets for a number of images."""
    return -(-images // PER_SHEET)


def sheet(images: Images, places: np.ndarray, number: int) -> bytes:
    """Return a sheet as PNG: rows of COLUMNS images, the rest of the last row black.

    images: in test order. places: from `positions`. number: of the sheet, from 0. Raises ValueError
    if there is no such sheet.
    """
    if not 0 <= number < count(len(images)):
        raise ValueError(f"There is no sheet {number}: choose 0 to {count(len(images)) - 1}.")
    order = np.argsort(places)
    chosen = order[number * PER_SHEET : (number + 1) * PER_SHEET].tolist()
    return grid([images[index] for index in chosen], COLUMNS)


def grid(images: Sequence[np.ndarray], columns: int) -> bytes:
    """Draw images, uint8 (32, 32, 3) each, row by row as PNG; the rest of the last row is black."""
    rows = -(-len(images) // columns)
    cells = np.zeros((rows * columns, SIDE, SIDE, 3), dtype=np.uint8)
    cells[: len(images)] = images
    tiled = cells.reshape(rows, columns, SIDE, SIDE, 3).swapaxes(1, 2)
    buffer = io.BytesIO()
    picture = Image.fromarray(tiled.reshape(rows * SIDE, columns * SIDE, 3))
    picture.save(buffer, format="PNG", compress_level=3)  # 6 takes twice as long to save 2%
    return buffer.getvalue()
