import csv
import io
import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from cifar import CLASSES
from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify
from cifar.explain.drawing import overlay
from cifar.explain.evidence_zip import Evidence, as_zip
from cifar.explain.faithfulness import faithfulness
from cifar.explain.heat_maps import heat_maps
from cifar.models import checkpoint


@pytest.fixture
def shown(make_checkpoint, tiny_split):
    """What the app shows of an image: network, image, answer, two heat maps, a check of each."""
    ckpt = checkpoint.load(make_checkpoint())
    image = tiny_split(10).images[4].permute(1, 2, 0).numpy()
    heats = heat_maps(ckpt, image, [2, 7])
    checks = [faithfulness(ckpt, image, heat) for heat in heats]
    return ckpt, image, image[None], classify(ckpt, Seen.image(image)), heats, checks


def files(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def picture(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def test_it_holds_what_was_shown(shown):
    ckpt, image, _, answer, heats, checks = shown
    found = files(as_zip(Evidence(*shown, original=("input.jpg", b"as uploaded"), index=None)))
    manifest = json.loads(found.pop("manifest.json"))
    assert found.keys() == manifest["files"].keys()
    assert found["input.jpg"] == b"as uploaded"
    assert np.array_equal(picture(found["view.png"]), image)
    scale = max(heat.peak for heat in heats)
    large = image.repeat(8, 0).repeat(8, 1)
    for heat in heats:
        name = CLASSES[heat.target]
        assert np.array_equal(np.load(io.BytesIO(found[f"maps/{name}.npy"])), heat.values)
        drawn = overlay(large, heat, scale=scale, strength=0.6)
        assert np.array_equal(picture(found[f"overlays/{name}.png"]), drawn)
    difference = np.load(io.BytesIO(found["contrast.npy"]))
    np.testing.assert_array_equal(difference, heats[0].values - heats[1].values)
    rows = list(csv.DictReader(io.StringIO(found["probabilities.csv"].decode())))
    assert [row["class"] for row in rows] == list(CLASSES)
    assert [float(row["probability"]) for row in rows] == answer.probabilities.tolist()

    assert manifest["checkpoint"]["weights_sha256"] == ckpt.sha256
    assert manifest["image"]["predicted"] == CLASSES[answer.predicted]
    assert manifest["layers"] == [layer.name for layer in heats[0].layers]
    assert (manifest["method"], manifest["unit"]) == (heats[0].method, heats[0].unit)
    assert manifest["versions"]["torch"] == torch.__version__
    assert manifest["drawing"] == {"strength": 0.6, "smooth": True}
    for one, heat, check in zip(manifest["maps"], heats, checks, strict=True):
        assert (one["class"], one["peak"]) == (CLASSES[heat.target], heat.peak)
        assert one["against"] is None
        assert one["road"]["map"] == check.road[0]
        assert one["road"]["random_maps"] == check.road[1:].tolist()
        assert (one["p_value"], one["sentence"]) == (check.p_value, check.sentence)


def test_maps_are_drawn_as_the_visitor_chose(shown):
    _, image, _, _, heats, _ = shown
    scale = max(heat.peak for heat in heats)
    found = files(as_zip(Evidence(*shown, strength=0.25, smooth=False)))
    drawn = overlay(
        image.repeat(8, 0).repeat(8, 1), heats[0], scale=scale, strength=0.25, smooth=False
    )
    name = CLASSES[heats[0].target]
    assert np.array_equal(picture(found[f"overlays/{name}.png"]), drawn)
    assert json.loads(found["manifest.json"])["drawing"] == {"strength": 0.25, "smooth": False}


def test_a_test_image_is_named_by_its_index(shown):
    found = files(as_zip(Evidence(*shown, index=1718, label=3)))
    manifest = json.loads(found["manifest.json"])
    assert manifest["image"]["test_index"] == 1718 and manifest["image"]["label"] == "cat"
    assert not any(name.startswith("input") for name in found)


def test_one_class_has_no_contrast(shown):
    *rest, heats, checks = shown
    found = files(as_zip(Evidence(*rest, heats[:1], checks[:1])))
    assert "contrast.npy" not in found and len(json.loads(found["manifest.json"])["maps"]) == 1


def test_the_same_evidence_is_the_same_bytes(shown):
    assert as_zip(Evidence(*shown)) == as_zip(Evidence(*shown))


def test_several_looks_are_there_side_by_side(shown):
    ckpt, image, _, _, heats, checks = shown
    views = np.stack([image, image[:, ::-1]])
    answer = classify(ckpt, Seen(views, "looks"))
    found = files(as_zip(Evidence(ckpt, views[1], views, answer, heats, checks)))
    assert np.array_equal(picture(found["looks.png"]), np.concatenate(list(views), axis=1))
    assert np.array_equal(picture(found["view.png"]), views[1])
