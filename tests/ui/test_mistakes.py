"""What the explorer in the page asks of the server, and what it must not get."""

import functools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from gradio.utils import get_upload_folder

from cifar import CLASSES, data, library
from cifar.pack import unpack
from cifar.ui import mistakes as tab
from cifar.ui.served import SERVED


def packed(name):
    return unpack((SERVED.path / tab.asset({"kind": "pack", "name": name})["file"]).read_bytes())


@pytest.mark.parametrize("name", ["images", "resnet", "basenet", "published"])
def test_a_pack_is_made_once_and_served_under_its_content(name):
    first = tab.asset({"kind": "pack", "name": name})
    assert first == tab.asset({"kind": "pack", "name": name})
    header, _ = packed(name)
    assert header["kind"] == {"images": "images", "published": "other"}.get(name, "model")


def test_each_model_has_its_own_pack():
    headers = [packed(name)[0] for name in ("resnet", "basenet")]
    assert [header["name"] for header in headers] == ["resnet", "basenet"]
    assert headers[0]["sha256"] != headers[1]["sha256"]
    for header in headers:
        assert header["sha256"] == library.load(header["name"]).sha256


def test_sheets_hold_the_test_images(test_images):
    from PIL import Image

    place = packed("images")[1]["position"]
    index = int(np.flatnonzero(place == 7)[0])
    answer = tab.asset({"kind": "sheet", "name": 0})
    sheet = np.asarray(Image.open(SERVED.path / answer["file"]))
    assert np.array_equal(sheet[:32, 7 * 32 : 8 * 32], test_images[index])


def test_before_the_test_images_are_there_the_page_is_told(no_test_images):
    assert "being fetched" in tab.asset({"kind": "sheet", "name": 0})["error"]
    assert tab.images_ready({})["ready"] is False


def test_training_images_come_by_their_official_index():
    split = data.load("train")
    answer = tab.train_thumbnails({"indices": [int(split.indices[5])]})
    assert answer["images"][0]["label"] == CLASSES[split.labels[5]]
    assert answer["images"][0]["url"].startswith("data:image/png;base64,")


def test_without_the_training_images_the_page_is_told(monkeypatch):
    monkeypatch.setattr(tab, "training_images", lambda: None)
    answer = tab.train_thumbnails({"indices": [5]})
    assert answer["images"] == [] and "not on this computer" in answer["message"]


def test_training_images_that_come_while_the_app_runs_are_found(monkeypatch):
    unasked = functools.cache(tab._checked_training_images.__wrapped__)
    monkeypatch.setattr(tab, "_checked_training_images", unasked)
    asked = []

    def found():
        asked.append(1)
        return None if len(asked) == 1 else ("images", "labels")

    monkeypatch.setattr(data, "cached_training_images", found)
    assert tab.training_images() is None
    assert tab.training_images() == tab.training_images() == ("images", "labels")
    assert len(asked) == 2  # and checked no more


@pytest.mark.parametrize(
    ("function", "question"),
    [
        (tab.asset, None),
        (tab.asset, "images"),
        (tab.asset, {"kind": "pack", "name": "../../etc/passwd"}),
        (tab.asset, {"kind": "pack", "name": ["resnet"]}),
        (tab.asset, {"kind": "pack", "name": {"resnet": 1}}),
        (tab.asset, {"kind": "sheet", "name": 20}),
        (tab.asset, {"kind": "sheet", "name": -1}),
        (tab.asset, {"kind": "sheet", "name": True}),
        (tab.asset, {"kind": "sheet", "name": "0"}),
        (tab.asset, {"kind": "other", "name": 1e9}),
        (tab.train_thumbnails, {"indices": "12"}),
        (tab.train_thumbnails, {"indices": list(range(11))}),
        (tab.train_thumbnails, {"indices": [50_000]}),
        (tab.train_thumbnails, {"indices": ["1"]}),
        (tab.compare_upload, {}),
        (tab.compare_upload, {"path": "/etc/passwd", "name": "x.npy"}),
        (tab.compare_upload, {"path": str(Path(tab.__file__)), "name": "x.npy"}),
        (tab.compare_upload, {"path": ["x"], "name": None}),
    ],
)
def test_a_forged_question_gets_one_sentence(test_images, function, question):
    answer = function(question)
    assert answer.keys() == {"error"}
    assert answer["error"].endswith((".", "?")) and "Traceback" not in answer["error"]


@pytest.fixture
def upload(tmp_path):
    """A function that puts a file where Gradio puts uploads."""
    made = []

    def put(name, save):
        folder = Path(get_upload_folder()) / tmp_path.name
        folder.mkdir(parents=True, exist_ok=True)
        made.append(folder)
        save(folder / name)
        return {"path": str(folder / name), "name": name}

    yield put
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


def test_uploaded_predictions_become_a_pack_and_the_file_goes(upload):
    logits = library.predictions("basenet").logits
    question = upload("mine.npy", lambda path: np.save(path, logits))
    header, columns = unpack((SERVED.path / tab.compare_upload(question)["file"]).read_bytes())
    assert header["title"] == "mine.npy" and header["against"]["basenet"]["counts"][1:3] == [0, 0]
    assert np.array_equal(columns["predicted"], logits.argmax(1))
    assert not Path(question["path"]).exists()


def test_an_upload_that_is_no_prediction_says_why(upload):
    question = upload("mine.npy", lambda path: np.save(path, np.zeros((5, 10))))
    assert "10000 x 10" in tab.compare_upload(question)["error"]


def test_a_link_outside_the_upload_folder_is_not_followed(upload, tmp_path):
    (tmp_path / "secret.npy").write_bytes(b"secret")
    question = upload("link.npy", lambda path: path.symlink_to(tmp_path / "secret.npy"))
    assert "did not arrive" in tab.compare_upload(question)["error"]


def test_what_the_page_is_told_needs_no_dataset(no_test_images):
    page = tab.page()
    assert [model["name"] for model in page["models"]] == ["resnet", "basenet"]
    assert page["model"] == "resnet" and page["script"].endswith("components/gradio.js")
    json.dumps(page)
