import dataclasses

import numpy as np
import pytest
import torch

from cifar.data.pictures import Seen
from cifar.evaluation import metrics
from cifar.evaluation.classifier import classify, to_tensor
from cifar.explain.heat_maps import heat_maps
from cifar.explain.occlusion import occlusion
from cifar.models import checkpoint


@pytest.fixture
def image(tiny_split):
    return tiny_split(10).images[3].permute(1, 2, 0).numpy()


@pytest.fixture
def ckpt(make_checkpoint):
    loaded = checkpoint.load(make_checkpoint())
    return dataclasses.replace(loaded, metrics={"temperature": 2.5})


def covered_probabilities(ckpt, image, rows, columns):
    x = to_tensor(image)
    x[:, :, rows, columns] = 0
    with torch.no_grad():
        return metrics.probabilities(ckpt.model(x)[0].numpy(), ckpt.temperature)


@pytest.mark.parametrize(
    ("row", "column", "rows", "columns"),
    [
        (3, 5, slice(10, 18), slice(18, 26)),
        (0, 1, slice(0, 6), slice(2, 10)),  # cut off at the border
        (7, 7, slice(26, 32), slice(26, 32)),
    ],
)
def test_a_cell_is_what_covering_the_patch_around_it_costs(ckpt, image, row, column, rows, columns):
    drops = occlusion(ckpt, image, [4, 9])
    assert drops.shape == (2, 8, 8) and drops.dtype == np.float32
    cost = classify(ckpt, Seen.image(image)).probabilities - covered_probabilities(
        ckpt, image, rows, columns
    )
    np.testing.assert_allclose(drops[:, row, column], cost[[4, 9]], atol=1e-5)


def test_drops_of_all_classes_cancel_and_some_are_gains(ckpt, image):
    drops = occlusion(ckpt, image, list(range(10)))
    np.testing.assert_allclose(drops.sum(0), 0, atol=1e-5)
    assert drops.min() < 0 < drops.max()


def test_a_patch_of_the_mean_colour_is_not_missed(ckpt, image):
    # The mean is no whole number of 0 to 255; within half a step of it nothing changes much.
    image = image.copy()
    image[10:18, 18:26] = (125, 123, 114)
    drop = occlusion(ckpt, image, [4])[0]
    assert abs(drop[3, 5]) < 0.05 * np.abs(drop).max()


def test_all_patches_and_classes_are_one_batch(ckpt, image, monkeypatch):
    sizes = []
    forward = type(ckpt.model).forward
    monkeypatch.setattr(
        type(ckpt.model), "forward", lambda model, x: sizes.append(len(x)) or forward(model, x)
    )
    occlusion(ckpt, image, [0, 1, 2])
    assert sizes == [65]


@pytest.mark.parametrize(("patch", "stride", "cells"), [(4, 4, 8), (16, 8, 4), (6, 2, 16)])
def test_patches_and_strides_can_be_chosen(ckpt, image, patch, stride, cells):
    assert occlusion(ckpt, image, [0], patch, stride).shape == (1, cells, cells)


@pytest.mark.parametrize(("patch", "stride"), [(8, 5), (8, 0), (0, 4), (7, 4), (8, -4)])
def test_patches_that_cannot_be_laid_raise(ckpt, image, patch, stride):
    with pytest.raises(ValueError, match=f"Patches of {patch} pixels cannot be centred on"):
        occlusion(ckpt, image, [0], patch, stride)


def test_no_targets_no_drops(ckpt, image):
    assert occlusion(ckpt, image, []).shape == (0, 8, 8)


def test_as_a_heat_map_gains_are_dropped(ckpt, image):
    heats = heat_maps(ckpt, image, [4, 9], "occlusion", ["stage3"])  # layers are passed over
    drops = occlusion(ckpt, image, [4, 9])
    for heat, drop in zip(heats, drops, strict=True):
        assert np.array_equal(heat.values, np.maximum(drop, 0))
        assert (heat.layers, heat.unit) == ((), "probability")
        assert heat.title == "8x8 patches covered"
