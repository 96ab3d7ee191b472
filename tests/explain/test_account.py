"""Each logit is exactly the sum of what the channels of the last map add."""

import numpy as np
import pytest
import torch

from cifar.data import cifar10
from cifar.evaluation.predictions import load_predictions
from cifar.explain.account import account, pooled_head
from cifar.models import checkpoint
from cifar.models.staged import normalize


@pytest.mark.parametrize("name", ["resnet", "basenet"])
def test_logits_are_the_sums_of_terms(name):
    ckpt = checkpoint.load(name)
    test, recorded = cifar10.load("test"), load_predictions(ckpt)
    head, bias = ckpt.model.head.weight, ckpt.model.head.bias.numpy()
    found = pooled_head(ckpt.model)
    torch.testing.assert_close(found.weights, head.detach())
    assert not found.averaged
    for index in range(0, 10_000, 20):
        said = account(ckpt.model, found, test.images[index].permute(1, 2, 0).numpy())
        np.testing.assert_allclose(
            said.constant + said.terms.sum(0), recorded.logits[index], atol=1e-4
        )
        np.testing.assert_allclose(said.constant, bias, atol=1e-4)


def test_a_channel_comes_from_its_largest_cell(tiny_split):
    """Without everything but that cell, it adds the same."""
    ckpt = checkpoint.load("basenet")
    image = tiny_split(1).images[0].permute(1, 2, 0).numpy()
    said = account(ckpt.model, pooled_head(ckpt.model), image)
    with torch.no_grad():
        x = torch.from_numpy(image).permute(2, 0, 1)[None]
        maps = ckpt.model.with_maps(normalize(x))[2][0].flatten(1)
    values = maps.gather(1, torch.from_numpy(said.cells)[:, None])[:, 0]
    weights = ckpt.model.head.weight.detach()
    np.testing.assert_allclose(said.terms, (values[:, None] * weights.T).numpy(), atol=1e-5)
    assert said.size**2 == maps.shape[1]
