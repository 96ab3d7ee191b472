"""A brought network is evaluated as the project's own, kept whole, or not at all."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.quantization import quantize_dynamic
from torch import nn
from torch.nn import functional as F

from cifar import LensError
from cifar.add import conventions
from cifar.add.add import Wanted, add, add_answers, find, remove
from cifar.evaluation import recorded_answers
from cifar.evaluation.evaluate import predict
from cifar.evaluation.predictions import load_predictions
from cifar.explain.heat_maps import heat_maps
from cifar.explain.method_scores import score
from cifar.explain.methods import METHODS
from cifar.explain.randomization import model_randomization
from cifar.explore import store
from cifar.models import checkpoint
from cifar.models.errors import CheckpointError
from cifar.models.facts import MEAN, STD
from cifar.models.preprocessing import Preprocessing
from cifar.publish import onnx_export

COLORS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CODE = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 16, 4, 4, padding=0), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(256, 10)
        )
"""


class Net(nn.Sequential):
    """The network of CODE."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 16, 4, 4), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(256, 10)
        )


def images_of(split, mean, std):
    x = split.images.float() / 255
    return (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


@pytest.fixture(scope="module")
def trained(splits):
    """A network that learned the small training split, on ImageNet's scale."""
    torch.manual_seed(0)
    net, split = Net(), splits["train"]
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    x = images_of(split, *COLORS)
    for _ in range(60):
        loss = F.cross_entropy(net(x), split.labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "ROOT", tmp_path / "checkpoints")
    (tmp_path / "my_net.py").write_text(CODE)
    return tmp_path / "checkpoints"


