import pytest
import torch
from torch.nn import functional as F

from cifar.models.initialization import dirac_start, whiten_first_layer
from cifar.models.networks import NETWORKS, create_model
from cifar.models.staged import normalize
from cifar.models.summary import multiply_adds, summary

# As published (rows 22 to 29 follow from the published totals).
RESNET_TABLE = """
Conv2d-1        64 32 32       1728
BatchNorm2d-2   64 32 32        128
ReLU-3          64 32 32          0
Conv2d-4       128 32 32      73728
MaxPool2d-5    128 16 16          0
BatchNorm2d-6  128 16 16        256
ReLU-7         128 16 16          0
Conv2d-8       128 32 32      73728
BatchNorm2d-9  128 32 32        256
ReLU-10        128 32 32          0
Conv2d-11      128 16 16     147456
BatchNorm2d-12 128 16 16        256
ReLU-13        128 16 16          0
Conv2d-14      256 16 16     294912
MaxPool2d-15   256  8  8          0
BatchNorm2d-16 256  8  8        512
ReLU-17        256  8  8          0
Conv2d-18      512  8  8    1179648
MaxPool2d-19   512  4  4          0
BatchNorm2d-20 512  4  4       1024
ReLU-21        512  4  4          0
Conv2d-22      512  8  8    1179648
BatchNorm2d-23 512  8  8       1024
ReLU-24        512  8  8          0
Conv2d-25      512  4  4    2359296
BatchNorm2d-26 512  4  4       1024
ReLU-27        512  4  4          0
MaxPool2d-28   512  1  1          0
Linear-29      10              5130
"""
LAYERS = [(name, layer.name) for name, network in NETWORKS.items() for layer in network.layers]


def random_images(count=2, size=32, seed=0):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def test_the_resnet_has_5319754_parameters():
    assert parameters(create_model("resnet")) == 5_319_754


def test_the_basenet_has_less_than_50000_parameters():
    assert parameters(create_model("basenet")) == 49_091 < 50_000


def test_the_resnet_summary_is_the_published_table():
    found = []
    for line in summary(create_model("resnet")).splitlines():
        if "[-1," in line:
            name, shape = line.split("[-1,")[0].strip(), line[line.index("[") : line.index("]")]
            count = int(line.split("]")[1].replace(",", ""))
            found.append([name, *[int(n) for n in shape.split(",")[1:]], count])
    expected = []
    for line in RESNET_TABLE.strip().splitlines():
        name, *numbers = line.split()
        expected.append([name, *map(int, numbers)])
    assert found == expected


def test_the_resnet_summary_has_the_published_totals():
    lines = summary(create_model("resnet")).splitlines()
    assert "Total params: 5,319,754" in lines
    assert "Trainable params: 5,319,754" in lines
    assert "Non-trainable params: 0" in lines
    assert "Input size (MB): 0.01" in lines
    assert "Forward/backward pass size (MB): 9.25" in lines
    assert "Params size (MB): 20.29" in lines
    assert "Estimated total size (MB): 29.56" in lines


def test_the_summary_counts_frozen_weights_apart():
    model = create_model("basenet")
    model.prep.conv.weight.requires_grad_(False)
    assert f"Non-trainable params: {3 * 16 * 9}" in summary(model)


