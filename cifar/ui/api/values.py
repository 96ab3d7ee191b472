"""What the calls share: arguments that are checked, and values that JSON can hold."""

import reprlib
from collections.abc import Iterable

import numpy as np

from cifar import LensError
from cifar.explore import store
from cifar.explore.page_data import models
from cifar.models.checkpoint import Checkpoint
from cifar.ui.validation import choice

DECIMALS = 6  # of every number that is not whole


def checkpoint_of(name: object) -> Checkpoint:
    return store.load(choice(name, models(), "model"))


def number(name: str, value: object, low: int, high: int | None = None) -> int:
    """A whole number of the question, from low to high. Raises LensError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        if low <= value and (high is None or value <= high):
            return value
    wanted = f"{low} or more" if high is None else f"{low} to {high}"
    raise LensError(f"{name} is {reprlib.repr(value)}: choose {wanted}.")


def who(ckpt: Checkpoint) -> dict:
    """Which network answers, by its name and its very weights."""
    return {"model": ckpt.name, "weights_sha256": ckpt.sha256}


def rounded(value: float) -> float | None:
    """None for NaN, which JSON does not have."""
    return None if np.isnan(value) else round(float(value), DECIMALS)


def shares(classes: Iterable[tuple[str, float]]) -> list[dict]:
    return [{"class": name, "probability": rounded(share)} for name, share in classes]
