"""Answers are kept for the questions that follow about the same picture."""

import numpy as np
import pytest

from cifar.data.pictures import Seen
from cifar.evaluation import classifier
from cifar.explore import store
from cifar.ui import answered


@pytest.fixture
def asked(monkeypatch):
    """The kinds of pictures that the network is asked about; no answer is kept before or after."""
    kinds = []

    def ask(ckpt, seen, classify=classifier.classify):
        kinds.append((ckpt.name, seen.kind))
        return classify(ckpt, seen)

    monkeypatch.setattr(classifier, "classify", ask)
    answered._answers.clear()
    yield kinds
    answered._answers.clear()


def test_a_picture_is_classified_once_by_each_network(asked, test_images):
    picture = Seen.image(test_images[3])
    resnet, basenet = store.load("resnet"), store.load("basenet")
    first = answered.classify(resnet, picture)
    assert answered.classify(resnet, Seen.image(test_images[3].copy())) is first
    assert answered.classify(basenet, picture) is not first
    assert answered.classify(resnet, Seen.image(test_images[4])) is not first
    same_pixels = Seen(picture.views, "look")  # calibrated in another way
    assert answered.classify(resnet, same_pixels).kind == "look"
    assert asked == [
        ("resnet", "image"),
        ("basenet", "image"),
        ("resnet", "image"),
        ("resnet", "look"),
    ]


def test_the_oldest_answers_go(asked, monkeypatch):
    monkeypatch.setattr(answered, "KEPT", 3)
    ckpt = store.load("basenet")
    pictures = [Seen.image(np.full((32, 32, 3), value, np.uint8)) for value in range(4)]
    for picture in pictures[:3]:
        answered.classify(ckpt, picture)
    answered.classify(ckpt, pictures[0])  # asked about again: the second is now the oldest
    answered.classify(ckpt, pictures[3])
    assert len(asked) == 4 and len(answered._answers) == 3
    answered.classify(ckpt, pictures[0])
    assert len(asked) == 4
    answered.classify(ckpt, pictures[1])
    assert len(asked) == 5
