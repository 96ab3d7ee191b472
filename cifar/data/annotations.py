"""Published annotations of the test images, by people and by other networks.

The files are in `assets/annotations/`, whose README names their sources and licenses;
`cifar.data.shipped` makes them. All are in the official order of the test images.

- Votes: CIFAR-10H, about 51 people asked for the class of each image (Peterson et al., "Human
  uncertainty makes classification more robust", ICCV 2019).
- Label reviews: five people asked about each of 275 labels that looked wrong, and a published
  model's probabilities (Northcutt et al., "Pervasive label errors in test sets destabilize machine
  learning benchmarks", NeurIPS 2021).
- Predictions of thirty published networks (Recht et al., "Do ImageNet classifiers generalize to
  ImageNet?", ICML 2019).
- Near-duplicates of training images (Barz and Denzler, "Do we train on test data? Purging CIFAR of
  near-duplicates", J. Imaging 2020).
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cifar import ASSETS, CLASSES, LensError

FOLDER = ASSETS / "annotations"
N = 10_000
REVIEWERS = 5
ANSWERS = ("given", "guessed", "neither", "both")
# How similar a test image and its near-duplicate are, as judged by Barz and Denzler.
JUDGMENTS = ("exact", "near", "very similar")


class AnnotationsError(LensError):
    """Missing or damaged file of annotations; the message names it and says what to do."""


@dataclass(frozen=True)
class Annotations:
    """Votes and label reviews of the 10,000 test images.

    votes: int64 (10000, 10), how many people chose each class.
    reviews: int8 (10000, 4), how many of the five reviewers chose the given label, the guessed
    label, neither or both (ANSWERS); -1 for an image that was not reviewed.
    given, guessed: int8 (10000,), the two classes that the reviewers were shown, 0 to 9, or -1.
    """

    votes: np.ndarray
    reviews: np.ndarray
    given: np.ndarray
    guessed: np.ndarray

    @property
    def for_and_against(self) -> tuple[np.ndarray, np.ndarray]:
        """Count the reviewers who kept a label, and who rejected it: int8 (10000,) each, 0 to 5.

        Those who chose the guessed label or neither rejected the given one; those who chose both
        count as neither.
        """
        given, guessed, neither, _both = np.maximum(self.reviews, 0).T
        return given, guessed + neither


@dataclass(frozen=True)
class PublishedNetworks:
    """Class predictions of published networks on the test images, least accurate first.

    names: as in their publication. predictions: uint8 (30, 10000), classes 0 to 9. sources: year
    and authors of what each network is known from; empty where that is not known.
    """

    names: tuple[str, ...]
    predictions: np.ndarray
    sources: tuple[tuple[str, str], ...]

    def misses(self, labels: np.ndarray) -> np.ndarray:
        """Return which network misses which image: bool (30, 10000). labels: int (10000,)."""
        return self.predictions != labels


def load_annotations() -> Annotations:
    """Load votes and label reviews.

    Raises AnnotationsError for a missing or damaged file.
    """
    votes = _load_array("cifar10h-votes.npz", (N, len(CLASSES))).astype(np.int64)
    reviews = np.full((N, len(ANSWERS)), -1, dtype=np.int8)
    given, guessed = np.full(N, -1, dtype=np.int8), np.full(N, -1, dtype=np.int8)
    path = FOLDER / "cifar10_mturk.json"
    try:
        for review in json.loads(path.read_text(encoding="utf-8")):
            index = review["id"]
            reviews[index] = [review["mturk"][answer] for answer in ANSWERS]
            given[index] = review["given_original_label"]
            guessed[index] = review["our_guessed_label"]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise _file_error(path.name, error) from error
    return Annotations(votes, reviews, given, guessed)


def load_published() -> np.ndarray:
    """Load the probabilities of a published model (92.94% accuracy): float64 (10000, 10).

    Its authors published these, not the model. Rows sum to 1 within 1e-6. Raises
    AnnotationsError for a missing or damaged file.
    """
    return _load_array("published-model.npz", (N, len(CLASSES))).astype(np.float64)


def load_published_networks() -> PublishedNetworks:
    """Load the predictions of thirty networks (81.98% to 97.11% accuracy).

    Raises AnnotationsError for a missing or damaged file.
    """
    names = tuple(map(str, _load_array("published-networks.npz", (30,), "names")))
    predictions = _load_array("published-networks.npz", (30, N), "predictions")
    file = "published-networks.csv"
    try:
        with (FOLDER / file).open(encoding="utf-8", newline="") as lines:
            rows = {row["name"]: (row["year"], row["source"]) for row in csv.DictReader(lines)}
        sources = tuple(rows[name] for name in names)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise _file_error(file, error) from error
    return PublishedNetworks(names, predictions, sources)


def load_near_duplicates(folder: Path | None = None) -> pd.DataFrame:
    """Load the 286 test images that have a near-duplicate among the training images.

    folder: FOLDER where it is None. The index is the test index; columns: train_index (0 to
    49,999), distance (of the authors' features, 0 to 1) and judgment (one of JUDGMENTS). Raises
    AnnotationsError for a missing or damaged file.
    """
    name = "duplicates_cifar10.csv"
    try:
        rows = pd.read_csv((folder or FOLDER) / name)
        return pd.DataFrame(
            {
                "train_index": rows["TrainID"].to_numpy(),
                "distance": rows["Distance"].to_numpy(),
                "judgment": [JUDGMENTS[k] for k in rows["Judgment"]],
            },
            index=pd.Index(rows["TestID"], name="index"),
        ).sort_index()
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise _file_error(name, error) from error


def _load_array(name: str, shape: tuple[int, ...], key: str = "values") -> np.ndarray:
    """Load an array from a .npz file and check its shape."""
    try:
        with np.load(FOLDER / name, allow_pickle=False) as arrays:
            array = arrays[key]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise _file_error(name, error) from error
    if array.shape != shape:
        raise _file_error(name, f"{key} has the shape {array.shape} instead of {shape}")
    return array


def _file_error(name: str, reason: object) -> AnnotationsError:
    return AnnotationsError(
        f"{FOLDER / name} cannot be read ({reason}): get it anew from the project. A clone without "
        "git-lfs holds only pointers in its place."
    )
