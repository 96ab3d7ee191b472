"""A source becomes a network with its weights, or one sentence."""

import json
import pickle
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cifar.add.sources import SourceError, find, is_checkpoint

CODE = """
import torch
from torch import nn
from helper import WIDTH

class Net(nn.Module):
    def __init__(self, width=WIDTH, name="net"):
        super().__init__()
        self.name = name
        self.conv = nn.Conv2d(3, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.norm(self.conv(x)).mean((2, 3)))

ready = Net()
number = 3

def wrong():
    return 3

def broken():
    raise ValueError("no such depth")

def leave():
    raise SystemExit(3)
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "helper.py").write_text("WIDTH = 4\n")
    path = tmp_path / "my_net.py"
    path.write_text(CODE)
    return path


@pytest.fixture
def net(file):
    torch.manual_seed(0)
    return find(f"{file}:Net")


def sentence(*arguments):
    with pytest.raises(SourceError) as error:
        find(*arguments)
    text = str(error.value)
    assert "\n" not in text and text.endswith((".", ")."))
    return text


def test_a_class_a_function_and_a_module_of_a_file(file):
    assert find(f"{file}:Net").conv.out_channels == 4
    wide = find(f"{file}:Net", ["width=8", "name=wide"])
    assert (wide.conv.out_channels, wide.name, wide.training) == (8, "wide", False)
    assert isinstance(find(f"{file}:ready"), nn.Module)
    assert find("cifar.models.networks:create_model", ["network=basenet"]).head.out_features == 10
    assert find("torchvision:resnet18").fc.out_features == 10


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Nowhere", "has no Nowhere; its networks: Net"),
        ("number", "is no network and no function that returns one"),
        ("wrong", "returns int instead of a torch.nn.Module"),
        ("broken", "cannot be created: ValueError: no such depth"),
        ("leave", "cannot be created: SystemExit: 3"),
    ],
)
def test_what_is_no_network_is_named(file, name, message):
    assert message in sentence(f"{file}:{name}")


def test_arguments_that_do_not_fit_are_named(file):
    assert "write KEY=VALUE" in sentence(f"{file}:Net", ["8"])
    assert "unexpected keyword argument 'depth'" in sentence(f"{file}:Net", ["depth=8"])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere.py:Net", "There is no file nowhere.py"),
        ("no.such.module:Net", "cannot be imported: ModuleNotFoundError"),
        ("torchvision:nowhere", "torchvision has no classifier 'nowhere'"),
        ("nonsense", "'nonsense' is no source: name FILE.py:CLASS"),
        ("", "'' is no source"),
    ],
)
def test_a_source_that_is_none_is_named(source, message):
    assert message in sentence(source)


def test_code_that_does_not_run_is_named(tmp_path):
    path = tmp_path / "bad_net.py"
    path.write_text("import torch\n\nraise SystemExit('stop')\n")
    assert "cannot be imported: SystemExit: stop" in sentence(f"{path}:Net")
    path.write_text("def f(:\n")
    assert "cannot be imported: SyntaxError" in sentence(f"{path}:Net")


def test_timm_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    assert "timm is not installed: run `pip install timm`" in sentence("timm:resnet18")


@pytest.fixture(scope="module")
def small_resnet():
    """A ResNet-18 as people change it for images of 32x32 pixels."""
    import timm

    torch.manual_seed(0)
    net = timm.create_model("resnet18", num_classes=10)
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    return net.eval()


@pytest.mark.parametrize("source", ["timm:resnet18", "torchvision:resnet18"])
def test_a_resnet_gets_the_small_first_layer_of_its_weights(source, small_resnet, tmp_path):
    torch.save(small_resnet.state_dict(), tmp_path / "weights.pt")
    found = find(source, (), tmp_path / "weights.pt")
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(found(x), small_resnet(x))


# Prints the logits of a network of a name on the Hub for gray images.
ON_HUB = """
import sys, torch
from cifar import LensError
from cifar.add.sources import find

try:
    print(find(sys.argv[1], sys.argv[2:])(torch.zeros(1, 3, 32, 32)).tolist())
