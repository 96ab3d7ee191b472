"""Networks as ONNX: the same numbers, from the pixels themselves, in half the bytes."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from cifar import PROJECT
from cifar.add.trace import trace
from cifar.data.pictures import Seen
from cifar.evaluation import ood
from cifar.evaluation.classifier import classify, classify_all, to_tensor
from cifar.explore import store
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.errors import CheckpointError
from cifar.models.graph import GraphNetwork
from cifar.models.preprocessing import Preprocessing
from cifar.publish.onnx_export import INPUT, OUTPUTS, export, export_distance
from docs.networks import PlainCnn, ResNet18

pytestmark = pytest.mark.slow


def run(path, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    return dict(zip(OUTPUTS, session.run(list(OUTPUTS), {INPUT: images}), strict=True))


@pytest.fixture(scope="module", params=["basenet", "resnet"])
def exported(request, tmp_path_factory):
    """A checkpoint and the file with its network."""
    path = tmp_path_factory.mktemp("onnx") / f"{request.param}.onnx"
    ckpt = checkpoint.load(request.param)
    export(ckpt, path)
    return ckpt, path


@pytest.fixture(scope="module")
def images(test_split):
    return test_split.images[::200].permute(0, 2, 3, 1).contiguous().numpy()


def answers_of(ckpt, images):
    return classify_all(ckpt, [Seen.image(image) for image in images])


def test_it_gives_what_the_network_gives(exported, images):
    ckpt, path = exported
    found = run(path, images)
    answers = answers_of(ckpt, images)
    np.testing.assert_allclose(found["logits"], [a.logits for a in answers], atol=1e-4)
    np.testing.assert_allclose(found["features"], [a.features for a in answers], atol=1e-4)
    with torch.inference_mode():
        maps = ckpt.model.maps_at(to_tensor(images), ckpt.model.layers[-1].name).numpy()
    np.testing.assert_allclose(found["maps"], maps, atol=1e-4)
    assert np.array_equal(found["weights"], ckpt.model.head.weight.numpy())


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_images_goes_in(exported, images, count):
    ckpt, path = exported
    found = run(path, images[:count])
    assert [len(found[name]) for name in OUTPUTS[:3]] == [count] * 3
    assert found["logits"].argmax(1).tolist() == [
        answer.predicted for answer in answers_of(ckpt, images[:count])
    ]


def test_features_are_the_largest_of_each_map(exported, images):
    found = run(exported[1], images[:5])
    np.testing.assert_array_equal(found["features"], found["maps"].max((2, 3)))


def test_filters_are_halves_and_still_exact(exported):
    ckpt, path = exported
    kept = {t.name.removesuffix(".half"): t for t in onnx.load(path).graph.initializer}
    filters = {k: v for k, v in ckpt.model.state_dict().items() if v.ndim > 1}
    for name, values in filters.items():
        # The head's weights are given as they are, under that name.
        tensor = kept["weights" if name == "head.weight" else f"model.{name}"]
        assert tensor.data_type == onnx.TensorProto.FLOAT16
        assert np.array_equal(onnx.numpy_helper.to_array(tensor), values.numpy())
    weights = (ckpt.path / "model.safetensors").stat().st_size
    assert path.stat().st_size < 1.02 * weights + 30_000  # the graph's own nodes
    onnx.checker.check_model(str(path), full_check=True)


def test_it_tells_nothing_of_who_wrote_it(exported):
    content = exported[1].read_bytes()
    for word in (b"/home", b"/tmp", b"/work", b"site-packages", b"File ", b".py"):
        assert word not in content


def test_a_brought_network_that_averages_its_last_maps(images, tmp_path):
    torch.manual_seed(0)
    module = ResNet18(8).eval()
    traced = trace(module, (3, 32, 32))
    network = GraphNetwork(traced.graph, Preprocessing(std=(0.2, 0.2, 0.2)), traced.layers)
    network.load_state_dict(traced.weights)
    network.layers = (network.layer("layer4"),)
    ckpt = Checkpoint(tmp_path, {}, {}, "", module=network.eval().requires_grad_(False))
    export(ckpt, tmp_path / "net.onnx")
    found = run(tmp_path / "net.onnx", images[:4])
    logits, features, maps = (part.numpy() for part in network.with_maps(to_tensor(images[:4])))
    np.testing.assert_allclose(found["logits"], logits, atol=1e-4)
    np.testing.assert_allclose(found["features"], features, atol=1e-4)
    np.testing.assert_allclose(found["maps"], maps, atol=1e-4)
    weights = module.linear.weight.detach().numpy()
    np.testing.assert_allclose(found["weights"], weights, rtol=1e-4, atol=1e-6)
    assert found["averaged"] == 1


FIRST = """
import sys
from types import SimpleNamespace
from pathlib import Path
import numpy as np
from cifar.models import checkpoint
from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify
from cifar.publish.onnx_export import export

