"""What the explorer in the page asks of the server, and what it must not get."""

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from gradio.utils import get_upload_folder
from PIL import Image

from cifar.explore import store
from cifar.ui import mistakes as tab
from cifar.ui.security.temporary_files import server_folder
from tests.packs import unpack


def test_a_forged_question_gets_one_sentence():
    for function, question in (
        (tab.asset, None),
        (tab.asset, "images"),
        (tab.asset, {"kind": "pack", "name": "../../etc/passwd"}),
        (tab.asset, {"kind": "pack", "name": ["resnet"]}),
        (tab.asset, {"kind": "sheet", "name": 21}),
        (tab.asset, {"kind": "sheet", "name": -1}),
        (tab.asset, {"kind": "sheet", "name": True}),
        (tab.asset, {"kind": "neighbors", "name": "nobody", "number": 0}),
        (tab.asset, {"kind": "neighbors", "name": "resnet"}),
        (tab.asset, {"kind": "neighbors", "name": "resnet", "number": 20}),
        (tab.asset, {"kind": "other", "name": 1e9}),
        (tab.compare_upload, {}),
        (tab.compare_upload, {"path": "/etc/passwd", "name": "x.npy"}),
        (tab.compare_upload, {"path": str(Path(tab.__file__)), "name": "x.npy"}),
        (tab.compare_upload, {"path": ["x"], "name": None}),
    ):
        answer = function(question)
        assert answer.keys() == {"error"}, question
        assert answer["error"].endswith((".", "?")) and "Traceback" not in answer["error"]


def packed(name):
    return unpack(
        (server_folder().made.path / tab.asset({"kind": "pack", "name": name})["file"]).read_bytes()
    )


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
        assert header["sha256"] == store.load(header["name"]).sha256


@pytest.mark.parametrize("model", ["resnet", "basenet"])
def test_sheets_hold_the_training_images_nearest_to_every_mistake(model):
    """Every pixel is compared with the training split where that is at hand, in test_neighbours."""
    header, columns = packed(model)
    recorded, wrong = store.predictions(model), store.table(model)["wrong"].to_numpy()
    assert np.array_equal(columns["neighbor_row"] == 65535, ~wrong)
    assert np.array_equal(columns["neighbors"], recorded.neighbours[:, :3])
    assert np.array_equal(columns["neighbor_labels"], recorded.neighbour_labels[:, :3])
    images, layout = store.neighbor_images(model), header["neighbors"]
    for index in np.flatnonzero(wrong)[::50]:
        number, row = divmod(int(columns["neighbor_row"][index]), layout["per_sheet"])
        answer = tab.asset({"kind": "neighbors", "name": model, "number": number})
        sheet = np.asarray(Image.open(server_folder().made.path / answer["file"]))
        shown = sheet[32 * row : 32 * row + 32].reshape(32, layout["columns"] + 1, 32, 3)
        right = store.test_images()[int(columns["nearest_right"][index])]
        assert layout["right"] and np.array_equal(shown[:, -1], right)
        for k, training_index in enumerate(columns["neighbors"][index].tolist()):
            assert np.array_equal(shown[:, k], images[training_index])


def test_sheets_hold_the_test_images(test_images):
    place = packed("images")[1]["position"]
    index = int(np.flatnonzero(place == 7)[0])
    answer = tab.asset({"kind": "sheet", "name": 0})
    sheet = np.asarray(Image.open(server_folder().made.path / answer["file"]))
    assert np.array_equal(sheet[:32, 7 * 32 : 8 * 32], test_images[index])


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
    logits = store.predictions("basenet").logits
    question = upload("mine.npy", lambda path: np.save(path, logits))
    header, columns = unpack(
        (server_folder().made.path / tab.compare_upload(question)["file"]).read_bytes()
    )
    assert header["title"] == "mine.npy" and header["against"]["basenet"]["counts"][1:3] == [0, 0]
    assert np.array_equal(columns["predicted"], logits.argmax(1))
    assert not Path(question["path"]).exists()


def test_an_upload_that_is_no_prediction_says_why_and_the_file_goes(upload):
    question = upload("mine.npy", lambda path: np.save(path, np.zeros((5, 10))))
    assert "has 5 rows instead of 10,000" in tab.compare_upload(question)["error"]
    assert not Path(question["path"]).exists()
    assert "has 5 rows" in tab.compare_upload(question)["error"]  # of another visitor, the same


def test_visitors_with_the_same_file_get_the_same_pack(upload):
    """Gradio stores uploads of one content under one path."""
    logits = store.predictions("basenet").logits
    question = upload("mine.npy", lambda path: np.save(path, logits))
    with ThreadPoolExecutor(4) as visitors:
        answers = list(visitors.map(tab.compare_upload, [question] * 4))
    assert "file" in answers[0] and answers == answers[:1] * 4
    again = upload("mine.npy", lambda path: np.save(path, logits))
    assert tab.compare_upload(again) == answers[0] and not Path(question["path"]).exists()
    assert "did not arrive" in tab.compare_upload(question | {"name": "other.npy"})["error"]


def test_a_link_outside_the_upload_folder_is_not_followed(upload, tmp_path):
    (tmp_path / "secret.npy").write_bytes(b"secret")
    question = upload("link.npy", lambda path: path.symlink_to(tmp_path / "secret.npy"))
    assert "did not arrive" in tab.compare_upload(question)["error"]


def test_what_the_page_is_told_is_plain():
    page = tab.page()
    assert [model["name"] for model in page["models"]] == ["resnet", "basenet"]
    assert page["model"] == "resnet"
    assert re.search(r"^components/\w{12}/gradio\.js$", page["script"])
    json.dumps(page)
