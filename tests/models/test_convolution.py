"""The quicker convolutions are convolutions."""

import pytest
import torch
from torch.nn import functional as F

from cifar.models import convolution
from cifar.models.convolution import Conv2d

# Direct sums on both sides of WORTH, several parts of a batch, maps that are not square.
SHAPES = [(64, 128, 8, 8, 3), (128, 256, 8, 4, 40), (256, 128, 4, 12, 9)]


def case(width_in, width_out, height, width, count):
    generator = torch.Generator().manual_seed(width_in)
    x = torch.randn(count, width_in, height, width, generator=generator, dtype=torch.float64)
    layer = Conv2d(width_in, width_out)
    weight = torch.randn(layer.weight.shape, generator=generator, dtype=torch.float64)
    weight /= (9 * width_in) ** 0.5
    with torch.no_grad():
        layer.weight.copy_(weight)
    upstream = torch.randn(count, width_out, height, width, generator=generator).double()
    return x, layer, weight, upstream


@pytest.mark.parametrize("shape", SHAPES)
def test_result_and_gradients_are_those_of_direct_sums(shape):
    x, layer, weight, upstream = case(*shape)
    quick = x.float().contiguous(memory_format=torch.channels_last).requires_grad_()
    result = layer(quick)
    result.backward(upstream.float())

    x.requires_grad_()
    weight.requires_grad_()
    expected = F.conv2d(x, weight, padding=1)
    expected.backward(upstream)

    pairs = ((result, expected), (quick.grad, x.grad), (layer.weight.grad, weight.grad))
    for found, exact in pairs:
        assert found.shape == exact.shape
        assert (found - exact).abs().max() < 3e-5 * exact.abs().max()


def test_the_quick_way_is_taken_in_training_on_maps_that_tiles_cover(monkeypatch):
    taken = []
    monkeypatch.setattr(
        convolution._Winograd, "apply", lambda x, weight: taken.append(x.shape) or x
    )
    layer = Conv2d(64, 64)
    x = torch.zeros(1, 64, 8, 8)
    layer.train()(x)
    assert taken == [x.shape]
    layer.eval()(x)  # what is recorded and shown comes from PyTorch's own convolution
    layer.train()(torch.zeros(1, 64, 6, 6))
    with torch.autocast("cpu"):
        layer(x)
    Conv2d(64, 64, stride=2)(x)
    Conv2d(3, 64)(torch.zeros(1, 3, 8, 8))
    assert len(taken) == 1


@pytest.mark.parametrize("stride", [1, 2])
def test_unfolded_patches_give_the_gradient_of_the_weight(stride, monkeypatch):
    x, _, weight, _ = case(*SHAPES[1])
    weight.requires_grad_()
    result = F.conv2d(x, weight, stride=stride, padding=1)
    upstream = torch.randn(result.shape, generator=torch.Generator().manual_seed(1)).double()
    result.backward(upstream)
    for at_once in (convolution.UNFOLDED_AT_ONCE, 1):  # all images, or one after another
        monkeypatch.setattr(convolution, "UNFOLDED_AT_ONCE", at_once)
        found = convolution.unfolded_weight_gradient(x, upstream, stride)
        assert found.shape == weight.shape
        assert (found - weight.grad).abs().max() < 1e-5 * weight.grad.abs().max()


def test_many_filters_on_small_maps_learn_from_unfolded_patches_in_bfloat16(monkeypatch):
    torch.manual_seed(0)
    layers = Conv2d(256, 512), Conv2d(512, 512, stride=2)
    taken = []
    unfolded = convolution.unfolded_weight_gradient
    monkeypatch.setattr(
        convolution, "unfolded_weight_gradient", lambda *args: taken.append(1) or unfolded(*args)
    )
    x = torch.randn(2, 256, 8, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
    gradients = []
    for kind in (Conv2d, torch.nn.Conv2d):  # ours, then PyTorch's own
        for layer in layers:
            layer.__class__ = kind
            layer.weight.grad = None
        x.grad = None
        with torch.autocast("cpu", torch.bfloat16):
            result = layers[1](layers[0](x))
        result.float().square().sum().backward()
        gradients.append([tensor.grad for tensor in (x, layers[0].weight, layers[1].weight)])
    assert len(taken) == 2
    for ours, theirs in zip(*gradients, strict=True):
        assert ours.dtype == theirs.dtype == torch.float32
        assert (ours - theirs).abs().max() < 2e-2 * theirs.abs().max()

    taken.clear()
    with torch.autocast("cpu", torch.bfloat16):
        for layer, size in ((Conv2d(256, 512), 12), (Conv2d(128, 256), 8)):
            layer(torch.randn(1, layer.in_channels, size, size)).sum().backward()
        Conv2d(256, 512).eval()(x)
    assert not taken


def test_gradients_that_nobody_wants_are_not_computed():
    x, layer, _, upstream = case(*SHAPES[0])
    layer.weight.requires_grad_(False)
    quick = x.float().requires_grad_()
    layer(quick).backward(upstream.float())
    assert layer.weight.grad is None and quick.grad is not None


def test_parts_of_a_batch_add_up(monkeypatch):
    x, layer, _, upstream = case(*SHAPES[1])
    x, upstream, weight = x.float(), upstream.float(), layer.weight.detach()
    whole = convolution.weight_gradient(x, upstream)
    monkeypatch.setattr(convolution, "_at_once", lambda x, width_out: 7)
    parts = convolution.weight_gradient(x, upstream)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-4 * whole.abs().max().item())
    one = convolution.convolve(x[:1], weight)
    torch.testing.assert_close(convolution.convolve(x, weight)[:1], one, rtol=0, atol=5e-5)
