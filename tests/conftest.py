"""In which order tests run, and small synthetic splits and untrained checkpoints, so that most of
them need no dataset."""

import copy
import functools
import hashlib
import io
import os

# Bit for bit comparisons are a CPU's; set before torch looks for a GPU.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import huggingface_hub
import numpy as np
import pyarrow.parquet
import pytest
import torch
from PIL import Image
from xdist.scheduler import LoadFileScheduling

from cifar import files
from cifar.data import cifar10, ood_sets, release
from cifar.evaluation import neighbors
from cifar.explore import store
from cifar.models import checkpoint
from cifar.models.networks import create_model
from tests import serving
from tests.hub.fixtures import hub, on_hub  # noqa: F401

# Bit for bit comparisons need the same number of threads everywhere.
torch.set_num_threads(1)

# What one worker does as a whole, the longest first: tests that share a running app or a browser.
UNITS = {
    "site": ("tests/browser/test_site.py", "tests/publish/test_static_site.py"),
    "browser": ("tests/browser/",),
    "server": ("tests/ui/server/", "tests/ui/test_api.py", "tests/report/test_readme_calls.py"),
}


def _unit(nodeid):
    """The unit of a test; its file if it shares nothing with others."""
    path = nodeid.split("::")[0]
    return next((name for name, parts in UNITS.items() if path.startswith(parts)), path)


class UnitScheduling(LoadFileScheduling):
    def _split_scope(self, nodeid):
        return _unit(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return UnitScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@functools.cache
def _has_training_split():
    """Return whether `data.load("train")` needs no download."""
    kept = huggingface_hub.try_to_load_from_cache(
        release.DATASET, release.FILES["train"], repo_type="dataset", revision=release.REVISION
    )
    return bool(os.environ.get("CIFAR_DATA") or isinstance(kept, str))


def pytest_runtest_setup(item):
    if item.get_closest_marker("training_split") and not _has_training_split():
        pytest.skip("CIFAR-10's training images are neither in the Hub's cache nor in CIFAR_DATA")


def pytest_collection_modifyitems(items):
    units = list(UNITS)
    items.sort(key=lambda item: units.index(u) if (u := _unit(item.nodeid)) in units else 99)


def _tiny_split(count=64, name="train", seed=0):
    """Images of ten blurred patterns, one a class and the same for every seed, under noise."""
    patterns = torch.rand(10, 3, 4, 4, generator=torch.Generator().manual_seed(99))
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 10
    labels = labels[torch.randperm(count, generator=generator)]
    large = torch.nn.functional.interpolate(patterns, size=(32, 32), mode="bilinear")
    noise = torch.randn(count, 3, 32, 32, generator=generator)
    images = (large[labels] * 200 + 25 + 20 * noise).clamp(0, 255).to(torch.uint8)
    return cifar10.Split(name, images, labels, torch.arange(count), official=False)


def _stirred_model(network, seed=0):
    """A seeded network whose batch norms all do something, as those of a trained one do."""
    torch.manual_seed(seed)
    model = create_model(network)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.1, 0.3)
    return model.eval()


def _write_checkpoint(folder, model, network="basenet"):
    """Write a network's checkpoint folder, whose facts are made up, and return its path."""
    training = {
        "images": 64,
        "official": False,
        "epochs": 2,
        "seconds": 7,
        "petaflop": 0.001,
        "hardware": "a test",
        "torch": torch.__version__,
    }
    checkpoint.save(
        folder,
        model,
        network=network,
        recipe={"network": network, "sizes": [32], "epochs": 2},
        training=training,
        history=[{"epoch": 1}, {"epoch": 2}],
    )
    return folder


def _noise(count):
    return np.random.default_rng(5).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


# Small ones in place of thousands of pictures.
FOREIGN = (
    ood_sets.ForeignSet("noise", "white noise", "a generator", lambda: _noise(30)),
    ood_sets.ForeignSet("black", "black", "nowhere", lambda: np.zeros((7, 32, 32, 3), np.uint8)),
)


def _quick_map(features, label=""):
    return (features[:, :2] / features.max()).astype(np.float32)