ckpt = checkpoint.load("basenet")
export(ckpt, Path(sys.argv[1]))
print(classify(ckpt, Seen.image(np.zeros((32, 32, 3), np.uint8))).top(1)[0][1])
"""


@pytest.mark.parametrize("exported", ["basenet"], indirect=True)
def test_it_may_be_the_first_thing_that_a_process_does(exported, tmp_path):
    """And gives the same bytes as the last."""
    command = [sys.executable, "-c", FIRST, tmp_path / "net.onnx"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    black = classify(checkpoint.load("basenet"), Seen.image(np.zeros((32, 32, 3), np.uint8)))
    assert (tmp_path / "net.onnx").read_bytes() == exported[1].read_bytes()
    assert float(done.stdout.splitlines()[-1]) == pytest.approx(black.top(1)[0][1], abs=1e-4)


def test_what_a_half_cannot_hold_stays_as_it_is(make_checkpoint, images, tmp_path):
    ckpt = checkpoint.load(make_checkpoint())
    model = ckpt.model
    with torch.no_grad():
        model.stage1.pointwise.weight.mul_(1 + 1e-5)
        model.stage4[1].depthwise.weight[0, 0, 0, 0] = 1e5  # beyond the largest half
    export(ckpt, tmp_path / "net.onnx")
    found = run(tmp_path / "net.onnx", images[:4])
    wanted = [answer.logits for answer in answers_of(ckpt, images[:4])]
    np.testing.assert_allclose(found["logits"], wanted, rtol=1e-4, atol=1e-4)


def test_a_map_that_is_not_pooled_as_a_whole_is_refused(tmp_path):
    traced = trace(PlainCnn(8), (3, 32, 32))
    network = GraphNetwork(traced.graph, Preprocessing(), traced.layers)
    network.load_state_dict(traced.weights)
    ckpt = Checkpoint(tmp_path, {}, {}, "", module=network.eval().requires_grad_(False))
    with pytest.raises(CheckpointError, match="not pooled as a whole"):
        export(ckpt, tmp_path / "net.onnx")
    assert list(tmp_path.glob("net.onnx*")) == []


@pytest.mark.parametrize("name", ["resnet", "basenet"])
def test_the_distance_to_the_feature_bank_is_that_of_the_app(tmp_path, name):
    ckpt = store.load(name)
    bank = store.predictions(name).features
    export_distance(bank, tmp_path / "distance.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "distance.onnx")
    features = np.random.default_rng(0).gamma(1, 1, (50, bank.shape[1]))
    known = bank[::100] * np.linspace(0.2, 2, 100)[:, None]  # also short ones, and the bank's own
    features = np.concatenate([features, known]).astype(np.float32)
    found, nearest = session.run(None, {"features": features})
    wanted = ood.distances(features, ood.feature_bank(ckpt))
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    assert nearest.dtype == np.int32 and nearest.shape == (len(features), 50)
    answer = SimpleNamespace(features=features[60])
    same = ood.nearest_images(answer, ckpt)
    assert len({*same.tolist()} & {*nearest[60].tolist()}) >= 48  # but for ties in float32
    assert np.ptp(wanted) > 0.5
