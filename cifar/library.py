"""What every tab and every visitor shares: checkpoints, tables of mistakes, test images, votes.

Everything is read once and never changed afterwards. Test images and annotations are fetched in
the background; until they are there, whatever needs them says so.
"""

import threading
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from cifar import LensError, checkpoint, data, mistakes
from cifar.annotations import load_annotations
from cifar.checkpoint import Checkpoint, CheckpointError
from cifar.predictions import Predictions, load_predictions

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
    found.sort(key=lambda ckpt: -ckpt.accuracy)
    return [(title(ckpt), ckpt.name) for ckpt in found]


def title(ckpt: Checkpoint) -> str:
    """'ResNet 5.3M · 92.8%': the network, its parameters, its plain test accuracy."""
    count = ckpt.config["parameters"]
    size = f"{count / 1e6:.1f}M" if count >= 1e6 else f"{count / 1e3:.0f}k"
    network = ckpt.config["network"]
    return f"{NAMES.get(network, network)} {size} · {ckpt.accuracy:.1%}"


@cache
def load(name: str) -> Checkpoint:
    return checkpoint.load(name)


@cache
def predictions(name: str) -> Predictions:
    return load_predictions(load(name))


def table(name: str) -> pd.DataFrame:
    """A model's `mistakes.table`, with what people said once the annotations are there."""
    return _table(name, ANNOTATIONS.get() is not None)


@cache
def _table(name: str, judged: bool) -> pd.DataFrame:
    annotations = ANNOTATIONS.get() if judged else None
    return mistakes.table(predictions(name), load(name).temperature, annotations)


class Background:
    """Something large that is fetched once, in a thread of its own."""

    def __init__(self, fetch: Callable[[], object], pending: str, failed: str):
        self._fetch, self._pending, self._failed = fetch, pending, failed
        self._found = None
        self._problem = ""
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to fetch, unless that is done or going on; returns at once."""
        with self._lock:
            going_on = self._thread is not None and self._thread.is_alive()
            if self._found is None and not going_on:
                self._problem = ""
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        problem = self._failed
        try:
            self._found = self._fetch()
        except LensError as error:
            problem = str(error)
        finally:  # whatever else may happen, nobody is told to wait for ever
            self._problem = problem

    def wait(self, seconds: float) -> bool:
        """Whether it is there, after waiting for at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._found is not None

    def get(self):
        """What was fetched, or None while it is not there."""
        return self._found

    @property
    def status(self) -> str:
        """Why `get` gives None, in a sentence; empty once there is something."""
        return "" if self._found is not None else self._problem or self._pending


def _test_images() -> np.ndarray:
    """uint8 (10000, 32, 32, 3) in test order."""
    return data.load("test").images.permute(0, 2, 3, 1).numpy()


TEST_IMAGES = Background(
    _test_images,
    "The test images are being fetched (24 MB, once). Everything else works meanwhile.",
    "The test images could not be fetched: the server's log says why.",
)
ANNOTATIONS = Background(
    load_annotations,
    "People's votes are being fetched (1 MB, once).",
    "People's votes could not be fetched: the server's log says why.",
)
