"""Check the values in a question of the page."""

import base64

import numpy as np
import pytest

from cifar import LensError
from cifar.explore import page_data, store
from cifar.ui import validation


def test_an_answer_is_given_whatever_is_asked():
    @validation.report_errors
    def ask(question):
        if question.get("fail"):
            raise LensError("Ask for something else.")
        return {"got": question}

    assert ask({"a": 1}) == {"got": {"a": 1}}
    assert ask("text") == ask(None) == ask([1]) == {"got": {}}
    assert ask({"fail": True}) == {"error": "Ask for something else."}


def test_pixels_come_back_as_they_were_sent(tiny_split):
    image = tiny_split(3).images[0].permute(1, 2, 0).numpy()
    asked = validation.image_of({"pixels": page_data.pixels_of(image)})
    assert np.array_equal(asked.image, image) and asked.label is None
    assert (asked.seen.kind, asked.seen.kind_of_view) == ("image", "image")


def test_one_of_several_looks_is_asked_for(tiny_split):
    views = tiny_split(4).images.permute(0, 2, 3, 1).numpy()
    question = {"pixels": page_data.pixels_of(views), "kind": "looks", "look": 2}
    asked = validation.image_of(question)
    assert np.array_equal(asked.seen.views, views) and np.array_equal(asked.image, views[2])
    assert (asked.seen.kind, asked.seen.kind_of_view) == ("looks", "look")
    for wrong, problem in (
        ({"look": 4}, "no image 4: choose 0 to 3"),
        ({"look": "2"}, "no image '2'"),
        ({"kind": "views"}, "no such kind of picture"),
        ({"kind": "look"}, "did not arrive whole"),
        ({"pixels": page_data.pixels_of(views[:3])}, "did not arrive whole"),
    ):
        with pytest.raises(LensError, match=problem):
            validation.image_of(question | wrong)


def test_a_test_image_comes_with_its_label(test_images):
    asked = validation.image_of({"index": 7})
    assert np.array_equal(asked.image, test_images[7])
    assert asked.label == store.predictions("resnet").labels[7]


def test_what_a_question_must_not_hold_gets_one_sentence():
    few, many = (base64.b64encode(bytes(n)).decode() for n in (3071, 3073))
    pixels = (None, 7, "", "not base64!", "grün", ["AAAA"], few, many)
    for image in (None, "cat", {}, *({"pixels": one} for one in pixels)):
        with pytest.raises(LensError, match="did not arrive whole"):
            validation.image_of(image)
    for index in (-1, 10_000, True, "3", 1.0, None, [1]):
        with pytest.raises(LensError, match="choose 0 to 9,999"):
            validation.image_of({"index": index})
    for path in (None, "", 3, "/etc/passwd", "../../etc/passwd", ["x"], "a\0b"):
        with pytest.raises(LensError, match="did not arrive"):
            validation.uploaded(path)
    for value in (None, 3, "stage9", ["stage1"], {}):
        with pytest.raises(LensError, match="no such layer: choose one of prep, stage1"):
            validation.choice(value, ["prep", "stage1"], "layer")
