import re

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from cifar import CLASSES
from cifar.classifier import classify
from cifar.images import network_view, open_image
from cifar.ui import classify as tab
from cifar.ui import library


@pytest.fixture
def photo(tmp_path):
    """A picture file of the kind people upload."""
    path = tmp_path / "cheetah.png"
    Image.fromarray(tab.photos()["cheetah"]).save(path)
    return str(path)


def answered(path, name="basenet", layer="stage3", target=tab.PREDICTED, top_k=5):
    return tab.answer(path, name, layer, target, top_k)


def test_the_answer_is_the_classifiers(photo):
    said = classify(library.load("basenet"), network_view(open_image(photo)))
    view, bars, _ = answered(photo, top_k=3)
    assert f"{CLASSES[said.predicted]}</span>" in view
    assert re.findall(r"([\d.]+)%</span>", bars) == [f"{100 * p:.1f}" for _, p in said.top(3)]


@pytest.mark.parametrize("top_k", [1, 10])
def test_as_many_bars_as_asked_for(photo, top_k):
    assert answered(photo, top_k=top_k)[1].count("track") == top_k


def test_the_heat_map_is_for_the_class_and_layer_asked_for(photo):
    heat = answered(photo, target="truck", layer="stage4")[2]
    assert "heat map for truck" in heat and "stage 4, 4x4 map" in heat


def test_a_layer_of_the_other_model_falls_to_this_models_own(photo):
    assert "8x8 map" in answered(photo, name="resnet", layer="stage4")[2]


def test_no_picture_gives_an_invitation():
    assert "Drop a picture" in answered(None)[0]


def test_a_text_file_gives_one_sentence(tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    view, bars, heat = answered(str(path))
    assert "not a picture that can be read" in view and bars == heat == ""


def test_what_the_page_shows_is_escaped():
    assert "<script>" not in tab.html.note("<script>alert(1)</script>")


def test_examples_are_ten_test_images_once_they_are_there(test_images):
    shown = tab.examples("basenet")
    assert [item["caption"].split()[1] for item in shown] == list(CLASSES)


def test_examples_are_photographs_before_that(no_test_images):
    assert [item["key"] for item in tab.examples("basenet")] == list(tab.PHOTOS)


def test_an_example_comes_back_unchanged(test_images):
    key = tab.examples("basenet")[3]["key"]
    index = int(key.split()[0].removeprefix("#"))
    chosen = tab.chosen_example("basenet", gr.EventData(None, {"key": key}))
    assert np.array_equal(chosen, test_images[index])


@pytest.mark.parametrize("data", [{"key": "/etc/passwd"}, {}, None, "cat", {"key": 3}])
def test_the_page_cannot_name_any_other_picture(data):
    with pytest.raises(gr.Error, match="no longer there"):
        tab.chosen_example("basenet", gr.EventData(None, data))


def test_the_page_opens_on_a_picture(no_test_images):
    assert tab.opening_picture("basenet").ndim == 3


def test_layers_are_those_of_the_model():
    assert tab.layer_choices("resnet")[2] == ("stage 2, 8x8 map", "stage2")