@pytest.fixture(scope="module")
def splits():
    """Small splits in place of the dataset; one label in five is not that of the picture."""

    def make(name, count, seed):
        split = _tiny_split(count, name, seed)
        split.labels[: count // 5] = (split.labels[: count // 5] + 1) % 10
        return split

    made = {
        "train": make("train", 300, 1),
        "val": make("val", 200, 2),
        "test": make("test", 260, 3),
    }
    # As if 50 images before them were held out: positions are not row numbers.
    made["train"].indices.add_(50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cifar10, "load", lambda name, source=None: made[name])
        # t-SNE takes seconds; it is tried in test_neighbours.
        patch.setattr(neighbors, "embed", _quick_map)
        patch.setattr(ood_sets, "SETS", FOREIGN)
        yield made


@pytest.fixture(scope="session")
def tiny_split():
    return _tiny_split


@pytest.fixture(scope="session")
def stirred_model():
    return _stirred_model


@pytest.fixture(scope="session")
def write_checkpoint():
    return _write_checkpoint


@pytest.fixture(scope="session")
def metrics_of():
    """A function that gives `metrics.json` of some weights: those of `basenet`, with changes."""
    known = files.read_json(checkpoint.ROOT / "basenet" / "metrics.json")

    def give(sha256, **changes):
        return copy.deepcopy(known) | {"weights_sha256": sha256} | changes

    return give


@pytest.fixture
def make_checkpoint(tmp_path):
    """A function that writes the checkpoint folder of an untrained network and returns its path."""

    def make(network="basenet", seed=0, name="net"):
        return _write_checkpoint(tmp_path / name, _stirred_model(network, seed), network)

    return make


class Release:
    """A tiny dataset of 2 blocks of 10 rows, in a parquet file as the Hub has it."""

    def __init__(self, path):
        rng = np.random.default_rng(0)
        self.path = path
        self.pixels = rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
        self.labels = rng.integers(0, 10, 20).tolist()

    @property
    def rows(self):
        """uint8 (20, 3073) as in the binary release: the label, then all red, green, blue."""
        planes = self.pixels.transpose(0, 3, 1, 2).reshape(20, 3072)
        return np.concatenate([np.uint8(self.labels)[:, None], planes], axis=1)

    def write(self, order=range(20), replaced=None):
        """order: of the rows. replaced: other content of an image, by its place."""
        images = []
        for i in order:
            stream = io.BytesIO()
            Image.fromarray(self.pixels[i]).save(stream, "PNG")
            images.append({"bytes": (replaced or {}).get(i, stream.getvalue()), "path": None})
        struct = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
        labels = pyarrow.array([self.labels[i] for i in order], pyarrow.int64())
        table = pyarrow.table({"img": pyarrow.array(images, struct), "label": labels})
        pyarrow.parquet.write_table(table, self.path)


@pytest.fixture
def tiny_release(tmp_path, monkeypatch):
    """A tiny training split that `load` takes for the official one, once it is written."""
    made = Release(tmp_path / "release.parquet")
    md5 = [hashlib.md5(made.rows[k : k + 10].tobytes()).hexdigest() for k in (0, 10)]
    monkeypatch.setattr(release, "BLOCK", 10)
    monkeypatch.setattr(release, "OFFICIAL_MD5", {"train": tuple(md5)})
    monkeypatch.setattr(cifar10, "VAL_SIZE", 10)
    monkeypatch.setattr(release, "download", lambda file: made.path)
    monkeypatch.setenv("CIFAR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    return made


@pytest.fixture(scope="session")
def test_split():
    return cifar10.load("test")


@pytest.fixture(scope="session")
def annotations():
    """Load what people really said of the test images."""
    return store.annotations()


@pytest.fixture(scope="session")
def test_images():
    """The test images as the app holds them: uint8 (32, 32, 3) each."""
    return store.test_images()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with serving.start(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="session")
def url(server):
    return server.url


@pytest.fixture
def quiet(server):
    """Fail a test during which the server logs a traceback."""
    before = len(server.log)
    yield
    assert "Traceback" not in server.log[before:]


@pytest.fixture(scope="session")
def ask(server):
    """A function that asks the Classify tab's functions."""
    return serving.asking(server, server.http, "classify")


@pytest.fixture(scope="session")
def explore(server):
    """A function that asks the explorer's functions."""
    return serving.asking(server, server.http, "explorer")
