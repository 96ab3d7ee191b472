from copy import deepcopy

import numpy as np
import pytest
import torch

from cifar.models.networks import create_model
from cifar.training.optimizers import Lookahead, Muon, orthogonalize


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(16, 16), (20, 90), (90, 20), (1, 30)])
def test_orthogonalize_brings_singular_values_near_1(shape):
    values = torch.linalg.svdvals(orthogonalize(gaussian(*shape), steps=5))
    assert values.min() > 0.3 and values.max() < 1.3


@pytest.mark.parametrize("shape", [(20, 90), (90, 20)])
def test_orthogonalize_keeps_the_singular_vectors(shape):
    matrix = gaussian(*shape)
    u, _, vt = torch.linalg.svd(matrix, full_matrices=False)
    turned = u.T @ orthogonalize(matrix, steps=5) @ vt.T
    torch.testing.assert_close(turned, turned.diag().diag(), atol=1e-4, rtol=0)
    assert turned.diag().min() > 0.3


def test_orthogonalize_does_not_care_about_scale_or_transposition():
    matrix = gaussian(20, 60)
    result = orthogonalize(matrix)
    torch.testing.assert_close(orthogonalize(1e-3 * matrix), result, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(orthogonalize(matrix.T), result.T)


def test_orthogonalize_of_nothing_is_nothing():
    assert torch.equal(orthogonalize(torch.zeros(4, 6)), torch.zeros(4, 6))


def newton_schulz(matrix, steps=3):
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    s = s / np.sqrt((s**2).sum())
    for _ in range(steps):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return u * s @ vt


@pytest.mark.parametrize("shape", [(8, 4, 3, 3), (64, 4, 3, 3)])
def test_muon_equals_a_short_reference(shape):
    p = torch.nn.Parameter(gaussian(*shape))
    optimizer = Muon([p], lr=0.1, momentum=0.8)
    weight, velocity = p.detach().numpy().astype(np.float64), np.zeros(shape)
    for seed in (1, 2, 3):
        gradient = gaussian(*shape, seed=seed)
        p.grad = gradient.clone()
        optimizer.step()
        velocity = 0.8 * velocity + gradient.numpy()
        direction = (gradient.numpy() + 0.8 * velocity).reshape(len(weight), -1)
        weight *= np.sqrt(len(weight)) / np.linalg.norm(weight)
        weight -= 0.1 * newton_schulz(direction).reshape(shape)
        assert torch.equal(p.grad, gradient)
    np.testing.assert_allclose(p.detach().numpy(), weight, atol=1e-5)


def test_muon_leaves_weights_without_a_gradient():
    p = torch.nn.Parameter(gaussian(4, 2, 3, 3))
    Muon([p], lr=0.1, momentum=0.8).step()
    assert torch.equal(p, gaussian(4, 2, 3, 3))


def test_muon_goes_on_from_its_saved_state():
    first, second = (torch.nn.Parameter(gaussian(8, 4, 3, 3)) for _ in range(2))
    optimizer = Muon([first], lr=0.1, momentum=0.8)
    first.grad = gaussian(8, 4, 3, 3, seed=1)
    optimizer.step()
    restored = Muon([second], lr=0.5, momentum=0.1)
    restored.load_state_dict(deepcopy(optimizer.state_dict()))
    second.data.copy_(first.data)
    for o, p in ((optimizer, first), (restored, second)):
        p.grad = gaussian(8, 4, 3, 3, seed=2)
        o.step()
    assert torch.equal(first, second)


@pytest.mark.parametrize("keep", [0.0, 0.3, 1.0])
def test_lookahead_equals_a_short_reference(keep):
    model = create_model("basenet")
    lookahead = Lookahead(model)
    slow = {k: v.clone() for k, v in model.state_dict().items() if v.is_floating_point()}
    for seed in (1, 2):
        with torch.no_grad():
            for value in slow:
                model.state_dict()[value].add_(gaussian(1, seed=seed))
        fast = {k: v.clone() for k, v in model.state_dict().items()}
        slow = {k: keep * slow[k] + (1 - keep) * fast[k] for k in slow}
        lookahead.pull(model, keep)
        for name, value in slow.items():
            torch.testing.assert_close(model.state_dict()[name], value)
            assert torch.equal(lookahead.slow[name], model.state_dict()[name])


def test_lookahead_covers_batch_norm_statistics_and_leaves_counters():
    model = create_model("basenet")
    lookahead = Lookahead(model)
    model.prep.norm.norm.running_mean.fill_(4)
    model.prep.norm.norm.num_batches_tracked.fill_(7)
    lookahead.pull(model, keep=0.75)
    assert (model.prep.norm.norm.running_mean == 1).all()
    assert model.prep.norm.norm.num_batches_tracked == 7


def test_lookahead_does_not_share_memory_with_the_model():
    model = create_model("basenet")
    before = model.head.weight.detach().clone()
    lookahead = Lookahead(model)
    with torch.no_grad():
        model.head.weight.zero_()
    assert torch.equal(lookahead.slow["head.weight"], before)
