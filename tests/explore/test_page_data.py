"""Check the data and choices of a page, with a server or without one."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from cifar.explain.methods import METHODS, default_choice
from cifar.explore import page_data, store, thumbnails
from cifar.explore.stories import stories
from tests.packs import unpack


def test_every_listed_model_has_its_pack():
    listed = page_data.model_list()
    names = [one["name"] for one in listed["models"] + listed["others"]]
    kinds = ("probabilities", "channels")
    more = [f"{one['name']}-{kind}" for one in listed["models"] for kind in kinds]
    models = [one["name"] for one in listed["models"]]
    others = [one["name"] for one in listed["others"]]
    assert page_data.pack_names() == ["images", *models, *more, *others] and len(others) == 31
    assert listed["model"] == names[0] == "resnet"
    for name in names:
        assert unpack(page_data.pack(name))[0]["name"] == name


def test_sheets_follow_the_places_that_the_images_pack_tells(test_images):
    place = unpack(page_data.pack("images"))[1]["position"]
    assert np.array_equal(place, page_data.places())
    sheet = np.asarray(Image.open(io.BytesIO(page_data.sheet(3))))
    index = int(np.flatnonzero(place == 3 * thumbnails.PER_SHEET + 7)[0])
    assert np.array_equal(sheet[:32, 7 * 32 : 8 * 32], test_images[index])


def test_the_examples_are_the_stories(test_images):
    for name in page_data.models():
        found = page_data.examples(name)
        json.dumps(found)
        for one, story in zip(found, stories(name), strict=True):
            pixels = np.frombuffer(base64.b64decode(one["pixels"]), np.uint8)
            assert np.array_equal(pixels.reshape(-1, 32, 32, 3), story["pixels"])
            assert one["story"] == story["story"]


def test_facts_are_those_of_the_cards():
    facts = page_data.facts()
    assert list(facts) == page_data.models()
    for name, found in facts.items():
        assert found["mistakes"] == store.table(name)["wrong"].sum()
        assert found["accuracy"] == 1 - found["mistakes"] / 10_000
        assert found["learned"] == 48_000


def test_all_methods_and_layers_are_offered_unless_some_cannot_be_had():
    found = page_data.options()
    assert [method["name"] for method in found["methods"]] == list(METHODS)
    for name in page_data.models():
        ckpt = store.load(name)
        layers = [layer.name for layer in ckpt.model.layers]
        assert [layer["name"] for layer in found["layers"][name]] == layers
        assert tuple(found["defaults"][name].values()) == default_choice(ckpt)
    json.dumps(found)


@pytest.mark.parametrize("methods", [("hirescam",), ("gradcam", "hirescam", "layercam")])
def test_of_fewer_methods_the_best_is_shown_first(methods):
    found = page_data.options(methods, last_layer=True)
    assert {method["name"] for method in found["methods"]} == set(methods)
    for name in page_data.models():
        ckpt = store.load(name)
        last = ckpt.model.layers[-1].name
        assert [layer["name"] for layer in found["layers"][name]] == [last]
        default = found["defaults"][name]
        assert tuple(default["layers"]) == (last,)
        scores = {
            row["method"]: row["road"]["mean"]
            for row in ckpt.metrics["explain"]["rows"]
            if row["layer"] == last and row["method"] in methods
        }
        assert scores[default["method"]] == max(scores.values())


@pytest.mark.parametrize("model", ["resnet", "basenet"])
def test_exports_have_probabilities_in_full_precision(model):
    header, columns = unpack(page_data.pack(f"{model}-probabilities"))
    assert (header["kind"], header["name"]) == ("probabilities", model)
    found, rows = columns["probabilities"], store.table(model)
    assert found.dtype == np.float32 and found.shape == (10_000, 10)
    np.testing.assert_allclose(found.sum(1, dtype=np.float64), 1, atol=1e-6)
    np.testing.assert_allclose(found.max(1), rows["confidence"], rtol=1e-6)
