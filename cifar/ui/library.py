"""What every tab and every visitor shares: checkpoints, tables of mistakes, the test images.

Everything is read once and never changed afterwards. The test images are fetched in the
background; until they are there, whatever needs them says so.
"""

import threading
from functools import cache

import numpy as np
import pandas as pd

from cifar import checkpoint, data, evaluate, mistakes
from cifar.checkpoint import Checkpoint, CheckpointError
from cifar.evaluate import Predictions

NAMES = {"resnet": "ResNet", "basenet": "BaseNet"}


def choices() -> list[tuple[str, str]]:
    """The checkpoints as (what people read, name), the most accurate first.

    Raises CheckpointError if there is none, or one that was not measured.
    """
    found = [load(name) for name in checkpoint.available()]
    if not found:
        raise CheckpointError(
            f"There is no checkpoint in {checkpoint.ROOT}: put one there (python -m cifar train)."
        )
    found.sort(key=lambda ckpt: -ckpt.measured()["test"]["accuracy"]["value"])
    return [(title(ckpt), ckpt.name) for ckpt in found]


def title(ckpt: Checkpoint) -> str:
    """'ResNet 5.3M · 92.8%': the network, its parameters, its plain test accuracy."""
    count = ckpt.config["parameters"]
    size = f"{count / 1e6:.1f}M" if count >= 1e6 else f"{count / 1e3:.0f}k"
    accuracy = ckpt.metrics["test"]["accuracy"]["value"]
    network = ckpt.config["network"]
    return f"{NAMES.get(network, network)} {size} · {accuracy:.1%}"


@cache
def load(name: str) -> Checkpoint:
    return checkpoint.load(name)


@cache
def predictions(name: str) -> Predictions:
    return evaluate.load_predictions(load(name))


@cache
def table(name: str) -> pd.DataFrame:
    return mistakes.table(predictions(name), load(name).temperature)


class TestImages:
    """The test split, fetched once in a thread of its own."""

    __test__ = False  # the name is not that of a test

    def __init__(self):
        self._images: np.ndarray | None = None
        self._problem: str | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to fetch, unless that is done or going on; returns at once."""
        with self._lock:
            going_on = self._thread is not None and self._thread.is_alive()
            if self._images is None and not going_on:
                self._problem = None
                self._thread = threading.Thread(target=self._fetch, daemon=True)
                self._thread.start()

    def _fetch(self) -> None:
        problem = "The test images could not be fetched: the server's log says why."
        try:
            self._images = data.load("test").images.permute(0, 2, 3, 1).numpy()
        except data.DataError as error:
            problem = str(error)
        finally:  # whatever else may happen, nobody is told to wait for ever
            self._problem = problem

    def wait(self, seconds: float) -> bool:
        """Whether the images are there, after waiting for at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._images is not None

    def get(self) -> np.ndarray | None:
        """uint8 (10000, 32, 32, 3) in test order, or None while they are not there."""
        return self._images

    @property
    def status(self) -> str:
        """Why `get` gives None, in a sentence; empty once the images are there."""
        if self._images is not None:
            return ""
        return self._problem or (
            "The test images are being fetched (24 MB, once). Everything else works meanwhile."
        )


TEST_IMAGES = TestImages()