@pytest.fixture
def weights(trained, tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(trained.state_dict(), path)
    return path


def as_onnx(module, path, batch=None):
    size = {"dynamic_shapes": ({0: torch.export.Dim("n")},)} if batch is None else {}
    images = (torch.zeros(batch or 2, 3, 32, 32),)
    torch.onnx.export(
        module.eval(), images, path, dynamo=True, verbose=False, opset_version=18, **size
    )
    return path


def test_a_python_network_becomes_a_whole_checkpoint(root, weights, trained, splits, capsys):
    ckpt = add("mine", f"{root.parent}/my_net.py:Net", weights=weights)
    assert "ImageNet's mean and deviation: " in capsys.readouterr().out
    assert Preprocessing.read(ckpt.config["preprocessing"]) == Preprocessing(*COLORS)
    logits, _ = predict(ckpt, splits["test"].images)
    with torch.no_grad():
        expected = trained(images_of(splits["test"], *COLORS)).numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    right = (expected.argmax(1) == splits["test"].labels.numpy()).mean()
    assert ckpt.measured["test"]["accuracy"]["value"] == pytest.approx(right)
    assert ckpt.training is None and ckpt.title == "mine"
    command = ckpt.measured["evaluation"]["command"]
    assert command == "python -m cifar add mine my_net.py:Net"  # without the person's folders
    published = (ckpt.path / "README.md").read_text() + (ckpt.path / "config.json").read_text()
    assert str(root.parent) not in published
    assert "Brought from" in (ckpt.path / "README.md").read_text()
    assert [path.name for path in root.iterdir()] == ["mine"]
    remove("mine")
    assert list(root.iterdir()) == []


def test_nothing_of_its_code_runs_again(root, weights, splits):
    add("mine", f"{root.parent}/my_net.py:Net", weights=weights)
    (root.parent / "my_net.py").write_text("raise SystemExit")
    assert checkpoint.load("mine").model.layers


def test_its_maps_are_those_of_gradients(root, weights, trained, splits):
    ckpt = add("mine", f"{root.parent}/my_net.py:Net", weights=weights)
    image = splits["test"].images[0]
    (heat,) = heat_maps(ckpt, image.permute(1, 2, 0).numpy(), [3], "hirescam", ["1"])
    first, rest = (nn.Sequential(*part) for part in (list(trained)[:2], list(trained)[2:]))
    maps = first(images_of(replace(splits["test"], images=image[None]), *COLORS))
    maps = maps.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(rest(maps)[0, 3], maps)
    expected = (maps * gradient).sum(1)[0].clamp(min=0).detach().numpy()
    np.testing.assert_allclose(heat.values, expected, atol=1e-5)
    assert model_randomization(ckpt, image.permute(1, 2, 0).numpy(), heat) is not None


def test_the_project_itself_as_a_stranger(tiny_split):
    """ResNet by its class and its weights: the same logits and the same maps."""
    own = checkpoint.load("resnet")
    path = own.path / "model.safetensors"
    found = find("cifar.models.resnet:ResNet", (), path, Wanted())
    stranger = replace(own, module=found.network)
    images = tiny_split(20).images
    for ours, theirs in zip(predict(own, images), predict(stranger, images), strict=True):
        np.testing.assert_allclose(theirs, ours, atol=1e-4)
    image = images[0].permute(1, 2, 0).numpy()
    for method in ("gradcam", "finercam", "scorecam", "ablationcam", "occlusion"):
        for layers in (["stage1"], ["stage2", "stage3"]):
            pairs = [heat_maps(ckpt, image, [2, 5], method, layers) for ckpt in (own, stranger)]
            for ours, theirs in zip(*pairs, strict=True):
                np.testing.assert_allclose(theirs.values, ours.values, atol=1e-5)


ONLY_ANSWERS = {"network": "onnx", "title": "BaseNet", "layers": []}


def test_the_project_itself_as_onnx(tiny_split, tmp_path):
    own = checkpoint.load("basenet")
    path = as_onnx(own.model, tmp_path / "net.onnx")
    stranger = replace(own, module=find(str(path), (), None, Wanted()).network)
    images = tiny_split(20).images
    for ours, theirs in zip(predict(own, images), predict(stranger, images), strict=True):
        np.testing.assert_allclose(theirs, ours, atol=1e-4)
    image = images[0].permute(1, 2, 0).numpy()
    (ours,), (theirs,) = (heat_maps(ckpt, image, [2], "occlusion") for ckpt in (own, stranger))
    np.testing.assert_allclose(theirs.values, ours.values, atol=1e-4)
    with pytest.raises(ValueError, match="Grad-CAM needs more of BaseNet than is known: use Occl"):
        heat_maps(replace(stranger, config=own.config | ONLY_ANSWERS), image, [2], "gradcam")


@pytest.mark.parametrize("batch", [None, 7])
def test_an_onnx_network_becomes_a_whole_checkpoint(root, trained, splits, batch):
    path = as_onnx(trained, root.parent / "net.onnx", batch)
    ckpt = add("mine", str(path), wanted=Wanted(title="My net"))
    assert (ckpt.title, ckpt.layers, ckpt.measured["multiply_adds"]) == ("My net", (), None)
    with torch.no_grad():
        expected = trained(images_of(splits["test"], *COLORS)).numpy()
    np.testing.assert_allclose(predict(ckpt, splits["test"].images)[0], expected, atol=1e-4)
    image = splits["test"].images[0].permute(1, 2, 0).numpy()
    (heat,) = heat_maps(ckpt, image, [3])
    assert heat.method == "occlusion" and model_randomization(ckpt, image, heat) is None


class WithMap(nn.Module):
    """A network that also gives out the map of its first layer."""

    def __init__(self, net):
        super().__init__()
        parts = list(net)
        self.first, self.rest = nn.Sequential(*parts[:2]), nn.Sequential(*parts[2:])

    def forward(self, x):
        maps = self.first(x)
        return self.rest(maps), maps


def test_a_map_that_an_onnx_file_gives_out_is_explained(root, trained, splits, weights):
    path = as_onnx(WithMap(trained), root.parent / "net.onnx")
    model = onnx.load(path)
    name = model.graph.output[1].name
    ckpt = add("as-onnx", str(path))
    twin = add("as-python", f"{root.parent}/my_net.py:Net", weights=weights)
    assert [(layer.name, layer.size) for layer in ckpt.layers] == [(name, 8)]
    image = splits["test"].images[0].permute(1, 2, 0).numpy()
    (default,) = heat_maps(ckpt, image, [3])
    assert default.method == "scorecam"
    for method in ("scorecam", "eigencam"):
        (ours,), (theirs,) = (
            heat_maps(one, image, [3], method, [layer])
            for one, layer in ((twin, "1"), (ckpt, name))
        )
        np.testing.assert_allclose(theirs.values, ours.values, atol=1e-4)
    with pytest.raises(ValueError, match="use EigenCAM, Score-CAM, Occlusion"):
        heat_maps(ckpt, image, [3], "gradcam")
    with pytest.raises(CheckpointError, match="the static site computes heat maps"):
        onnx_export.export(ckpt, root.parent / "site.onnx")


@pytest.mark.parametrize("kind", ["map", "answers", "python"])
def test_heat_maps_of_a_brought_network_are_scored(root, trained, splits, weights, kind):
    if kind == "python":
        add("mine", f"{root.parent}/my_net.py:Net", weights=weights)
    else:
        module = WithMap(trained) if kind == "map" else trained
        add("mine", str(as_onnx(module, root.parent / "net.onnx")))
    section = score(checkpoint.ROOT / "mine", 4)["explain"]
    expected = {"map": {"eigencam", "scorecam", "occlusion"}, "answers": {"occlusion"}}
    assert {row["method"] for row in section["rows"]} == expected.get(kind, set(METHODS))
    (heat,) = heat_maps(
        checkpoint.load("mine"), splits["test"].images[0].permute(1, 2, 0).numpy(), [3]
    )
    assert heat.method == section["default"]["method"]


def test_a_network_of_integers_is_used(root, trained, splits):
    """Its features are those before they become integers."""
    path = as_onnx(trained, root.parent / "net.onnx")
    quantize_dynamic(path, path, op_types_to_quantize=["MatMul", "Gemm"])
    assert "MatMulInteger" in {node.op_type for node in onnx.load(path).graph.node}
    ckpt = add("mine", str(path))
    logits, features = predict(ckpt, splits["test"].images)
    with torch.no_grad():
        x = images_of(splits["test"], *COLORS)
        expected, inputs = trained(x).numpy(), nn.Sequential(*list(trained)[:4])(x).numpy()
    np.testing.assert_allclose(features, inputs, atol=1e-4)
    assert (logits.argmax(1) == expected.argmax(1)).mean() > 0.95


class Changed(nn.Module):
    """A network that takes and gives what others do."""

    def __init__(self, net, before=lambda x: x, after=lambda y: y):
        super().__init__()
        self.net, self.before, self.after = net, before, after

    def forward(self, x):
        return self.after(self.net(self.before(x)))


ORDER = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]


