"""The pictures that the Classify tab offers to start with: each tells something about a network.

Most are test images that a rule finds in the network's recorded predictions and people's votes, so
that a story stays true of another network. Two are not test images as they are: one is covered in
the middle, one is a photograph of something that is none of the ten classes.
"""

import numpy as np
import pandas as pd
from PIL import Image
from typing_extensions import TypedDict

from cifar import CLASSES
from cifar.data.pictures import Kind, Seen, see
from cifar.explore import store

COVERED = 55  # a sailing boat: with a square over it, only sky, coast and sea are seen
COVER = slice(5, 27)


class Story(TypedDict):
    """A picture and what to say of it.

    story: three words. what: what is seen, where that is not its label; note: a sentence on how the
    picture was made or where it comes from; both may be empty. index: of a test image that is shown
    as it is, else None. label: a class, or None. pixels: uint8 (V, 32, 32, 3), all views, of this
    kind (see `Seen`). votes: how many people chose each class, int64 (10,), or None.
    """

    story: str
    what: str
    note: str
    index: int | None
    label: int | None
    pixels: np.ndarray
    kind: Kind
    votes: np.ndarray | None


def stories(model: str) -> list[Story]:
    """Return the pictures for a model; the first is the one that the page opens on.

    A rule that no image satisfies leaves its story out. Equal images are ordered by test index.
    """
    rows = store.table(model)
    wrong = rows[rows["wrong"]]
    found = [
        opening(model),
        _first("label looks wrong", _most_sure(wrong[wrong["agreement"] == 0])),
        _first("people disagree", rows.loc[[_most_disputed()]]),
        _first("not sure", rows.sort_values("confidence", kind="stable")),
        _covered(),
        _foreign(),
        _first("right and sure", _most_sure(rows[~rows["wrong"] & (rows["agreement"] == 1)])),
    ]
    return [story for story in found if story is not None]


def opening(model: str) -> Story | None:
    """Return the first story alone, which needs no more than the table."""
    rows = store.table(model)
    return _first("sure and wrong", _most_sure(rows[rows["wrong"] & (rows["agreement"] >= 0.75)]))


def _most_sure(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("confidence", ascending=False, kind="stable")


def _most_disputed() -> int:
    """Return the test image of which the smallest share of people chose the same class."""
    votes = store.annotations().votes
    return int((votes.max(1) / votes.sum(1)).argmin())


def _first(story: str, rows: pd.DataFrame) -> Story | None:
    if rows.empty:
        return None
    index = int(rows.index[0])
    return {
        "story": story,
        "what": "",
        "note": "",
        "index": index,
        "label": int(store.test_images().labels[index]),
        "pixels": store.test_images()[index][None],
        "kind": "image",
        "votes": store.annotations().votes[index],
    }


def _covered() -> Story:
    """Return a test image whose middle is covered with its mean color."""
    image = store.test_images()[COVERED].copy()
    image[COVER, COVER] = image.mean((0, 1)).round()
    label = int(store.test_images().labels[COVERED])
    return {
        "story": "background alone",
        "what": f"covered {CLASSES[label]}",
        "note": f"A square hides the {CLASSES[label]} of test image #{COVERED}: only what is "
        "around it is left to see.",
        "index": None,
        "label": label,
        "pixels": image[None],
        "kind": "image",
        "votes": None,
    }


def _foreign() -> Story:
    """Return a photograph of a flower, which comes with scikit-learn, with all looks at it."""
    from sklearn.datasets import load_sample_image  # slow to import: not at the start of the app

    seen: Seen = see(Image.fromarray(load_sample_image("flower.jpg")), "crop", None)
    return {
        "story": "no such class",
        "what": "flower",
        "note": "It knows ten classes and must choose one of them. Photograph: vultilion, CC BY "
        "2.0, from scikit-learn.",
        "index": None,
        "label": None,
        "pixels": seen.views,
        "kind": seen.kind,
        "votes": None,
    }