except LensError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [("resnet18", ()), ("resnet18_cifar10", ("architecture=resnet18",))],
)
def test_a_network_of_timm_on_the_hub(on_hub, hub, small_resnet, tmp_path, architecture, arguments):
    torch.save(small_resnet.state_dict(), tmp_path / "weights.pt")
    config = {"architecture": architecture, "num_classes": 10}
    files = {"pytorch_model.bin": (tmp_path / "weights.pt").read_bytes()}
    hub.add("model", "me/net", files | {"config.json": json.dumps(config).encode()})
    done = on_hub("-c", ON_HUB, "hf-hub:me/net", *arguments)
    with torch.no_grad():
        expected = small_resnet(torch.zeros(1, 3, 32, 32))
    torch.testing.assert_close(torch.tensor(json.loads(done.stdout.splitlines()[-1])), expected)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"architecture": "mine"}, "Unknown model (mine); architecture=NAME chooses another"),
        ({}, "is no network of timm's: it lacks an architecture"),
        ({"architecture": "resnet18", "model_args": [3]}, "is no network of timm's"),
        ({"architecture": "resnet18", "num_classes": "many"}, "cannot be created"),
        (None, "is no network of timm's|cannot be read|is missing"),
    ],
)
def test_a_repository_without_a_network_of_timm_is_named(on_hub, hub, config, message):
    files = {"model.safetensors": b""}
    if config is not None:
        files["config.json"] = json.dumps(config).encode()
    hub.add("model", "me/net", files)
    done = on_hub("-c", ON_HUB, "hf-hub:me/net")
    assert done.returncode and any(part in done.error for part in message.split("|")), done


def wrapped(state):
    """A state dict in the ways that training scripts save it."""
    yield "plain", state
    yield "parallel", {f"module.{name}": value for name, value in state.items()}
    yield "compiled", {f"module._orig_mod.{name}": value for name, value in state.items()}
    yield "lightning", {"epoch": 3, "state_dict": {f"model.{k}": v for k, v in state.items()}}
    yield "with accuracy", {"net": state, "acc": 93.0, "epoch": 9}
    without = {k: v for k, v in state.items() if "num_batches" not in k}
    yield "old", {"model_state_dict": without, "optimizer": {"lr": 0.1}}


def test_weights_in_every_usual_form(file, net, tmp_path):
    expected = {name: value.clone() for name, value in net.state_dict().items()}
    for name, content in wrapped(expected):
        torch.save(content, tmp_path / "weights.pt")
        found = find(f"{file}:Net", (), tmp_path / "weights.pt").state_dict()
        assert all(torch.equal(found[key], expected[key]) for key in expected), name
    save_file(expected, tmp_path / "weights.safetensors")
    found = find(f"{file}:Net", (), tmp_path / "weights.safetensors").state_dict()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


class Bomb:
    def __reduce__(self):
        return (print, ("run",))


def spoiled(path, state):
    """Weights that cannot be used, each with what is said of them."""
    torch.save({"head.weight": state["head.weight"]}, path)
    yield r"lacks conv.bias, conv.weight, head.bias and 4 more: these weights are of another"
    torch.save(state | {"extra": torch.zeros(1)}, path)
    yield "has unknown extra"
    torch.save(state | {"head.weight": torch.zeros(100, 4)}, path)
    yield "head.weight has shape (100, 4) instead of (10, 4)"
    torch.save(state | {"head.bias": torch.full((10,), torch.nan)}, path)
    yield "head.bias holds NaN or infinity"
    torch.save([1, 2], path)
    yield "holds no weights"
    torch.save({"epoch": 3}, path)
    yield "holds no weights"
    path.write_bytes(pickle.dumps(Bomb()))
    yield "holds more than tensors, which could run code, or is damaged"
    torch.save({"net": nn.Linear(2, 2)}, path)
    yield "holds more than tensors"
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:500])
    yield "cannot be read|damaged"
    path.write_bytes(b"")
    yield "cannot be read|damaged"
    path.write_text("weights")
    yield "cannot be read|damaged"
    path.unlink()
    yield "cannot be read: FileNotFoundError"


def test_weights_that_cannot_be_used_are_named(file, net, tmp_path, capsys):
    path = tmp_path / "weights.pt"
    state = {name: value.clone() for name, value in net.state_dict().items()}
    for message in spoiled(path, state):
        text = sentence(f"{file}:Net", (), path)
        assert any(part in text for part in message.split("|")), (message, text)
    assert "run" not in capsys.readouterr().out
    half = tmp_path / "weights.safetensors"
    save_file(state, half)
    half.write_bytes(half.read_bytes()[:-10])
    assert "cannot be read: SafetensorError" in sentence(f"{file}:Net", (), half)


def test_a_checkpoint_is_a_folder_or_a_name_on_the_hub(tmp_path, make_checkpoint):
    assert is_checkpoint(str(make_checkpoint())) and is_checkpoint("me/net@main")
    assert not any(map(is_checkpoint, ("docs/networks.py:PlainCnn", "timm:x", "hf-hub:me/net")))