def to_imagenet(x, mean, std):
    """Undo another scale, and apply that of the network."""
    x = x * torch.tensor(std).view(3, 1, 1) + torch.tensor(mean).view(3, 1, 1)
    return (x - torch.tensor(COLORS[0]).view(3, 1, 1)) / torch.tensor(COLORS[1]).view(3, 1, 1)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (lambda x: to_imagenet(x, MEAN, STD), None, {"mean": MEAN, "std": STD}),
        (lambda x: to_imagenet(x, (0.0,) * 3, (1.0,) * 3), None, {"mean": (0.0,) * 3}),
        (lambda x: to_imagenet(x, (0.0,) * 3, (1 / 255,) * 3), None, {"std": (1 / 255,) * 3}),
        (lambda x: x.flip(1), None, {"channels": "BGR"}),
        (None, lambda y: y.softmax(1), {"outputs": "probabilities"}),
        (None, lambda y: 100 * y.softmax(1), {"outputs": "percent"}),
        (None, lambda y: y[:, ORDER], {"classes": tuple(np.argsort(ORDER).tolist())}),
    ],
    ids=["cifar", "0 to 1", "0 to 255", "blue first", "probabilities", "percent", "order"],
)
def test_what_it_expects_is_found(trained, splits, before, after, expected, tmp_path):
    same = Changed(trained, before or (lambda x: x), after or (lambda y: y))
    path = as_onnx(same, tmp_path / "net.onnx")
    network = find(str(path), (), None, Wanted()).network
    best, *others = conventions.search(network, splits["val"], Preprocessing(), fixed=False)
    for field, value in expected.items():
        assert getattr(best.preprocessing, field) == value
    assert all(best.accuracy >= other.accuracy for other in others)
    network.preprocessing = best.preprocessing
    images = splits["test"].images
    logits, _ = predict(replace(checkpoint.load("basenet"), module=network), images)
    with torch.no_grad():
        right = trained(images_of(splits["test"], *COLORS)).log_softmax(1).numpy()
    found = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    # Probabilities in float32 lose what is less probable than 1e-7.
    np.testing.assert_allclose(np.exp(found), np.exp(right), atol=1e-4)


