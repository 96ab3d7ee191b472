"""Checks of the API's arguments, and conversion of its results to JSON values."""

import reprlib
from collections.abc import Iterable

import numpy as np

from cifar import LensError
from cifar.explore import store
from cifar.explore.page_data import models
from cifar.models.checkpoint import Checkpoint
from cifar.ui.api.answers import Network, Probability
from cifar.ui.validation import choice

DECIMALS = 6  # of numbers that are not integers


def checkpoint_of(name: object) -> Checkpoint:
    """Return the checkpoint of a model's name. Raises LensError for another name."""
    return store.load(choice(name, models(), "model"))


def whole_number(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return an argument, an integer from low to high. Raises LensError for anything else."""
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and low <= value
        and (high is None or value <= high)
    ):
        return value
    valid = f"{low} or more" if high is None else f"{low} to {high}"
    raise LensError(f"{name} is {reprlib.repr(value)}: choose {valid}.")


def identity(ckpt: Checkpoint) -> Network:
    """Return the name of a network and the hash of its weights."""
    return {"model": ckpt.name, "weights_sha256": ckpt.sha256}


def json_number(value: float) -> float | None:
    """Round a number to DECIMALS; NaN, which JSON lacks, becomes None."""
    return None if np.isnan(value) else round(float(value), DECIMALS)


def class_probabilities(classes: Iterable[tuple[str, float]]) -> list[Probability]:
    """Return names and probabilities of classes as a list of dicts."""
    return [{"class": name, "probability": json_number(value)} for name, value in classes]
