import importlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics import road as library
from torch import nn

from cifar.data.pictures import Seen
from cifar.evaluation.classifier import calibrated, classify, to_tensor
from cifar.explain import randomization
from cifar.explain.faithfulness import agreement, curves, faithfulness
from cifar.explain.heat_maps import heat_maps
from cifar.explain.methods import HeatMap
from cifar.explain.perturbation import blur, ranking, resize
from cifar.explain.trust import FRACTIONS, RANDOM_MAPS, area
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.facts import Layer
from cifar.models.network import Network
from cifar.models.networks import create_model

module = importlib.import_module("cifar.explain.faithfulness")  # not the function
PATCH = np.s_[8:16, 16:24]  # rows and columns
CAT = 3
STEPS = (0.0, 0.5, 1.0)


class SeesOnePatch(Network):
    """Says cat where the patch is bright, and knows nothing of the rest."""

    def __init__(self):
        super().__init__()
        self.strength = nn.Parameter(torch.tensor(4.0), requires_grad=False)

    def forward(self, x):
        seen = self.strength * x[(..., *PATCH)].mean((1, 2, 3))
        return torch.cat([torch.zeros(len(x), 9), seen[:, None]], 1)[:, [0, 1, 2, 9, *range(3, 9)]]


@pytest.fixture
def toy(monkeypatch):
    """Compared with random weights of BaseNet, as it has no layers of its own."""
    basenet, copied = create_model("basenet").eval(), randomization._random_copy
    monkeypatch.setattr(randomization, "_random_copy", lambda _, seed: copied(basenet, seed))
    return Checkpoint(
        Path("toy"), {"network": "basenet"}, {"temperature": 1.0}, "", module=SeesOnePatch()
    )


@pytest.fixture
def bright():
    """Grey noise with a bright patch."""
    image = np.random.default_rng(0).integers(60, 140, (32, 32, 3), dtype=np.uint8)
    image[PATCH] = 250
    return image


@pytest.fixture
def trained(make_checkpoint, tiny_split):
    """A checkpoint with a temperature, an image, and a map of what it says that is not blank."""
    ckpt = replace(checkpoint.load(make_checkpoint()), metrics={"temperature": 2.0})
    image = tiny_split(10).images[3].permute(1, 2, 0).numpy()
    heats = heat_maps(ckpt, image, list(range(10)), "gradcam", ["stage3"])
    return ckpt, image, max(heats, key=lambda heat: heat.peak)


@pytest.fixture(autouse=True)
def no_occlusion(request, monkeypatch):
    """Occlusion has tests of its own."""
    if "occlusion" not in request.function.__name__:
        monkeypatch.setattr(module, "agreement", lambda *_: None)


def heat(values):
    values = np.asarray(values, dtype=np.float32)
    layer = Layer("stage3", "stage 3", 8)
    return HeatMap(values, CAT, "gradcam", (layer,), "logits")


def truth():
    """The map 8x8 that marks the patch and nothing else."""
    values = np.zeros((8, 8))
    values[2:4, 4:6] = 1
    return values


def test_a_map_of_what_matters_beats_its_inverse(toy, bright):
    right, wrong = (faithfulness(toy, bright, heat(v)) for v in (truth(), 1 - truth()))
    assert area(right.deletion[0]) < 0.3 < 0.7 < area(wrong.deletion[0])
    assert area(right.insertion[0]) > 0.8 > area(wrong.insertion[0])
    assert right.road[0] > 0.2 and wrong.road[0] == pytest.approx(-right.road[0], abs=0.1)
    assert right.deletion[0, 1] < 0.2 < 0.9 < wrong.deletion[0, 1]
    assert wrong.verdict == "chance" and wrong.p_value > 0.5


def test_a_map_of_what_matters_is_trusted(toy, bright):
    found = faithfulness(toy, bright, heat(truth()))
    assert found.verdict == "better" and found.p_value == 1 / (RANDOM_MAPS + 1)
    assert found.sentence.startswith("Covering the brightest fifth of the picture costs cat ")
    assert (found.gains[0] > found.gains[1:]).all()


def test_curves_run_from_the_picture_to_nothing_and_back(trained):
    ckpt, image, chosen = trained
    found = faithfulness(ckpt, image, chosen)
    pixels = to_tensor(image)[0].numpy()
    ends = np.stack([pixels, np.zeros_like(pixels), blur(pixels)])
    original, covered, blurred = calibrated(ckpt, torch.from_numpy(ends))[:, chosen.target]
    assert original == pytest.approx(
        classify(ckpt, Seen.image(image)).probabilities[chosen.target], abs=1e-6
    )
    for deletion in found.deletion:
        assert deletion[[0, -1]] == pytest.approx([original, covered], abs=1e-6)
    for insertion in found.insertion:
        assert insertion[[0, -1]] == pytest.approx([blurred, original], abs=1e-6)


def test_shapes_dtypes_and_ranges(trained):
    found = faithfulness(*trained)
    assert pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1]) == FRACTIONS
    for values in (found.deletion, found.insertion):
        assert values.shape == (RANDOM_MAPS + 1, 6) and values.dtype == np.float64
        assert values.min() >= 0 and values.max() <= 1
    assert found.road.shape == (RANDOM_MAPS + 1,) and abs(found.road).max() <= 1
    assert type(found.control) in (float, type(None))