def test_what_is_given_is_not_searched(trained, splits, tmp_path):
    network = find(str(as_onnx(trained, tmp_path / "net.onnx")), (), None, Wanted()).network
    (only,) = conventions.search(network, splits["val"], Preprocessing(*COLORS), fixed=True)
    assert only.preprocessing.mean == COLORS[0]


def refused(root, message, *arguments, **options):
    with pytest.raises(LensError, match=message) as error:
        add(*arguments, **options)
    assert "\n" not in str(error.value)
    assert not root.exists() or list(root.iterdir()) == []


def test_a_network_by_chance_is_refused(root, splits):
    net = Net()
    net[-1].weight.data.zero_()
    torch.save(net.state_dict(), root.parent / "weights.pt")
    options = {"weights": root.parent / "weights.pt"}
    message = "at best, and chance is 10%"
    refused(root, message, "mine", f"{root.parent}/my_net.py:Net", **options)


def test_outputs_that_are_no_numbers_are_refused(root, splits, tmp_path):
    broken = Changed(Net(), after=lambda y: y * float("nan"))
    path = as_onnx(broken, tmp_path / "net.onnx")
    refused(root, "returns NaN or infinity", "mine", str(path))


@pytest.mark.parametrize(
    "name", ["images", "published", "published-x", "my-probabilities", "my-channels", "resnet"]
)
def test_names_of_other_things_are_refused(root, name):
    refused(root, "is the name of something else here", name, "nowhere.py:Net")


def test_what_cannot_be_is_refused_before_anything_is_run(root, splits):
    nothing = Preprocessing(std=(0.2, 0.0, 0.2))
    refused(root, "--std is 0.2 0.0 0.2", "mine", "no.py:Net", wanted=Wanted(nothing, fixed=True))
    refused(root, "--title has 41 letters", "mine", "no.py:Net", wanted=Wanted(title="a" * 41))
    refused(root, "takes no --weights", "mine", "net.onnx", weights=root)
    refused(root, "takes no arguments", "mine", "net.onnx", ["width=3"])


@pytest.mark.parametrize("name", ["", "My net", "../up", "a" * 31, "ümlaut", "-x", "a/b"])
def test_a_name_that_is_none_is_refused(root, name):
    refused(root, "is no name: choose up to 30 small letters", name, "nowhere.py:Net")


def test_a_name_that_is_taken_is_refused(root, make_checkpoint, splits):
    (root / "mine").mkdir(parents=True)
    with pytest.raises(LensError, match=r"already: choose another name, or remove it first"):
        add("mine", "nowhere.py:Net")


def test_nothing_half_written_stays(root, weights, splits, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cifar.add.add.evaluate", stopped)
    with pytest.raises(KeyboardInterrupt):
        add("mine", f"{root.parent}/my_net.py:Net", weights=weights)
    assert list(root.iterdir()) == []


def test_only_brought_networks_are_removed():
    with pytest.raises(LensError, match="There is no checkpoint 'nowhere'"):
        remove("nowhere")
    with pytest.raises(LensError, match="resnet was not added by this command"):
        remove("resnet")
    assert "resnet" in checkpoint.available()


def test_a_checkpoint_is_copied_and_evaluated_only_if_it_was_not(
    root, splits, make_checkpoint, monkeypatch
):
    folder = make_checkpoint()
    ckpt = add("copied", str(folder))
    assert ckpt.measured["test"]["accuracy"]["n"] == 260 and ckpt.network == "basenet"

    def fail(*_):
        raise AssertionError("it was evaluated again")

    monkeypatch.setattr("cifar.add.add.evaluate", fail)
    assert add("again", str(ckpt.path)).metrics == ckpt.metrics
    remove("copied")
    assert checkpoint.available() == ["again"]


@pytest.fixture
def answers(root, splits):
    """A table of answers to the small test split: 90% of them are right."""
    labels = splits["test"].labels.numpy()
    logits = np.random.default_rng(0).normal(size=(len(labels), 10))
    logits[np.arange(len(labels)), labels] += 4
    logits[::10] = np.roll(logits[::10], 1, axis=1)
    np.save(root.parent / "answers.npy", logits)
    return root.parent / "answers.npy", logits


def test_a_table_of_answers_is_kept_to_compare_with(root, answers, splits):
    path, logits = answers
    labels = splits["test"].labels.numpy()
    said = add_answers("theirs", path, "Their net")
    right = (logits.argmax(1) == labels).mean()
    assert said == f"Read as logits: {right:.2%} right, n = {len(labels):,}."
    found = recorded_answers.read(root / "theirs", labels)
    exact = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, exact, atol=1e-6)
    assert (found.title, found.accuracy, found.only_classes) == ("Their net", right, False)
    assert recorded_answers.available() == ["theirs"] and checkpoint.available() == []
    remove("theirs")
    assert list(root.iterdir()) == []


