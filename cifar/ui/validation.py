"""Validation of the page's questions to the server functions.

A question is one JSON object, and so is its answer; an error is returned as `error`, a sentence for
the visitor. Everything in a question may be forged. The functions raise LensError for bad values.
"""

import base64
import binascii
import functools
import reprlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from gradio.utils import get_upload_folder

from cifar import CLASSES, LensError
from cifar.data.pictures import SIZE, SQUARES, Kind, Seen
from cifar.explore import store
from cifar.explore.page_data import models


def report_errors(function: Callable[[dict], dict]) -> Callable[[object], dict]:
    """Let a server function accept any question, and return a LensError as `error`."""

    @functools.wraps(function)
    def answer(question: object) -> dict:
        try:
            return function(question if isinstance(question, dict) else {})
        except LensError as error:
            return {"error": str(error)}

    return answer


def model_name(name: object) -> str:
    """Return the name of a model of the page."""
    if not isinstance(name, str) or name not in models():
        raise LensError("There is no such model: reload the page.")
    return name


def fraction(value: object, what: str) -> float:
    """Return a number from 0 to 1. what: its name in the error."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise LensError(f"The {what} is {reprlib.repr(value)}: choose 0 to 1.")
    return float(value)


def class_index(index: object) -> int:
    """Return the index of a class in CLASSES."""
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(CLASSES):
        raise LensError(f"There is no class {reprlib.repr(index)}: choose 0 to {len(CLASSES) - 1}.")
    return index


def image_index(index: object, count: int) -> int:
    """Return an index from 0 to count - 1, of an image or a sheet."""
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
        raise LensError(f"There is no image {reprlib.repr(index)}: choose 0 to {count - 1:,}.")
    return index


def choice(value: object, known: Collection[str], what: str) -> str:
    """Return a string that is one of `known`. what: its name in the error."""
    if not isinstance(value, str) or value not in known:
        raise LensError(f"There is no such {what}: choose one of {', '.join(known)}.")
    return value


class Asked(NamedTuple):
    """The picture that a question is about.

    seen: what the network sees. look: the number of the view whose evidence is asked for. label:
    of a test image.
    """

    seen: Seen
    look: int = 0
    label: int | None = None

    @property
    def image(self) -> np.ndarray:
        """The view whose evidence is asked for, uint8 (32, 32, 3)."""
        return self.seen.views[self.look]


# The number of views of each kind.
LOOKS: dict[Kind, int] = {"image": 1, "look": 1, "looks": len(SQUARES) + 1}


def image_of(image: object) -> Asked:
    """Return what a question is about.

    image: {"index": of a test image}, or {"pixels": of all views, as from `page_data.pixels_of`,
    "kind": see `Seen`, "image" if left out, "look": the view whose evidence is asked for, 0 if left
    out}.
    """
    image = image if isinstance(image, dict) else {}
    if "index" in image:
        images = store.test_images()
        index = image_index(image["index"], len(images))
        return Asked(Seen.image(images[index]), label=int(images.labels[index]))
    named = choice(image.get("kind", "image"), LOOKS, "kind of picture")
    kind = next(kind for kind in LOOKS if kind == named)
    try:
        data = base64.b64decode(image.get("pixels") or "", validate=True)
    except (TypeError, ValueError, binascii.Error):
        data = b""
    if len(data) != LOOKS[kind] * SIZE * SIZE * 3:
        raise LensError("The picture did not arrive whole: choose it again.")
    views = np.frombuffer(bytearray(data), np.uint8).reshape(-1, SIZE, SIZE, 3)
    return Asked(Seen(views, kind), image_index(image.get("look", 0), len(views)))


def uploaded(path: object) -> Path:
    """Return the path of a file in the upload folder; a forged question cannot name another."""
    folder = Path(get_upload_folder()).resolve()
    try:
        file = Path(path if isinstance(path, str) else "").resolve()
        if file.is_relative_to(folder) and file.is_file():
            return file
    except (OSError, ValueError):  # a path that is too long or has a zero byte
        pass
    raise LensError("The file did not arrive: choose it again.")
