import shutil

import numpy as np
import pytest

from cifar import LensError
from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify
from cifar.explain.faithfulness import compare
from cifar.explain.heat_maps import heat_maps
from cifar.explain.trust_rates import measure, random_heat
from cifar.models import checkpoint, model_card


@pytest.fixture
def net(tmp_path):
    return shutil.copytree(checkpoint.ROOT / "basenet", tmp_path / "net")


def test_rates_are_those_of_the_maps_that_are_shown_first(net, test_split):
    section = measure(net, images=4)["trust"]
    assert section["random"]["n"] == 4 == section["right"]["n"] + section["wrong"]["n"]
    ckpt = checkpoint.load(net)
    assert ckpt.measured["trust"] == section
    passed = 0
    for index in (0, 2500, 5000, 7500):
        image = test_split.images[index].permute(1, 2, 0).numpy()
        (heat,) = heat_maps(ckpt, image, [classify(ckpt, Seen.image(image)).predicted])
        assert (heat.method, [layer.name for layer in heat.layers]) == (
            section["method"],
            section["layers"],
        )
        passed += compare(ckpt, image, heat).p_value <= 0.05
    shares = [section[kind] for kind in ("right", "wrong")]
    assert passed == sum(round((one["value"] or 0) * one["n"]) for one in shares)
    assert "--trust --images 4`" in model_card.read(net)


def test_a_random_map_is_like_a_map_but_says_nothing(test_split):
    ckpt = checkpoint.load("basenet")
    image = test_split.images[7].permute(1, 2, 0).numpy()
    (heat,) = heat_maps(ckpt, image, [3])
    maps = [random_heat(heat, np.random.default_rng(seed)) for seed in range(200)]
    assert all(one.values.shape == heat.values.shape and one.values.min() == 0 for one in maps)
    likeness = [np.corrcoef(one.values.ravel(), heat.values.ravel())[0, 1] for one in maps]
    assert abs(np.mean(likeness)) < 0.1


@pytest.mark.parametrize("images", [1, 10_001])
def test_a_number_of_images_that_cannot_be_is_refused(net, images):
    with pytest.raises(LensError, match="choose 2 to 10000"):
        measure(net, images)