def test_answers_without_confidence_are_known_as_such(root, answers, splits):
    _, logits = answers
    path = root.parent / "classes.csv"
    path.write_text("\n".join(map(str, logits.argmax(1))))
    add_answers("theirs", path)
    assert recorded_answers.read(root / "theirs", splits["test"].labels.numpy()).only_classes


def test_answers_by_chance_and_other_tables_are_refused(root, answers, splits):
    path, logits = answers
    np.save(path, np.roll(logits, 7, axis=0))
    with pytest.raises(LensError, match=r"Only .*% of the rows name the right class, as by chance"):
        add_answers("theirs", path)
    np.save(path, logits[:100])
    with pytest.raises(LensError, match=r"answers.npy cannot be used, for it has 100 rows"):
        add_answers("theirs", path)
    with pytest.raises(LensError, match="--title has 41 letters"):
        add_answers("theirs", path, "a" * 41)
    assert list(root.iterdir()) == []


def test_wide_features_are_kept(root, splits, trained):
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(*list(trained)[:4])
            self.wide, self.head = nn.Linear(256, 2048), nn.Linear(2048, 10)
            last = list(trained)[4]
            with torch.no_grad():
                self.wide.weight.zero_()[:256].copy_(torch.eye(256))
                self.wide.bias.zero_()
                self.head.weight.zero_()[:, :256].copy_(last.weight)
                self.head.bias.copy_(last.bias)

        def forward(self, x):
            return self.head(self.wide(self.net(x)))

    ckpt = add("wide", str(as_onnx(Wide(), root.parent / "wide.onnx")))
    assert load_predictions(ckpt).features.shape == (260, 2048)


def broken_onnx(path):
    """Write ONNX files that cannot be used, and say what is said of each."""
    path.write_bytes(b"no protobuf")
    yield "cannot be read as ONNX"
    path.write_bytes(b"")
    yield "cannot be read as ONNX"
    path.unlink()
    yield "cannot be read as ONNX"
    as_onnx(nn.Sequential(nn.Flatten(), nn.Linear(3072, 100)), path)
    yield r"returns \(N, 100\) instead of \(N, 10\)"
    as_onnx(nn.Conv2d(3, 10, 3), path)
    yield r"returns \(N, 10, 30, 30\) instead of \(N, 10\)"
    model = onnx.load(as_onnx(nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)), path))
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    onnx.save(model, path)
    yield "cannot be read as ONNX|instead of floating-point"
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
    onnx.save(model, path)
    yield "instead of square images of three colors"
    model = onnx.load(as_onnx(nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)), path))
    onnx.save(model, path, save_as_external_data=True, location="beside.bin", size_threshold=0)
    (path.parent / "beside.bin").unlink()
    yield "cannot be read as ONNX"


def test_broken_onnx_files_are_named(tmp_path):
    path = tmp_path / "net.onnx"
    for message in broken_onnx(path):
        with pytest.raises(LensError, match=message) as error:
            find(str(path), (), None, Wanted())
        assert "\n" not in str(error.value)


