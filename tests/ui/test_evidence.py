"""What the page is told of one image: the answer, the evidence, and how far it can be trusted."""

import base64
import io
import json
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from gradio.utils import get_upload_folder
from PIL import Image

from cifar import CLASSES
from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify
from cifar.explain.faithfulness import faithfulness
from cifar.explain.heat_maps import heat_maps
from cifar.explain.layer_maps import way
from cifar.explain.methods import default_choice
from cifar.explore import store
from cifar.explore.page_data import options, pixels_of
from cifar.ui import evidence

MODEL = "basenet"


@pytest.fixture
def mistake(test_images):
    """The test index of an image that the model gets wrong."""
    rows = store.table(MODEL)
    return int(rows.index[rows["wrong"]][0])


def values_of(part):
    return np.reshape(np.float32(part["values"]), (part["height"], part["width"]))


def test_a_mistake_is_shown_for_what_was_said_and_for_what_is_true(test_images, mistake):
    found = evidence.look({"model": MODEL, "image": {"index": mistake}})
    row = store.table(MODEL).loc[mistake]
    assert CLASSES[found["predicted"]] == row["predicted"]
    assert CLASSES[found["label"]] == row["true"]
    assert [one["target"] for one in found["maps"]] == [found["predicted"], found["label"]]
    method, layers = default_choice(store.load(MODEL))
    assert (found["method"], tuple(found["layers"])) == (method, layers)
    heats = heat_maps(
        store.load(MODEL), test_images[mistake], [one["target"] for one in found["maps"]]
    )
    for part, heat in zip(found["maps"], heats, strict=True):
        np.testing.assert_allclose(values_of(part), heat.values, rtol=1e-6)
    json.dumps(found)


def test_a_picture_is_shown_for_the_answer_and_the_runner_up(test_images):
    image = test_images[11]
    found = evidence.look({"model": MODEL, "image": {"pixels": pixels_of(image)}})
    said = classify(store.load(MODEL), Seen.image(image))
    np.testing.assert_allclose(found["probabilities"], said.probabilities)
    order = np.argsort(-said.probabilities)
    assert [one["target"] for one in found["maps"]] == order[:2].tolist()
    assert found["runner_up"] == order[1] and found["label"] is None


@pytest.mark.parametrize("method", ["gradcam", "layercam", "eigencam", "occlusion"])
def test_any_method_layers_and_classes(test_images, method):
    layers = [] if method == "occlusion" else ["stage2", "stage3"]
    question = {"model": MODEL, "image": {"index": 3}, "method": method, "classes": [9, 0]}
    found = evidence.look(question | {"layers": layers})
    heats = heat_maps(store.load(MODEL), test_images[3], [9, 0], method, layers or None)
    assert found["method"] == method and found["title"] == heats[0].title
    assert found["unit"] == heats[0].unit
    np.testing.assert_allclose(values_of(found["maps"][0]), heats[0].values, atol=1e-6)


def test_finercam_sets_the_two_classes_against_each_other(test_images):
    ckpt, image = store.load(MODEL), test_images[5]
    found = evidence.look(
        {"model": MODEL, "image": {"index": 5}, "method": "finercam", "classes": [3, 5]}
    )
    for part, (one, other) in zip(found["maps"], ((3, 5), (5, 3)), strict=True):
        (heat,) = heat_maps(ckpt, image, [one], "finercam", against=[other])
        np.testing.assert_allclose(values_of(part), heat.values, atol=1e-6)


@pytest.mark.parametrize("method", ["gradcam", "finercam"])
@pytest.mark.parametrize("layers", [["stage3"], ["stage2", "stage3"]])
def test_the_map_that_is_checked_is_the_one_that_is_shown(test_images, monkeypatch, method, layers):
    about = {"model": MODEL, "image": {"index": 5}, "method": method, "layers": layers}
    shown = values_of(evidence.look(about | {"classes": [3, 5]})["maps"][0])
    checked = []

    def spy(ckpt, image, heat):
        checked.append(heat.values)
        return faithfulness(ckpt, image, heat)

    monkeypatch.setattr(evidence, "faithfulness", spy)
    evidence.trust(about | {"target": 3, "against": 5})
    assert np.array_equal(checked[0], shown)


def test_a_picture_of_noise_is_called_unlike(test_images):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    found = [
        evidence.look({"model": model, "image": {"pixels": pixels_of(noise)}})
        for model in ("resnet", MODEL)
    ]
    kinds = [{notice["kind"] for notice in one["notices"]} for one in found]
    assert any("unlike" in one for one in kinds)


def test_the_check_comes_with_its_curves(test_images):
    question = {"model": MODEL, "image": {"index": 3}, "target": 3, "method": "gradcam"}
    found = evidence.trust(question)
    assert found["verdict"] in ("better", "chance", "nothing") and found["sentence"]
    for curve in ("deletion", "insertion"):
        assert len(found[curve]) == len(found["fractions"])
        band = found[f"random_{curve}"]
        assert np.all(np.less_equal(band["low"], np.add(band["mean"], 1e-12)))
        assert np.all(np.less_equal(band["mean"], np.add(band["high"], 1e-12)))
    json.dumps(found)


def test_the_account_adds_up_to_the_logits(test_images):
    found = evidence.account({"model": MODEL, "image": {"index": 3}})
    terms = np.frombuffer(base64.b64decode(found["terms"]), np.float32).reshape(-1, 10)
    recorded = store.predictions(MODEL).logits[3]
    np.testing.assert_allclose(terms.sum(0) + found["constant"], recorded, atol=1e-4)
    cells = np.frombuffer(base64.b64decode(found["cells"]), np.uint8)
    assert len(cells) == len(terms) and cells.max() < found["size"] ** 2
    assert not found["averaged"]
    json.dumps(found)


