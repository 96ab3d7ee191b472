import numpy as np
import pytest

from cifar import CLASSES
from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify
from cifar.explore import store
from cifar.explore.stories import stories

MODELS = ("resnet", "basenet")


@pytest.fixture(params=MODELS)
def told(request):
    """A model, its table, and its stories by name."""
    name = request.param
    return name, store.table(name), {one["story"]: one for one in stories(name)}


def test_stories_are_true_of_the_images(told):
    _, rows, found = told
    sure, label = found["sure and wrong"]["index"], found["label looks wrong"]["index"]
    assert rows.loc[sure, "wrong"] and rows.loc[sure, "agreement"] >= 0.75
    assert rows.loc[label, "people"] == rows.loc[label, "predicted"] != rows.loc[label, "true"]
    assert found["label looks wrong"]["votes"][found["label looks wrong"]["label"]] == 0
    votes = found["people disagree"]["votes"]
    shares = store.annotations().votes.max(1) / store.annotations().votes.sum(1)
    assert votes.max() / votes.sum() == shares.min()
    assert rows.loc[found["not sure"]["index"], "confidence"] == rows["confidence"].min()
    right = rows.loc[found["right and sure"]["index"]]
    assert not right["wrong"] and right["agreement"] == 1 and right["confidence"] > 0.99


def test_the_first_story_is_that_of_a_confident_mistake(told):
    _, rows, found = told
    assert next(iter(found)) == "sure and wrong"
    index = found["sure and wrong"]["index"]
    others = rows[rows["wrong"] & (rows["agreement"] >= 0.75)]
    assert rows.loc[index, "confidence"] == others["confidence"].max() > 0.99


def test_the_network_says_what_the_made_stories_tell(told):
    """The covered ship is still a ship, and a flower is one of the ten classes for it."""
    name, _, found = told
    covered = found["background alone"]
    answer = classify(store.load(name), Seen.image(covered["pixels"][0]))
    assert CLASSES[answer.predicted] == "ship" == CLASSES[covered["label"]]
    assert answer.confidence > 0.8
    image = store.test_images()[55]
    assert not (covered["pixels"][0][5:27, 5:27] != covered["pixels"][0][5, 5]).any()
    assert np.array_equal(covered["pixels"][0][27:], image[27:])
    flower = found["no such class"]
    assert flower["label"] is None and flower["kind"] == "looks" and len(flower["pixels"]) == 4
    seen = Seen(flower["pixels"], flower["kind"])
    assert classify(store.load(name), seen).confidence > 0.5


def test_a_story_that_no_image_tells_is_left_out(monkeypatch):
    rows = store.table("resnet").assign(wrong=False)
    monkeypatch.setattr(store, "table", lambda name: rows)
    found = [one["story"] for one in stories("resnet")]
    assert found[0] == "people disagree" and "sure and wrong" not in found