def test_a_float16_network_is_used(trained, tmp_path, splits):
    half = Changed(trained.half(), before=lambda x: x, after=lambda y: y)
    try:
        path = tmp_path / "net.onnx"
        images = (torch.zeros(2, 3, 32, 32).half(),)
        size = {"dynamic_shapes": ({0: torch.export.Dim("n")},)}
        torch.onnx.export(
            half.eval(), images, path, dynamo=True, verbose=False, opset_version=18, **size
        )
    finally:
        trained.float()
    network = find(str(path), (), None, Wanted()).network
    (best, *_) = conventions.search(network, splits["val"], Preprocessing(), fixed=False)
    assert best.accuracy > 0.6


# A checkpoint that was changed


@pytest.fixture
def folder(root, weights, splits):
    return add("mine", f"{root.parent}/my_net.py:Net", weights=weights).path


def rewritten(folder, change):
    """Change graph.json, and let config.json agree."""
    import hashlib

    path = folder / "graph.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    config = json.loads((folder / "config.json").read_text())
    config["graph_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "config.json").write_text(json.dumps(config))


def step(content, operation, *arguments):
    content["steps"][0] |= {"operation": operation, "arguments": list(arguments)}


@pytest.mark.parametrize(
    "change",
    [
        lambda c: step(c, "from_file.default", "/etc/passwd"),
        lambda c: step(c, "relu_.default", {"name": "$input"}),
        lambda c: step(c, "__import__", "os"),
        lambda c: step(c, "os.system", "true"),
        lambda c: step(c, "_cudnn_init_dropout_state.default", 0.5),
        lambda c: step(c, "set_grad_enabled.default", False),
        lambda c: step(c, "manual_seed.default", 3),
        lambda c: step(c, "empty.memory_format", [4]),
        lambda c: step(c, "as_strided_copy.default", {"name": "$input"}, [4], [1]),
        lambda c: step(c, "zeros.default", [4], {"torch": "__dict__"}),
        lambda c: step(c, "getitem", {"torch": "float32"}, "itemsize"),
        lambda c: step(c, "mul", [0], 10),
        lambda c: step(c, "relu.default", {"name": "nowhere"}),
        lambda c: step(c, "relu.default", {"tensor": "nowhere"}),
        lambda c: step(c, "relu.default", {"name": "$input", "more": 1}),
        lambda c: step(c, "cat.default", [{"name": "$input"}, {"name": "$input"}], 7),
        lambda c: [grid.update(kind="tokens") for grid in c["grids"].values()],
        lambda c: c.update(output="nowhere"),
        lambda c: c.update(steps=[]),
        lambda c: c["tensors"][0].update(dtype="string"),
        lambda c: c["tensors"][0].update(shape=[1]),
        lambda c: c["tensors"].pop(),
        lambda c: c["layers"].clear(),
        lambda c: c["grids"].clear(),
    ],
)
def test_a_changed_graph_is_refused_in_a_sentence(folder, change):
    rewritten(folder, change)
    with pytest.raises(LensError) as error:
        checkpoint.load(folder)
    assert str(folder) in str(error.value) or "graph.json" in str(error.value)


def test_a_folder_without_its_graph_is_refused_in_a_sentence(folder):
    (folder / "graph.json").unlink()
    with pytest.raises(LensError, match=r"graph\.json cannot be read"):
        checkpoint.read(folder)


def test_fields_of_later_versions_are_ignored(folder):
    config = json.loads((folder / "config.json").read_text())
    config["preprocessing"]["later"] = config["layers"][0]["later"] = 1
    (folder / "config.json").write_text(json.dumps(config))
    assert checkpoint.load(folder).model.layers


def test_weights_that_changed_since_they_were_read_are_not_used(folder):
    ckpt = checkpoint.read(folder)
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-4] + b"\0\0\0\0")
    with pytest.raises(CheckpointError, match="changed since it was read"):
        _ = ckpt.model


def test_a_graph_that_config_does_not_name_is_refused(folder):
    (folder / "graph.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"graph.json is not the one that .*config.json"):
        checkpoint.read(folder)


def test_the_app_shows_it(folder, monkeypatch):
    monkeypatch.setattr(store, "_complete", checkpoint.load)
    monkeypatch.setattr(store, "_shown", {})
    right = checkpoint.load(folder).accuracy
    assert store.choices() == [(f"mine {right:.1%}", "mine")]