def test_the_way_is_told_layer_by_layer(test_images):
    ckpt, question = store.load(MODEL), {"model": MODEL, "image": {"index": 3}}
    found = evidence.layers(question | {"covered": [8, 24]})
    wanted = way(ckpt, test_images[3], (8, 24))
    np.testing.assert_allclose(found["probabilities"], wanted.probabilities, atol=1e-6)
    for one, layer in zip(found["layers"], wanted.layers, strict=True):
        assert (one["title"], one["size"]) == (layer.layer.title, layer.layer.size)
        for name, shares in (("maps", layer.maps), ("change", layer.change)):
            told = np.frombuffer(base64.b64decode(one[name]), np.uint8)
            np.testing.assert_allclose(told, 255 * shares.ravel(), atol=0.51)
    json.dumps(found)
    for place in ([25, 0], [-1, 0], [0.5, 0], [0], "here", {"row": 1}, [True, "x"]):
        assert "no such place" in evidence.layers(question | {"covered": place})["error"]


def test_probes_start_from_the_image_itself(test_images):
    found = evidence.probes({"model": MODEL, "image": {"index": 3}})
    said = classify(store.load(MODEL), Seen.image(test_images[3]))
    for probe in found["probes"]:
        at = probe["settings"].index(probe["neutral"])
        np.testing.assert_allclose(probe["probabilities"][at], said.probabilities, atol=1e-4)
        strip = np.asarray(
            Image.open(io.BytesIO(base64.b64decode(probe["strip"].partition(",")[2])))
        )
        assert strip.shape == (32, 32 * len(probe["settings"]), 3)
        assert np.array_equal(strip[:, 32 * at : 32 * at + 32], test_images[3])
    for flip in found["flips"]:
        probe = next(one for one in found["probes"] if one["name"] == flip["name"])
        there = probe["probabilities"][probe["settings"].index(flip["setting"])]
        assert np.argmax(there) == flip["becomes"] != said.predicted
    json.dumps(found)


@pytest.fixture
def upload(tmp_path):
    folder = Path(get_upload_folder()) / tmp_path.name
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


def test_the_file_holds_the_upload_and_the_maps(test_images, upload):
    Image.fromarray(test_images[8]).save(upload / "my ship.PNG")
    question = {
        "model": MODEL,
        "image": {"pixels": pixels_of(test_images[8])},
        "classes": [8, 0],
        "path": str(upload / "my ship.PNG"),
        "fit": "crop",
        "box": None,
        "strength": 0.3,
        "smooth": False,
    }
    found = evidence.bundle(question)
    assert found["name"] == "cifar-lens-picture-basenet.zip"
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(found["data"]))) as archive:
        assert archive.read("input.png") == (upload / "my ship.PNG").read_bytes()
        assert {"maps/ship.npy", "maps/airplane.npy", "contrast.npy"} <= set(archive.namelist())
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["image"]["view"] == {"fit": "crop", "box": None, "look": 0}
    assert manifest["drawing"] == {"strength": 0.3, "smooth": False}
    other = question | {"image": {"pixels": pixels_of(test_images[9])}}
    assert "cut in another way" in evidence.bundle(other)["error"]
    for strength in (2, "much", None, float("nan")):
        assert "choose 0 to 1" in evidence.bundle(question | {"strength": strength})["error"]


def test_only_a_picture_goes_into_the_file(test_images, upload):
    (upload / "notes.txt").write_text("not a picture")
    question = {"model": MODEL, "image": {"index": 3}, "path": str(upload / "notes.txt")}
    question["fit"] = "crop"
    assert "not a picture" in evidence.bundle(question)["error"]


def test_parallel_questions_get_the_serial_answers(test_images):
    questions = [
        {"model": model, "image": {"index": i}, "method": method}
        for i in range(4)
        for model in ("resnet", "basenet")
        for method in ("gradcam", "layercam")
    ]
    serial = [evidence.look(question) for question in questions]
    with ThreadPoolExecutor(16) as pool:
        parallel = list(pool.map(evidence.look, questions))
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_allclose(one["probabilities"], other["probabilities"], atol=1e-6)
        for part, same in zip(one["maps"], other["maps"], strict=True):
            np.testing.assert_allclose(part["values"], same["values"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "function", [evidence.look, evidence.trust, evidence.probes, evidence.bundle]
)
def test_a_forged_question_gets_one_sentence(function):
    changes = [
        {"model": "nobody"}, {"model": ["resnet"]}, {"image": None}, {"image": {"index": 10_000}},
        {"image": {"pixels": "AAAA"}},
    ]  # fmt: skip
    if function is not evidence.probes:
        changes += [
            {"method": "magic"}, {"method": 3}, {"method": ["gradcam"]}, {"layers": ["stage9"]},
            {"layers": "stage1"}, {"layers": [["stage1"]]}, {"layers": ["stage1"] * 9},
        ]  # fmt: skip
    if function is evidence.look:
        classes = ([10], [-1], ["cat"], [1, 2, 3], "cat", [None], [True])
        changes += [{"classes": one} for one in classes]
    for change in changes:
        answer = function({"model": MODEL, "image": {"index": 3}, "target": 3} | change)
        assert answer.keys() == {"error"} and answer["error"].endswith("."), change


def test_what_can_be_chosen_is_known_from_the_start():
    found = options()
    assert found["layers"]["resnet"][0]["name"] == "prep"
    for default in found["defaults"].values():
        assert default["method"] in [method["name"] for method in found["methods"]]
    assert {len(found["colours"][kind]) for kind in ("sequential", "diverging")} == {64, 65}
    json.dumps(found)
