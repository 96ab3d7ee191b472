"""What the Classify tab asks of the server alone, and what it must not get."""

import base64
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from gradio.utils import get_upload_folder
from PIL import Image

from cifar import CLASSES
from cifar.data import remote_pictures
from cifar.data.pictures import FITS, network_view, open_image
from cifar.explore import page_data
from cifar.ui import classify as tab
from tests.serving import PHOTOS


@pytest.fixture
def folder(tmp_path):
    """A folder where Gradio puts uploads."""
    folder = Path(get_upload_folder()) / tmp_path.name
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def photo(folder):
    """The path of a picture of the kind that people upload."""
    return shutil.copy(PHOTOS / "cheetah.jpg", folder)


def image_of(answer):
    """The pixels of an answer's main view, or of an example, as an array."""
    return np.frombuffer(base64.b64decode(answer["pixels"]), np.uint8).reshape(-1, 32, 32, 3)[0]


@pytest.mark.parametrize("fit", FITS)
def test_an_upload_is_seen_in_every_fit(photo, fit):
    answer = tab.see({"path": photo, "fit": fit, "box": None})
    picture = open_image(photo)
    assert np.array_equal(image_of(answer), network_view(picture, fit))
    assert answer["kind"] == ("looks" if fit == "crop" else "look")
    assert (answer["width"], answer["height"]) == picture.size


def test_a_box_is_cut_out(photo):
    box = [0.5, 0.25, 0.75, 0.5]
    answer = tab.see({"path": photo, "fit": "crop", "box": box})
    assert np.array_equal(image_of(answer), network_view(open_image(photo), box=box))
    whole = tab.see({"path": photo, "fit": "crop", "box": None})
    assert not np.array_equal(image_of(answer), image_of(whole))


def test_a_picture_of_32_pixels_is_seen_as_it_is(folder):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "small.png")
    answer = tab.see({"path": str(folder / "small.png"), "fit": "fit"})
    assert np.array_equal(image_of(answer), pixels)
    assert (answer["width"], answer["height"]) == (32, 32)


def test_a_text_file_gets_one_sentence(folder):
    (folder / "notes.png").write_text("not a picture")
    answer = tab.see({"path": str(folder / "notes.png"), "fit": "crop"})
    assert "not a picture that can be read" in answer["error"]


@pytest.mark.parametrize(
    "question",
    [
        None, "path", {}, {"fit": "crop"}, {"path": None, "fit": "crop"},
        {"path": ["x"], "fit": "crop"}, {"path": "/etc/passwd", "fit": "crop"},
        {"path": "a\0b", "fit": "crop"}, {"path": "x" * 10_000, "fit": "crop"},
        {"path": str(Path(tab.__file__)), "fit": "crop"},
        {"path": get_upload_folder(), "fit": "crop"},
        {"path": str(PHOTOS / "lion.jpg"), "fit": "crop"},
    ],
)  # fmt: skip
def test_a_forged_question_gets_one_sentence(question):
    one_sentence(tab.see(question))


def test_a_forged_view_gets_one_sentence(photo):
    for view in (
        {}, {"fit": "cover"}, {"fit": ["crop"]},
        *({"fit": "crop", "box": box} for box in (
            "0123", {"left": 0}, [], [0, 0, 1], [0, 0, 1, 2], [-1, 0, 1, 1], [0.5, 0, 0.5, 1],
            [0, 0, 1, float("nan")], [0, 0, 1, None], [0, 0, 1e-9, 1e-9],
        )),
    ):  # fmt: skip
        one_sentence(tab.see({"path": photo} | view))


def one_sentence(answer):
    assert answer.keys() == {"error"}
    assert answer["error"].endswith(".") and "Traceback" not in answer["error"]


def test_a_link_outside_the_upload_folder_is_not_followed(folder):
    (folder / "link.jpg").symlink_to(PHOTOS / "lion.jpg")
    up = f"{folder}/../../{Path(tab.__file__).name}"
    for path in (str(folder / "link.jpg"), up):
        assert "did not arrive" in tab.see({"path": path, "fit": "crop"})["error"]


def test_examples_are_those_of_the_model():
    for model in ("resnet", "basenet"):
        assert tab.examples({"model": model}) == {"examples": page_data.examples(model)}
    assert "model" in tab.examples({"model": "x"})["error"]


def test_what_the_page_is_told_is_plain():
    page = tab.page()
    assert page["model"] == "resnet"
    assert re.search(r"^components/\w{12}/gradio-classify\.js$", page["script"])
    assert page["evidence"]["classes"] == list(CLASSES)
    json.dumps(page)


def test_a_dropped_address_becomes_an_upload(monkeypatch, photo):
    def fetch(address, path):
        shutil.copyfile(photo if address.endswith("photo") else __file__, path)

    monkeypatch.setattr(remote_pictures, "fetch", fetch)
    answer = tab.fetch_picture({"url": "https://example.org/photo"})
    assert Path(answer["path"]).is_relative_to(Path(get_upload_folder()).resolve())
    seen = tab.see({"path": answer["path"], "fit": "crop", "box": None})
    assert np.array_equal(image_of(seen), network_view(open_image(photo)))
    # What is no picture is not kept.
    before = sorted(Path(get_upload_folder()).rglob("*"))
    refused = tab.fetch_picture({"url": "https://example.org/page.html"})
    assert "not a picture that can be read" in refused["error"]
    assert sorted(Path(get_upload_folder()).rglob("*")) == before


@pytest.mark.parametrize("url", [None, 3, "", "file:///etc/passwd", "javascript:1", "photo.png"])
def test_what_is_no_address_is_not_fetched(url):
    assert "is no picture: save it" in tab.fetch_picture({"url": url})["error"]
    assert "could not be fetched" in tab.fetch_picture({"url": "http://127.0.0.1:9/a"})["error"]
