"""Networks of which only the answers are known: a table that is compared with, and never asked.

A folder `checkpoints/NAME` of one has `answers.json`, which says what the table was taken for, and
the probabilities as `probabilities.npy`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar import LensError
from cifar.evaluation.external_predictions import CHANCE, parse_predictions
from cifar.evaluation.prediction_files import READERS
from cifar.files import read_json, write_json
from cifar.models import checkpoint

FILE, PROBABILITIES = "answers.json", "probabilities.npy"


@dataclass(frozen=True)
class RecordedAnswers:
    """Answers to the test images. probabilities: float64 (N, 10). accuracy: 0 to 1."""

    title: str
    probabilities: np.ndarray
    accuracy: float

    @property
    def only_classes(self) -> bool:
        """True if each answer is one class, without a confidence."""
        return bool((self.probabilities.max(1) == 1).all())


def is_table(source: str) -> bool:
    """Return whether a source is a file of answers and no network."""
    return ":" not in source and Path(source).suffix.lower() in READERS


def save(folder: Path, table: Path, title: str, source: str, labels: np.ndarray) -> str:
    """Write the answers of a table into a folder, and return what it was taken for.

    labels: int (N,), of the test images. Raises LensError for a file that holds no answers, and for
    answers that are right by chance.
    """
    found = parse_predictions(table, labels)
    if found.accuracy <= CHANCE:
        raise LensError(f"{table.name}: {found.warning}")
    np.save(folder / PROBABILITIES, found.probabilities.astype(np.float32))
    record = {"title": title, "source": source, "understood": found.understood}
    write_json(folder / FILE, record)
    return f"Read as {found.understood}: {found.accuracy:.2%} right, n = {len(labels):,}."


def read(folder: Path, labels: np.ndarray) -> RecordedAnswers:
    """Read a folder that `save` filled. Raises LensError for another one."""
    record = read_json(folder / FILE)
    title = record.get("title")
    if not isinstance(title, str) or not title:
        raise LensError(f"{folder / FILE} has no title.")
    found = parse_predictions(folder / PROBABILITIES, labels)
    return RecordedAnswers(title, found.probabilities, found.accuracy)


def available() -> list[str]:
    """Return the names of the folders in `checkpoints/` that have answers alone."""
    folders = (path.parent.name for path in checkpoint.ROOT.glob(f"*/{FILE}"))
    return sorted(name for name in folders if not name.startswith("."))
