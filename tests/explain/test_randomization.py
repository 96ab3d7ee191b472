from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from cifar.evaluation.classifier import to_tensor
from cifar.explain.heat_maps import heat_maps
from cifar.explain.randomization import model_randomization, random_network, rank_correlation
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.networks import NETWORKS, create_model


@pytest.fixture
def image(tiny_split):
    return tiny_split(10).images[3].permute(1, 2, 0).numpy()


def untrained(network):
    model = create_model(network).eval().requires_grad_(False)
    return Checkpoint(Path("none"), {"network": network}, {}, "", module=model)


def some_map(ckpt, image):
    """Grad-CAM of a class for which something speaks."""
    heats = heat_maps(ckpt, image, list(range(10)), "gradcam", ["stage1"])
    return next(heat for heat in heats if heat.peak > 0)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_fresh_network_is_alive_in_every_layer(network, image):
    model = random_network(untrained(network), 0).model
    for layer in model.layers:
        maps = model.maps_at(to_tensor(image), layer.name)
        assert 0.1 < maps.std() < 30 and (maps > 0).float().mean() > 0.1
    (heat,) = heat_maps(
        random_network(untrained(network), 0), image, [0], "gradcam", [model.layers[-2].name]
    )
    assert heat.values.shape[0] == model.layers[-2].size


def test_a_fresh_network_is_that_of_its_seed_and_made_once():
    basenet, other = untrained("basenet"), untrained("basenet")
    before = torch.random.get_rng_state()
    weights = {seed: random_network(basenet, seed).model.head.weight for seed in (0, 1)}
    assert torch.equal(torch.random.get_rng_state(), before)
    assert random_network(basenet, 0).model.head.weight is weights[0]
    assert not torch.equal(*weights.values())
    assert torch.equal(random_network(other, 0).model.head.weight, weights[0])


def test_fresh_networks_are_complete():
    state = random_network(untrained("resnet"), 0).model.state_dict()
    assert all(torch.isfinite(value).all() for value in state.values())
    assert state["stage2.norm.running_var"].eq(1).all()


def test_rank_correlation_is_spearmans():
    a, b = np.random.default_rng(0).random((2, 8, 8)).round(1)
    ranks = np.corrcoef(rankdata(a), rankdata(b))[0, 1]
    assert rank_correlation(a, b) == pytest.approx(ranks)
    assert rank_correlation(a, np.exp(a)) == pytest.approx(1)
    assert rank_correlation(a, -a) == pytest.approx(-1)


def test_a_constant_map_has_no_rank_correlation():
    assert rank_correlation(np.zeros((4, 4)), np.eye(4)) is None
    assert rank_correlation(np.eye(4), np.ones((4, 4))) is None


def test_the_map_of_a_fresh_network_fails_the_control(image):
    random = random_network(untrained("basenet"), 0)
    (heat,) = heat_maps(random, image, [4], "gradcam", ["stage1"])
    assert model_randomization(random, image, heat, networks=1) == pytest.approx(1)


def test_the_control_is_the_mean_over_three_networks(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    heat = some_map(ckpt, image)
    single = []
    for seed in range(3):
        (theirs,) = heat_maps(
            random_network(ckpt, seed), image, [heat.target], "gradcam", ["stage1"]
        )
        single.append(rank_correlation(heat.values, theirs.values))
    assert None not in single
    assert model_randomization(ckpt, image, heat) == pytest.approx(np.mean(single))
    assert model_randomization(ckpt, image, heat, networks=1) == pytest.approx(single[0])


def test_the_control_sets_the_same_two_classes_against_each_other(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    found = []
    for rival in (1, 2):
        (heat,) = heat_maps(ckpt, image, [4], "finercam", ["stage1"], against=[rival])
        (theirs,) = heat_maps(
            random_network(ckpt, 0), image, [4], "finercam", ["stage1"], against=[rival]
        )
        found.append(model_randomization(ckpt, image, heat, networks=1))
        assert found[-1] == pytest.approx(rank_correlation(heat.values, theirs.values))
    assert found[0] != found[1]


def test_a_constant_map_has_no_control(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    heat = some_map(ckpt, image)
    assert model_randomization(ckpt, image, heat) is not None
    assert model_randomization(ckpt, image, replace(heat, values=np.ones_like(heat.values))) is None


def test_threads_share_the_fresh_networks(make_checkpoint, image):
    ckpt = checkpoint.load(make_checkpoint())
    heats = heat_maps(ckpt, image, list(range(8)), "gradcam", ["stage1"])
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(lambda heat: model_randomization(ckpt, image, heat), heats))
    assert parallel == [model_randomization(ckpt, image, heat) for heat in heats]
