"""Test which checkpoints the app shows, and what becomes of the others."""

import copy
import json
import shutil
from collections import OrderedDict

import numpy as np
import pytest

from cifar import LensError
from cifar.explore import page_data, store
from cifar.models import checkpoint, model_card
from cifar.publish import model_repo
from cifar.ui import about, assets, report
from cifar.ui.security.temporary_files import server_folder
from tests.packs import unpack

ODD = (None, [], {}, "x", -1, 1e400, True)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder of checkpoints, of which nothing is cached, with `basenet` in it."""
    monkeypatch.setattr(checkpoint, "ROOT", tmp_path)
    for name in ("_shown", "_problems"):
        monkeypatch.setattr(store, name, {})
    monkeypatch.setattr(store, "_recent", OrderedDict())
    for name in ("_read", "predictions", "table", "neighbor_images"):
        monkeypatch.setattr(store, name, getattr(store, name).__wrapped__.__wrapped__)
    shutil.copytree(checkpoint.PROJECT / "checkpoints" / "basenet", tmp_path / "basenet")
    return tmp_path


def unevaluated(folder):
    (folder / "metrics.json").unlink()


def half_copied(folder):
    content = (folder / "predictions.npz").read_bytes()
    (folder / "predictions.npz").write_bytes(content[: len(content) // 2])


def of_other_weights(folder):
    (folder / "model.safetensors").write_bytes(b"other")


def foreign(folder):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "pytorch_model.bin").write_bytes(b"weights")


def of_another_shape(folder):
    (folder / "config.json").write_text("[]")


def without_predictions(folder):
    (folder / "predictions.npz").unlink()


@pytest.mark.parametrize(
    "spoil",
    [unevaluated, half_copied, of_other_weights, foreign, of_another_shape, without_predictions],
    ids=lambda spoil: spoil.__name__,
)
def test_a_folder_that_cannot_be_shown_is_named_once_and_left_out(root, caplog, spoil):
    shutil.copytree(root / "basenet", root / "odd")
    spoil(root / "odd")
    (root / ".hidden").mkdir()
    (root / "notes.txt").write_text("no folder")
    assert [name for _, name in store.choices()] == ["basenet"]
    (line,) = caplog.messages
    assert line.startswith("odd is left out: ") and line.endswith(".") and "\n" not in line


def test_a_folder_that_comes_later_fails_no_question(root, monkeypatch, caplog):
    assert page_data.models() == ["basenet"]
    (root / "half").mkdir()
    (root / "half" / "config.json").write_text("{")
    shutil.rmtree(root / "basenet")
    assert page_data.models() == page_data.models() == ["basenet"]
    (line,) = caplog.messages
    assert line.startswith("half is left out: ")


def test_a_complete_folder_that_comes_later_is_shown(root):
    assert page_data.models() == ["basenet"]
    shutil.copytree(root / "basenet", root / "other")
    assert page_data.models() == ["basenet", "other"]


def test_memory_holds_the_networks_used_last(root, monkeypatch):
    monkeypatch.setattr(store, "_read", store.once(store._read))
    names = ["basenet", "second", "third"]
    for name in names[1:]:
        shutil.copytree(root / "basenet", root / name)
    loaded = [store.load(name) for name in names]
    for name in names:
        assert store.load(name).model.head.out_features == 10
    store.load("third")
    assert ["model" in vars(ckpt) for ckpt in loaded] == [False, True, True]
    assert store.load("basenet").model.head.out_features == 10
    store.load("basenet")
    assert ["model" in vars(ckpt) for ckpt in loaded] == [True, False, True]


def test_a_folder_that_becomes_complete_is_shown(root, caplog):
    shutil.copytree(root / "basenet", root / "later")
    predictions = (root / "later" / "predictions.npz").read_bytes()
    (root / "later" / "predictions.npz").unlink()
    assert page_data.models() == page_data.models() == ["basenet"]
    (root / "later" / "predictions.npz").write_bytes(predictions)
    assert page_data.models() == ["basenet", "later"]
    assert len(caplog.messages) == 1


def test_packs_know_a_network_that_is_added_and_sheets_stay(root, monkeypatch):
    monkeypatch.setattr(page_data, "places", store.once(page_data.places.__wrapped__.__wrapped__))
    places = page_data.places()
    before = assets.asset({"kind": "pack", "name": store.PUBLISHED})["file"]
    shutil.copytree(root / "basenet", root / "other")
    found = assets.asset({"kind": "pack", "name": store.PUBLISHED})["file"]
    header, _ = unpack((server_folder().made.path / found).read_bytes())
    assert set(header["against"]) == {"basenet", "other"} and found != before
    assert np.array_equal(page_data.places(), places)


def test_no_checkpoint_at_all_is_one_sentence(root):
    shutil.rmtree(root / "basenet")
    with pytest.raises(LensError, match="There is no evaluated checkpoint in"):
        store.choices()
    root.rmdir()
    with pytest.raises(LensError, match="There is no evaluated checkpoint in"):
        store.choices()


# Values of other types


def places(value, path=()):
    """The place of every value in JSON; of a list, only the first item's."""
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value[:1])
        for key, item in items:
            yield from places(item, (*path, key))


def changed(content, path, value):
    """A copy of JSON with another value at a place; none there if the value is `places`."""
    if not path:
        return value
    copied = copy.deepcopy(content)
    inner = copied
    for key in path[:-1]:
        inner = inner[key]
    if value is places:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return copied


def use(tmp_path):
    """Show all that the app, the card and the model repository show of a checkpoint."""
    for _, name in store.choices():
        ckpt = store.load(name)
        report.report(name)
        about.card(name)
        model_card.model_card(ckpt.config, ckpt.measured)
        model_repo.eval_results(ckpt)
        model_repo.hub_card(ckpt.config, ckpt.measured, "me/net", {})
        json.dumps(page_data.options(), allow_nan=False)


@pytest.mark.parametrize("file", ["config.json", "metrics.json"])
def test_a_value_of_another_type_is_refused_or_used(root, monkeypatch, file):
    """No other error comes out, whatever stands in a checkpoint's JSON."""
    monkeypatch.setattr(store, "predictions", store.once(store.predictions))  # these stay
    path = root / "basenet" / file
    content = json.loads(path.read_text())
    refused = used = 0
    for place in places(content):
        for value in (*ODD, places):
            if place == () and value is places:
                continue
            path.write_text(json.dumps(changed(content, place, value)))
            try:
                use(root)
                used += 1
            except LensError as error:
                assert str(error).endswith(".") and "\n" not in str(error)
                refused += 1
    assert refused > 100 and used > 10
