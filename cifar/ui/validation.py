"""Questions of the page: what they may hold, and how they are answered whatever they hold.

A question is one JSON object, and so is its answer; what cannot be done is returned as `error`, a
sentence for the visitor. Everything in a question may be forged.
"""

import base64
import binascii
import functools
import reprlib
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
from gradio.utils import get_upload_folder

from cifar import CLASSES, LensError
from cifar.data.pictures import SIZE
from cifar.explore import store
from cifar.explore.page_data import models


def answering(function: Callable[[dict], dict]) -> Callable[[object], dict]:
    """A function for the page: whatever it is sent, it answers, with an `error` if need be."""

    @functools.wraps(function)
    def answer(question):
        try:
            return function(question if isinstance(question, dict) else {})
        except LensError as error:
            return {"error": str(error)}

    return answer


def known_model(name: object) -> str:
    """Return the name of a model of the page."""
    if not isinstance(name, str) or name not in models():
        raise LensError("There is no such model: reload the page.")
    return name


def share(value: object, what: str) -> float:
    """A number of the question from 0 to 1."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise LensError(f"The {what} is {reprlib.repr(value)}: choose 0 to 1.")
    return float(value)


def known_class(index: object) -> int:
    """The place of a class in CLASSES."""
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(CLASSES):
        raise LensError(f"There is no class {reprlib.repr(index)}: choose 0 to {len(CLASSES) - 1}.")
    return index


def known_index(index: object, count: int) -> int:
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
        raise LensError(f"There is no image {reprlib.repr(index)}: choose 0 to {count - 1:,}.")
    return index


def choice(value: object, known: Collection[str], what: str) -> str:
    """A word of the question that must be one of those that are known."""
    if not isinstance(value, str) or value not in known:
        raise LensError(f"There is no such {what}: choose one of {', '.join(known)}.")
    return value


def image_of(image: object) -> tuple[np.ndarray, int | None]:
    """The image that a question is about, uint8 (32, 32, 3), and its label if it has one.

    image: {"index": of a test image} or {"pixels": as of `page.pixels_of`}.
    """
    image = image if isinstance(image, dict) else {}
    if "index" in image:
        images = store.test_images()
        index = known_index(image["index"], len(images))
        return images[index], int(images.labels[index])
    try:
        data = base64.b64decode(image.get("pixels") or "", validate=True)
    except (TypeError, ValueError, binascii.Error):
        data = b""
    if len(data) != SIZE * SIZE * 3:
        raise LensError("The picture did not arrive whole: choose it again.")
    return np.frombuffer(bytearray(data), np.uint8).reshape(SIZE, SIZE, 3), None


def uploaded(path: object) -> Path:
    """A file that was really uploaded to this server: a forged question can name no other."""
    folder = Path(get_upload_folder()).resolve()
    try:
        found = Path(path if isinstance(path, str) else "").resolve()
        if found.is_relative_to(folder) and found.is_file():
            return found
    except (OSError, ValueError):  # too long, or with a zero byte: no file has such a name
        pass
    raise LensError("The file did not arrive: choose it again.")
