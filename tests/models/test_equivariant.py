import pytest
import torch
from torch.nn import functional as F

from cifar.models import equivariant
from cifar.models.basenet import Separable
from cifar.models.initialization import whiten_first_layer
from cifar.models.networks import create_model
from cifar.models.staged import normalize

WIDTH = 16  # pairs of channels
LAYERS = {
    "depthwise": lambda: equivariant.Depthwise(WIDTH),
    "pointwise": lambda: equivariant.Pointwise(WIDTH, 8),
    "norm": lambda: equivariant.Norm(WIDTH),
    "excite": lambda: equivariant.Excite(WIDTH, 2),
    "separable": lambda: Separable(WIDTH, 8),
    "residual": lambda: Separable(WIDTH, WIDTH),
}


def mirrored(maps: torch.Tensor) -> torch.Tensor:
    """The map (N, 2 * width, H, W) that a layer should make of the mirrored picture."""
    one, other = maps.flip(3).chunk(2, 1)
    return torch.cat([other, one], 1)


@pytest.fixture
def maps():
    """Random maps of pairs, not square, so that sides cannot be mixed up."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, 2 * WIDTH, 7, 9, generator=generator)


def made(name):
    torch.manual_seed(1)
    layer = LAYERS[name]()
    for value in layer.parameters():
        if value.ndim == 1:  # scales and biases, all of which start alike
            torch.nn.init.uniform_(value, 0.5, 1.5)
    return layer


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_a_mirrored_picture_gives_mirrored_maps(name, training, maps):
    layer = made(name).train(training)
    with torch.no_grad():
        plain, found = layer(maps), layer(mirrored(maps))
    torch.testing.assert_close(found, mirrored(plain), atol=1e-5, rtol=1e-5)
    assert (found - plain).abs().max() > 0.1


def test_lifted_images_are_maps_of_pairs():
    lift, images = equivariant.Lift(3, 4), torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        found = lift(images)
        torch.testing.assert_close(lift(images.flip(3)), mirrored(found))
        torch.testing.assert_close(found[:, :4], F.conv2d(images, lift.weight, padding=1))
    assert found.shape == (2, 8, 8, 8)


def test_the_merged_map_is_the_larger_of_each_pair_and_mirrors_like_a_picture(maps):
    merged = equivariant.Merge()(maps)
    assert merged.shape == (5, WIDTH, 7, 9)
    assert torch.equal(merged, torch.maximum(maps[:, :WIDTH], maps[:, WIDTH:]))
    assert torch.equal(equivariant.Merge()(mirrored(maps)), merged.flip(3))


def test_a_channel_takes_from_its_own_half_and_from_the_other(maps):
    layer = made("pointwise")
    own, other = layer.weight.detach()[:, :, 0, 0].split(WIDTH, 1)
    one, two = maps.split(WIDTH, 1)
    for half, (mine, its) in enumerate([(one, two), (two, one)]):
        wanted = torch.einsum("oc,nchw->nohw", own, mine)
        wanted += torch.einsum("oc,nchw->nohw", other, its)
        with torch.no_grad():
            torch.testing.assert_close(layer(maps)[:, 8 * half : 8 * (half + 1)], wanted)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_both_of_a_pair_are_normalised_alike(maps, memory_format):
    layer = equivariant.Norm(WIDTH)
    one, other = maps.split(WIDTH, 1)
    pairs = torch.stack([one, other])  # (2, N, width, H, W)
    mean, var = pairs.mean((0, 1, 3, 4)), pairs.var((0, 1, 3, 4), unbiased=False)
    found = layer(maps.contiguous(memory_format=memory_format))
    wanted = (maps - mean.repeat(2)[:, None, None]) / (var.repeat(2)[:, None, None] + 1e-5).sqrt()
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(layer.norm.running_mean, 0.1 * mean)
    known = layer.norm.running_mean.repeat(2), layer.norm.running_var.repeat(2)
    with torch.no_grad():
        found = layer.eval()(maps)
    wanted = (maps - known[0][:, None, None]) / (known[1][:, None, None] + 1e-5).sqrt()
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_both_of_a_pair_are_excited_alike(maps):
    factors = made("excite")(maps) / maps
    torch.testing.assert_close(factors[:, :WIDTH], factors[:, WIDTH:])
    torch.testing.assert_close(factors, factors[:, :, :1, :1].expand_as(factors))
    assert 0 < factors.min() < factors.max() < 1


def test_the_light_network_says_the_same_of_a_mirrored_picture(stirred_model):
    model = stirred_model("basenet")
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = model(images)
        torch.testing.assert_close(model(images.flip(3)), logits, atol=1e-5, rtol=1e-5)
        for layer in model.layers:
            found, plain = (model.maps_at(x, layer.name) for x in (images.flip(3), images))
            merged = layer == model.layers[-1]
            wanted = plain.flip(3) if merged else mirrored(plain)
            torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    assert logits.std() > 0.01


def test_the_whitened_filters_and_their_mirror_images_decorrelate(test_split):
    images = normalize(test_split.images[:1000])
    images = torch.cat([images, images.flip(3)])
    model = create_model("basenet")
    whiten_first_layer(model, images, eps=0)
    weight = model.prep.conv.weight.detach()
    assert torch.equal(weight[8:], -weight[:8])
    both = torch.cat([weight[:8], weight[:8].flip(3)])
    responses = F.conv2d(images, both).transpose(0, 1).flatten(1)
    torch.testing.assert_close(torch.cov(responses), torch.eye(16), atol=2e-3, rtol=0)