def test_deletion_covers_the_most_evidence_with_the_mean_colour(trained):
    ckpt, image, chosen = trained
    found = faithfulness(ckpt, image, chosen)
    order = ranking(chosen.values)
    pixels = to_tensor(image)[0].numpy()
    deleted, inserted = pixels.copy().reshape(3, -1), blur(pixels).reshape(3, -1)
    deleted[:, order[:410]] = 0  # two fifths
    inserted[:, order[:410]] = pixels.reshape(3, -1)[:, order[:410]]
    pictures = np.stack([deleted, inserted]).reshape(2, 3, 32, 32)
    expected = calibrated(ckpt, torch.from_numpy(pictures))[:, chosen.target]
    assert [found.deletion[0, 2], found.insertion[0, 2]] == pytest.approx(expected, abs=1e-5)


def test_probabilities_are_calibrated(trained):
    ckpt, image, chosen = trained
    hotter = replace(ckpt, metrics={"temperature": 4.0})
    found = [faithfulness(c, image, chosen).deletion for c in (ckpt, hotter)]
    assert not np.allclose(*found)


def test_the_same_seed_gives_the_same_numbers(trained):
    once, again, other = (faithfulness(*trained, seed=seed) for seed in (0, 0, 1))
    for field in fields(once):
        np.testing.assert_equal(getattr(again, field.name), getattr(once, field.name))
    assert not np.array_equal(once.deletion[1:], other.deletion[1:])
    np.testing.assert_allclose(once.deletion[0], other.deletion[0], atol=1e-6)


@pytest.mark.parametrize(("value", "verdict"), [(0, "nothing"), (2, "chance")])
def test_a_constant_map_is_measured_but_marks_nothing(trained, value, verdict):
    ckpt, image, chosen = trained
    found = faithfulness(ckpt, image, replace(chosen, values=np.full((8, 8), value, np.float32)))
    assert found.verdict == verdict and found.control is None
    assert np.isfinite(found.gains).all()


def test_four_threads_give_the_serial_numbers(make_checkpoint, tiny_split):
    ckpt = checkpoint.load(make_checkpoint())
    images = tiny_split(16).images.permute(0, 2, 3, 1).numpy()

    def check(i):
        layer = ckpt.model.layers[i % 5].name
        (chosen,) = heat_maps(ckpt, images[i], [i % 10], "gradcam", [layer])
        found = faithfulness(ckpt, images[i], chosen)
        return [getattr(found, field.name) for field in fields(found)]

    serial = [check(i) for i in range(6)]
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_equal(list(pool.map(check, range(6))), serial)


def test_checking_leaves_no_trace_on_the_model(trained):
    ckpt, image, chosen = trained
    before = {name: value.clone() for name, value in ckpt.model.state_dict().items()}
    values = chosen.values.copy()
    faithfulness(ckpt, image, chosen)
    assert all(torch.equal(before[n], value) for n, value in ckpt.model.state_dict().items())
    assert not ckpt.model.training and np.array_equal(chosen.values, values)


class Calibrated:
    """The library's target: the probability of a class at a temperature."""

    def __init__(self, target, temperature):
        self.target, self.temperature = target, temperature

    def __call__(self, logits):
        return torch.softmax(logits / self.temperature, dim=-1)[self.target]


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # the library's
@pytest.mark.parametrize("size", [8, 16])
def test_road_equals_the_grad_cam_library(trained, monkeypatch, size):
    ckpt, image, chosen = trained
    start = library.NoisyLinearImputer.__init__
    monkeypatch.setattr(start, "__defaults__", (0.0, library.neighbors_weights))
    monkeypatch.setattr(module, "impute", partial(module.impute, noise=0))
    values = resize(np.random.default_rng(5).random((size, size)), 32)
    # Without ties, which bilinear growth leaves in the corners.
    values = values + np.linspace(0, 1e-3, 1024, dtype=np.float32).reshape(32, 32)
    assert len(np.unique(values)) == 1024
    order = ranking(values)
    random = np.random.default_rng(0)
    *_, (road,) = curves(ckpt, image, chosen.target, [order], STEPS, random)
    theirs = library.ROADCombined([20, 40, 60, 80])(
        to_tensor(image), values[None], [Calibrated(chosen.target, 2.0)], ckpt.model
    )
    assert road == pytest.approx(theirs[0], abs=1e-5) and abs(road) > 1e-4


def test_agreement_with_the_occlusion_map(toy, bright, monkeypatch):
    drops = np.random.default_rng(0).standard_normal((1, 8, 8)).astype(np.float32)
    asked = []

    def occlusion(ckpt, image, targets):
        asked.append((ckpt, image, targets))
        return drops

    monkeypatch.setattr(module, "occlusion", occlusion)
    assert agreement(toy, bright, heat(drops[0])) > 0.9
    assert agreement(toy, bright, heat(-drops[0])) < -0.9
    assert agreement(toy, bright, heat(np.ones((8, 8)))) is None
    assert asked[0] == (toy, bright, [CAT])


def test_a_map_of_what_matters_agrees_with_occlusion(toy, bright):
    assert agreement(toy, bright, heat(truth())) > 0.5
    assert agreement(toy, bright, heat(1 - truth())) < -0.5


def test_an_occlusion_map_is_not_compared_with_itself(toy, bright):
    assert agreement(toy, bright, replace(heat(truth()), method="occlusion", layers=())) is None
