"""What people said of the test images, and what a published model said: fetched, checked, cached.

- Votes: CIFAR-10H, about 51 people asked for the class of each image (Peterson et al., "Human
  uncertainty makes classification more robust", ICCV 2019; CC BY-NC-SA 4.0).
- Label reviews: five people asked about each of 275 labels that looked wrong, and a published
  model's probabilities (Northcutt et al., "Pervasive label errors in test sets destabilize machine
  learning benchmarks", NeurIPS 2021; Apache-2.0).

Those licences are why the files are not in this repository: they come from their authors' own, at a
fixed commit, checked by sha256, once. The app works without them.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar import CLASSES, LensError, pinned

N = 10_000
REVIEWERS = 5
ANSWERS = ("given", "guessed", "neither", "both")
# Votes and reviews were gathered apart: where people doubted a label, the label is still the class
# with the most votes of most images, which it would be for one in ten if the orders differed.
MIN_MATCH = 0.5

_VOTES = "https://raw.githubusercontent.com/jcpeterson/cifar-10h/48da312b193b82e6939ec20f23d1f09cbdd849c8"
_ERRORS = "https://raw.githubusercontent.com/cleanlab/label-errors/6d5d6b31a13216290afc40e5c6319399c4d15c06"
# Name in the cache folder: where it comes from, sha256.
FILES = {
    "cifar10h-counts.npy": (
        f"{_VOTES}/data/cifar10h-counts.npy",
        "9b36b4550349af56c79083356312eb4af856cc5fd3caf1f669d40b9d0bbb69ff",
    ),
    "cifar10_mturk.json": (
        f"{_ERRORS}/mturk/cifar10_mturk.json",
        "81b2c16c9eee060d6cc2390f6bbce1e0e7be0a050574be5177c9428f3596b5b5",
    ),
    "cifar10_test_set_pyx.npy": (
        f"{_ERRORS}/cross_validated_predicted_probabilities/cifar10_test_set_pyx.npy",
        "c445b25cee680e3919b4bd81d230a5c7c2179ed556609d84e000ee046bb44b49",
    ),
}


class AnnotationsError(LensError):
    """The annotations could not be had, or are not what they should be; the message says why."""


@dataclass(frozen=True)
class Annotations:
    """What people said of the 10,000 test images, in official test order.

    votes: int64 (10000, 10), how many people chose each class.
    reviews: int8 (10000, 4), how many of the five reviewers chose the given label, the guessed
    one, neither or both (ANSWERS); -1 for an image that was not reviewed.
    given, guessed: int8 (10000,), the two classes that the reviewers were shown, 0 to 9, or -1.
    """

    votes: np.ndarray
    reviews: np.ndarray
    given: np.ndarray
    guessed: np.ndarray


def extras_dir() -> Path:
    """Where the files are kept: CIFAR_EXTRAS_DIR, or a folder of the user's cache."""
    base = os.environ.get("CIFAR_EXTRAS_DIR")
    return pinned.cache_home() / "extras" if base is None else Path(base)


def load_annotations() -> Annotations:
    """Votes and label reviews; fetched on the first call (0.9 MB), read from the cache afterwards.

    Raises AnnotationsError if they cannot be had or do not fit the official test order.
    """
    votes = _load_array("cifar10h-counts.npy")
    if votes.shape != (N, len(CLASSES)) or votes.dtype.kind not in "iu" or votes.min() < 0:
        raise AnnotationsError(f"The votes are not {N:,} rows of {len(CLASSES)} counts.")
    if votes.sum(1).min() == 0:
        raise AnnotationsError(f"Nobody voted on test image {votes.sum(1).argmin()}.")
    reviews, given, guessed = _load_reviews()
    reviewed = given >= 0
    if (votes.argmax(1) == given)[reviewed].mean() < MIN_MATCH:
        raise AnnotationsError("Votes and label reviews are not in one order of the test images.")
    return Annotations(votes.astype(np.int64), reviews, given, guessed)


def load_published() -> np.ndarray:
    """Probabilities of a published model (92.94% right): float64 (10000, 10), rows add up to 1.

    The model itself was not published, only what it said of the test images. Raises
    AnnotationsError if they cannot be had.
    """
    probs = _load_array("cifar10_test_set_pyx.npy")
    if probs.shape != (N, len(CLASSES)) or probs.dtype.kind != "f":
        raise AnnotationsError(f"The published model's file is not {N:,} rows of probabilities.")
    if not (np.isfinite(probs).all() and probs.min() >= 0 and np.allclose(probs.sum(1), 1)):
        raise AnnotationsError("The published model's rows are no probabilities.")
    return probs.astype(np.float64)


def fetch(name: str) -> Path:
    """The path of one of FILES in the cache folder; asks the network only where it is not there.

    Raises AnnotationsError. Nothing stays in the folder that did not pass its checksum.
    """
    otherwise = ", or set CIFAR_EXTRAS_DIR to a folder that holds it"
    try:
        return pinned.fetch(*FILES[name], extras_dir(), otherwise=otherwise)
    except pinned.FetchError as error:
        raise AnnotationsError(str(error)) from error


def _load_array(name: str) -> np.ndarray:
    try:
        return np.load(fetch(name), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise AnnotationsError(f"{name} cannot be read ({error}).") from error


def _load_reviews() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """reviews, given and guessed of Annotations."""
    reviews = np.full((N, len(ANSWERS)), -1, dtype=np.int8)
    given, guessed = np.full(N, -1, dtype=np.int8), np.full(N, -1, dtype=np.int8)
    name = "cifar10_mturk.json"
    try:
        for review in json.loads(fetch(name).read_text(encoding="utf-8")):
            index, counts = review["id"], [review["mturk"][answer] for answer in ANSWERS]
            shown = review["given_original_label"], review["our_guessed_label"]
            sound = 0 <= index < N and given[index] < 0 and set(shown) <= set(range(len(CLASSES)))
            if not sound or min(counts) < 0 or sum(counts) != REVIEWERS:
                raise ValueError(f"the review of image {index} is no answer of five people")
            reviews[index], given[index], guessed[index] = counts, *shown
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise AnnotationsError(f"{name} cannot be read ({error}).") from error
    return reviews, given, guessed
