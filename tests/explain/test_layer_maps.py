"""Maps of each layer for a picture, and how far a covered square reaches."""

import numpy as np
import pytest
import torch

from cifar.evaluation.classifier import to_tensor
from cifar.explain.layer_maps import PATCH, STRONGEST, way
from cifar.models import checkpoint
from cifar.models.staged import normalize


@pytest.fixture(scope="module")
def ckpt():
    return checkpoint.load("basenet")


def test_every_layer_is_shown_by_its_mean_and_its_strongest_channels(ckpt, tiny_split):
    image = tiny_split(1).images[0].permute(1, 2, 0).numpy()
    found = way(ckpt, image).layers
    assert [one.layer for one in found] == list(ckpt.layers)
    for one in found:
        with torch.no_grad():
            maps = ckpt.model.maps_at(to_tensor(image), one.layer.name)[0].numpy()
        assert one.count == len(maps) and one.maps.shape == (1 + STRONGEST, *maps.shape[1:])
        strength = (maps**2).sum((1, 2))
        assert one.channels == np.argsort(-strength, kind="stable")[:STRONGEST].tolist()
        for shown, values in zip(one.maps, [maps.mean(0), *maps[one.channels]], strict=True):
            expected = (values - values.min()) / np.ptp(values)
            np.testing.assert_allclose(shown, expected, atol=1e-4)
        assert not one.change.any()


def test_a_covered_square_changes_what_it_reaches(ckpt, tiny_split):
    split = tiny_split(1)
    image = split.images[0].permute(1, 2, 0).numpy()
    whole, left = way(ckpt, image), way(ckpt, image, (24, 0))
    for one, other in zip(whole.layers, left.layers, strict=True):
        assert one.channels == other.channels
        assert other.change.max() > 0.05
    first = left.layers[0].change
    assert not first[: 24 - 2].any() and not first[:, PATCH + 2 :].any()  # filters of 3x3
    x = normalize(split.images[:1].clone())
    x[:, :, 24:, :PATCH] = 0
    with torch.no_grad():
        expected = (ckpt.model(x) / ckpt.temperature).softmax(1)[0]
    np.testing.assert_allclose(left.probabilities, expected, atol=1e-5)