@pytest.mark.parametrize("training", [True, False])
def test_the_summary_leaves_the_model_as_it_was(training):
    model = create_model("basenet").train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    summary(model)
    multiply_adds(model)
    assert model.training is training
    assert not any(module._forward_hooks for module in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_multiply_adds_are_filters_times_places():
    by_hand = 10 * 512  # the head
    for line in RESNET_TABLE.splitlines():
        if line.startswith("Conv2d"):
            _, _, height, width, filters = line.split()
            by_hand += int(height) * int(width) * int(filters)
    assert multiply_adds(create_model("resnet")) == by_hand
    assert round(by_hand / 1e6, 1) == 454.8


def test_smaller_images_cost_less():
    head, model = 512 * 10, create_model("resnet")
    whole, quarter = multiply_adds(model, 32) - head, multiply_adds(model, 16) - head
    assert whole == 4 * quarter


@pytest.mark.parametrize(("network", "name"), LAYERS)
def test_declared_map_sizes_are_real(network, name):
    model = create_model(network).eval()
    size = model.layer(name).size
    with torch.no_grad():
        assert model.maps_at(random_images(), name).shape[2:] == (size, size)
    assert model.layer(name).title.endswith(f"{size}x{size} map")


@pytest.mark.parametrize(("network", "name"), LAYERS)
def test_a_network_cut_at_a_layer_gives_the_same_logits(stirred_model, network, name):
    model, x = stirred_model(network), random_images(3)
    with torch.no_grad():
        cut = model.logits_from(model.maps_at(x, name), name)
        assert torch.equal(cut, model(x)) and cut.std() > 0


@pytest.mark.parametrize("network", NETWORKS)
def test_logits_are_the_head_of_the_features(stirred_model, network):
    model, x = stirred_model(network), random_images(3)
    with torch.no_grad():
        features = model.features(x)
        assert features.shape == (3, model.head.in_features)
        assert torch.equal(features, model.maps_at(x, model.layers[-1].name).amax((2, 3)))
        assert torch.equal(model.head(features), model(x))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("size", [8, 16, 24, 32])
def test_smaller_images_work_too(stirred_model, network, size):
    with torch.no_grad():
        logits = stirred_model(network)(random_images(2, size))
    assert logits.shape == (2, 10) and logits.isfinite().all()


def test_a_two_way_stage_adds_trunk_and_branch(stirred_model):
    stage, x = stirred_model("resnet").stage1, torch.randn(2, 64, 8, 8)
    trunk, branch = stage.trunk, stage.branch
    with torch.no_grad():
        down = F.relu(trunk.norm(F.max_pool2d(F.conv2d(x, trunk.conv.weight, padding=1), 2)))
        first = F.relu(branch.norm1(F.conv2d(x, branch.conv1.weight, padding=1)))
        second = F.conv2d(first, branch.conv2.weight, padding=1, stride=2)
        expected = down + F.relu(branch.norm2(second))
        torch.testing.assert_close(stage(x), expected)


@pytest.mark.parametrize("name", ["vgg", "", "ResNet"])
def test_an_unknown_network_raises(name):
    with pytest.raises(ValueError, match="choose resnet or basenet"):
        create_model(name)


def test_an_unknown_layer_raises():
    model = create_model("basenet")
    for use in (lambda n: model.layer(n), lambda n: model.maps_at(random_images(), n)):
        with pytest.raises(ValueError, match="no layer 'head': choose one of prep, stage1"):
            use("head")


def test_normalize_uses_the_known_mean_and_deviation():
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 1, 1)
    black, white = normalize(pixels)[:, :, 0, 0].tolist()
    assert black == pytest.approx([-0.4914 / 0.2470, -0.4822 / 0.2435, -0.4465 / 0.2616])
    assert white == pytest.approx([0.5086 / 0.2470, 0.5178 / 0.2435, 0.5535 / 0.2616])


def test_normalized_test_images_have_about_mean_0_and_deviation_1(test_split):
    values = normalize(test_split.images[:5000])
    assert values.dtype == torch.float32
    assert values.mean((0, 2, 3)).abs().max() < 0.05
    assert (values.std((0, 2, 3)) - 1).abs().max() < 0.05


def test_the_whitened_first_layer_decorrelates(test_split):
    model, images, pairs = create_model("resnet"), normalize(test_split.images[:1000]), 27
    random_start = model.prep.conv.weight.detach().clone()
    whiten_first_layer(model, images, eps=0)
    weight = model.prep.conv.weight.detach()
    responses = F.conv2d(images, weight[:pairs]).transpose(0, 1).flatten(1)
    torch.testing.assert_close(torch.cov(responses), torch.eye(pairs), atol=2e-3, rtol=0)
    assert torch.equal(weight[pairs : 2 * pairs], -weight[:pairs])
    assert torch.equal(weight[2 * pairs :], random_start[2 * pairs :])


def test_whitening_puts_the_strongest_patterns_first(test_split):
    model, images = create_model("resnet"), normalize(test_split.images[:500])
    whiten_first_layer(model, images)
    strength = model.prep.conv.weight.detach()[:27].flatten(1).norm(dim=1)
    assert (strength.diff() >= -1e-6).all()  # strong patterns need weak filters
    assert strength[0] < 1 < strength[-1]


def test_whitening_with_eps_tames_the_weakest_patterns(test_split):
    model, images = create_model("resnet"), normalize(test_split.images[:500])
    whiten_first_layer(model, images, eps=0.01)
    assert model.prep.conv.weight[:27].detach().flatten(1).norm(dim=1).max() <= 10.0001


def test_dirac_start_passes_the_input_through():
    torch.manual_seed(0)
    model = create_model("resnet")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    dirac_start(model)
    x = torch.randn(2, 64, 16, 16)
    widening, square = model.stage1.trunk.conv, model.stage1.branch.conv2
    with torch.no_grad():
        assert torch.equal(widening(x)[:, :64], x)
        wide = torch.randn(2, 128, 16, 16)
        assert torch.equal(square(wide), wide[:, :, ::2, ::2])
    assert torch.equal(widening.weight[64:], before["stage1.trunk.conv.weight"][64:])
    assert torch.equal(model.prep.conv.weight, before["prep.conv.weight"])


def test_dirac_start_leaves_depthwise_filters_alone():
    model = create_model("basenet")
    before = model.stage1.depthwise.weight.detach().clone()
    dirac_start(model)
    assert torch.equal(model.stage1.depthwise.weight, before)
    x = torch.randn(1, 32, 8, 8)  # 16 pairs, of which 24 are made
    with torch.no_grad():
        assert torch.equal(model.stage1.pointwise(x)[:, :24], x[:, :24])
        assert torch.equal(model.stage1.pointwise(x)[:, 24:40], x[:, 16:])
