"""The data that all tabs and visitors share: checkpoints, mistakes, test images, votes.

Everything is loaded once, at its first use, and never changed.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar, cast

import numpy as np
import pandas as pd

from cifar import CLASSES, LensError
from cifar.data import release
from cifar.data.annotations import (
    Annotations,
    PublishedNetworks,
    load_annotations,
    load_published,
    load_published_networks,
)
from cifar.data.image_table import ImageTable
from cifar.data.near_duplicates import load as load_near_duplicates
from cifar.evaluation import neighbors, recorded_answers
from cifar.evaluation.external_predictions import as_predictions
from cifar.evaluation.neighbors import NeighborImages
from cifar.evaluation.predictions import Predictions, load_predictions
from cifar.evaluation.recorded_answers import RecordedAnswers
from cifar.explain.methods import default_choice
from cifar.explore import mistakes
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.errors import CheckpointError

PUBLISHED = "published"  # a model whose probabilities are published
IN_MEMORY = 2  # networks
NETWORK = "published-"  # before the name of a published network, of which the answers are known

_recent: OrderedDict[str, Checkpoint] = OrderedDict()
_shown: dict[str, Checkpoint] = {}  # those that could be shown at some time since the start
_problems: dict[str, str] = {}  # why the others cannot, by name
_lock = threading.Lock()

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def once(load: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Cache a function's results; concurrent calls compute them only once."""
    cached, lock = cast(Callable[Parameters, Result], cache(load)), threading.Lock()

    @wraps(cached)
    def get(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with lock:
            return cached(*args, **kwargs)

    return get


def choices() -> list[tuple[str, str]]:
    """Return the checkpoints that can be shown as (title, name), the most accurate first.

    One that is added while the app runs is among them at once. What was read stays: a later change
    of a folder must not fail the questions of visitors. The log names each folder that is left out.
    Raises CheckpointError if no checkpoint can be shown.
    """
    for name in _folders():
        if name not in _shown and (ckpt := _or_left_out(name, _complete)):
            _shown[name] = ckpt
    checkpoints = list(_shown.values())
    if not checkpoints:
        raise CheckpointError(
            f"There is no evaluated checkpoint in {checkpoint.ROOT}: put one there (python -m "
            "cifar train, then evaluate)."
        )
    checkpoints.sort(key=lambda ckpt: -ckpt.accuracy)
    return [(title(ckpt), ckpt.name) for ckpt in checkpoints]


def _or_left_out(name: str, read: Callable[[str], Result]) -> Result | None:
    """Return what a folder holds if it can be shown, or else log why it cannot, once per reason."""
    try:
        return read(name)
    except LensError as error:
        if _problems.get(name) != str(error):
            _problems[name] = str(error)
            logging.getLogger(__name__).warning("%s is left out: %s", name, error)
        return None


def check_all() -> None:
    """Raise LensError for a checkpoint that `choices` leaves out: none may be missing unnoticed."""
    for name in _folders():
        _complete(name)
    for name in recorded_answers.available():
        answers(name)


def _folders() -> list[str]:
    folders = checkpoint.ROOT.iterdir() if checkpoint.ROOT.is_dir() else ()
    return sorted(
        folder.name
        for folder in folders
        if folder.is_dir()
        and not folder.name.startswith((".", "_"))
        and not (folder / recorded_answers.FILE).is_file()
    )


def _complete(name: str) -> Checkpoint:
    """Return a checkpoint that has all that is shown. Raises LensError for another."""
    ckpt, recorded = load(name), predictions(name)
    _ = ckpt.measured
    default_choice(ckpt)
    path = ckpt.path / "predictions.npz"
    if recorded.features is None:
        raise CheckpointError(f"{path} holds no features to compare a picture's with.")
    if not np.array_equal(recorded.labels, test_images().labels):
        raise CheckpointError(f"{path} is not of the 10,000 official test images.")
    return ckpt


def title(ckpt: Checkpoint) -> str:
    """Return the network and its plain test accuracy: 'ResNet 92.8%'."""
    return f"{ckpt.title} {ckpt.accuracy:.1%}"


def short_title(ckpt: Checkpoint) -> str:
    """Return the network and its parameters: 'ResNet 5.3M'."""
    count = ckpt.config["parameters"]
    size = f"{count / 1e6:.1f}M" if count >= 1e6 else f"{count / 1e3:.0f}k"
    return f"{ckpt.title} {size}"


def load(name: str) -> Checkpoint:
    """Read a checkpoint of the project by name; its network is loaded at its first use.

    Of more than IN_MEMORY networks that are loaded, the one that was asked for least lately is
    dropped; it is read again if it is used.
    """
    ckpt = _read(name)
    with _lock:
        _recent[name] = ckpt
        _recent.move_to_end(name)
        loaded = [one for one in _recent.values() if "model" in vars(one)]
        for one in loaded[:-IN_MEMORY]:
            vars(one).pop("model", None)  # a cached property
    return ckpt


@once
def _read(name: str) -> Checkpoint:
    return checkpoint.read(name)


@once
def predictions(name: str) -> Predictions:
    """Load a model's recorded predictions of the test images."""
    return load_predictions(load(name))


@once
def annotations() -> Annotations:
    """Load people's votes and label reviews."""
    return load_annotations()


@once
def test_images() -> ImageTable:
    """Open the 10,000 test images, in official order."""
    return ImageTable(release.TEST_FILE)


@once
def table(name: str) -> pd.DataFrame:
    """Return a model's `mistakes.table` with annotations.

    One column more is twin: the training image that is nearly the same, or -1.
    """
    rows = mistakes.table(predictions(name), load(name).temperature, annotations(), difficulty())
    _, twins = near_duplicates()
    return rows.assign(twin=twins["index"].reindex(rows.index, fill_value=-1))


@once
def near_duplicates() -> tuple[ImageTable, pd.DataFrame]:
    """Open the training images that are nearly the same as a test image."""
    return load_near_duplicates()


@once
def published_networks() -> PublishedNetworks:
    """Load what thirty published networks say of the test images."""
    return load_published_networks()


@once
def difficulty() -> np.ndarray:
    """Return how many of the published networks miss each test image: int (10000,), 0 to 30."""
    return published_networks().misses(test_images().labels).sum(0)


def answers_names() -> list[str]:
    """Return what can be compared with but not asked, since its answers alone are known.

    First the tables that were added, then PUBLISHED, whose probabilities are known, then the
    published networks, the most accurate first.
    """
    networks = (NETWORK + name for name in reversed(published_networks().names))
    return [*_tables(), PUBLISHED, *networks]


def _tables() -> list[str]:
    """Return the tables that were added and can be read; the log says why another cannot."""
    return [name for name in recorded_answers.available() if _or_left_out(name, answers)]


@once
def answers(name: str) -> RecordedAnswers:
    """Return the answers of one of `answers_names`. Raises LensError for a table that is damaged.

    Of a published network, the probability of its answer is 1.
    """
    labels = test_images().labels.astype(np.int64)
    if name == PUBLISHED:
        title, probabilities = "a published model", load_published()
    elif name.startswith(NETWORK):
        networks, title = published_networks(), name.removeprefix(NETWORK)
        probabilities = np.eye(len(CLASSES))[networks.predictions[networks.names.index(title)]]
    else:
        return recorded_answers.read(checkpoint.ROOT / name, labels)
    accuracy = float((probabilities.argmax(1) == labels).mean())
    return RecordedAnswers(title, probabilities, accuracy)


@once
def answers_table(name: str) -> pd.DataFrame:
    """Return the `mistakes.table` of one of `answers_names`."""
    labels = test_images().labels.astype(np.int64)
    predictions = as_predictions(answers(name).probabilities, labels)
    return mistakes.table(predictions, 1.0, None, difficulty())


@once
def neighbor_images(name: str) -> NeighborImages | None:
    """Open the training images nearest to a model's mistakes; None if it has none on record."""
    path = load(name).path / neighbors.FILE
    recorded = predictions(name).neighbour_labels is not None
    return NeighborImages(path) if recorded and path.exists() else None
