"""A traced network computes what the module does, and can be cut where all of the rest depends."""

import json

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from cifar.add.trace import TraceError, trace
from cifar.models.graph import GraphNetwork
from cifar.models.preprocessing import Preprocessing
from docs.networks import PlainCnn, ResNet18, SmallVit

SHAPE = 3, 32, 32


class InPlace(nn.Module):
    """Changes a map in place that it uses again."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout2d(0.5)
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        first = self.norm(self.conv(x))
        second = first.relu_()
        maps = self.drop(first.add_(second))
        return {"logits": self.head(F.adaptive_avg_pool2d(maps, 1).flatten(1))}


def stirred(module):
    """A module with norms that do something."""
    generator = torch.Generator().manual_seed(0)
    for name, values in (*module.named_parameters(), *module.named_buffers()):
        if values.ndim == 1:
            noise = torch.rand(values.shape, generator=generator)
            values.data.copy_(noise + 0.5 if "bias" not in name else noise - 0.5)
    return module.eval()


def graph_network(module):
    traced = trace(module, SHAPE)
    network = GraphNetwork(json.loads(json.dumps(traced.graph)), Preprocessing(), traced.layers)
    network.load_state_dict(traced.weights)
    return network.eval().requires_grad_(False)


MODULES = {
    "plain": lambda: PlainCnn(8),
    "resnet": lambda: ResNet18(8),
    "vit": lambda: SmallVit(16, 3, 2),
    "in place": InPlace,
    "mobilenet": lambda: torchvision.models.mobilenet_v3_small(num_classes=10),
    "swin": lambda: torchvision.models.SwinTransformer(
        [2, 2], 16, [1, 2], [1, 2], [4, 4], num_classes=10
    ),
}


@pytest.fixture(scope="module", params=MODULES)
def pair(request):
    """A module and what was traced of it."""
    torch.manual_seed(0)
    module = stirred(MODULES[request.param]())
    return module, graph_network(module)


@pytest.fixture
def images():
    return torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(1))


def logits_of(module, images):
    with torch.no_grad():
        found = module(images)
    return found["logits"] if isinstance(found, dict) else found


def test_a_traced_network_computes_what_the_module_does(pair, images):
    module, network = pair
    for batch in (images, images[:1]):
        torch.testing.assert_close(network(batch), logits_of(module, batch), atol=1e-6, rtol=1e-5)
    count = sum(p.numel() for p in module.parameters())
    assert sum(p.numel() for p in network.parameters()) == count


def test_every_layer_cuts_it(pair, images):
    module, network = pair
    logits = logits_of(module, images)
    assert network.layers
    for layer in network.layers:
        with torch.no_grad():
            maps, rest = network.cut(images, layer.name)
            assert maps.shape[2:] == (layer.size, layer.size)
            torch.testing.assert_close(rest(maps), logits, atol=1e-5, rtol=1e-4)
            # One image's map many times, as the methods that change channels do.
            maps, rest = network.cut(images[:1], layer.name)
            repeated = rest(maps.repeat(3, 1, 1, 1))
        torch.testing.assert_close(repeated, logits[:1].repeat(3, 1), atol=1e-5, rtol=1e-4)


def test_gradients_are_those_of_a_hooked_module(images):
    """At the end of the third stage, as the hooks of other libraries see it."""
    module = stirred(ResNet18(8))
    network = graph_network(module)
    seen = []
    module.layer3.register_forward_hook(lambda *args: seen.append(args[2]) or seen[0])
    x = images[:1].clone().requires_grad_(True)
    logits = module(x)
    (expected,) = torch.autograd.grad(logits[0, 3], seen[0])
    with torch.no_grad():
        maps, rest = network.cut(images[:1], "layer3")
    torch.testing.assert_close(maps, seen[0].detach(), atol=1e-6, rtol=1e-5)
    maps = maps.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(rest(maps)[0, 3], maps)
    torch.testing.assert_close(gradient, expected, atol=1e-7, rtol=1e-5)


def test_features_are_the_input_of_the_last_linear_layer(images):
    module = stirred(PlainCnn(8))
    network = graph_network(module)
    logits, features = network.outputs(images)
    torch.testing.assert_close(module.fc3(features), logits)


def test_features_of_a_chosen_layer(images):
    traced = trace(stirred(ResNet18(8)), SHAPE, "layer2")
    network = GraphNetwork(traced.graph, Preprocessing(), traced.layers)
    network.load_state_dict(traced.weights)
    maps, _ = network.cut(images, "layer2")
    assert torch.equal(network.outputs(images)[1], maps.flatten(1))
    with pytest.raises(TraceError, match=r"There is no layer 'nowhere': choose one of .*layer2"):
        trace(ResNet18(8), SHAPE, "nowhere")


class Odd(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.head = nn.Linear(3 * 32 * 32, 10)
        self.odd = forward

    def forward(self, x):
        return self.odd(self.head(x.flatten(1)))


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda y: y if y.sum() > 0 else -y, "cannot be traced"),
        (lambda y: y + torch.zeros(len(y), 10), r"write x.shape\[0\] there"),
        (lambda y: y[:, :5], r"returns \(N, 5\) for N images instead of \(N, 10\)"),
        (lambda y: torch.cat(10 * [y], 1), r"returns \(N, 100\) for N images"),
        (lambda y: y.argmax(1), r"returns \(N\)|\(N,\) for N images"),
        (lambda y: 3, "cannot be traced|returns nothing"),
        (lambda y: torch.tensor(y.detach().numpy()), "cannot be traced"),
    ],
)
def test_what_is_no_classifier_is_one_sentence(forward, message):
    with pytest.raises(TraceError, match=message) as error:
        trace(Odd(forward), SHAPE)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_other_channels_are_one_sentence():
    gray = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(3600, 10))
    with pytest.raises(TraceError, match=r"cannot be traced on images of shape \(3, 32, 32\)"):
        trace(gray, SHAPE)


class Clash(nn.Module):
    """Has names that a graph, or the class that runs it, has too."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.steps = nn.Linear(8, 8)
        self.names = self.at = nn.Linear(8, 10)
        for name in ("mean", "count", "input", "add", "results"):
            self.register_buffer(name, torch.rand(8))

    def forward(self, input):
        pooled = self.layers(input).mean(3).mean(2)
        moved = self.steps(pooled - self.mean) * self.count + self.input
        return self.names(moved + self.add - self.results)


def test_names_that_clash_change_nothing(images):
    torch.manual_seed(0)
    module = Clash().eval()
    network = graph_network(module)
    torch.testing.assert_close(network(images), logits_of(module, images), atol=1e-6, rtol=1e-5)
    assert [layer.name for layer in network.layers] == ["layers.0", "layers"]  # no row of means


class Two(nn.Module):
    def __init__(self, second):
        super().__init__()
        self.head, self.second = nn.Linear(3072, 10), second

    def forward(self, x):
        return self.head(x.flatten(1)), self.second(x)


def test_of_several_outputs_the_logits_are_taken(images):
    for second in (lambda x: x.shape[0], lambda x: x.mean((1, 2, 3)), lambda x: None):
        module = Two(second).eval()
        logits = graph_network(module)(images)
        torch.testing.assert_close(logits, module.head(images.flatten(1)))


def test_a_module_without_weights_is_one_sentence():
    module = nn.Sequential(nn.AdaptiveAvgPool2d((1, 10)), nn.Flatten(), nn.Unflatten(1, (3, 10)))
    with pytest.raises(TraceError, match="has no weights"):
        trace(nn.Sequential(module, Mean()), SHAPE)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)
