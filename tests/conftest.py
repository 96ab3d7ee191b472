"""In which order tests run, and small synthetic splits and untrained checkpoints, so that most of
them need no dataset."""

import os

# Bit for bit comparisons are a CPU's; set before torch looks for a GPU.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import pytest
import torch
from filelock import FileLock
from xdist.scheduler import LoadFileScheduling

from cifar import checkpoint, data
from cifar.annotations import load_annotations
from cifar.model import create_model
from tests.hub.fixtures import hub, hub_client, on_hub  # noqa: F401

# Bit for bit comparisons need the same number of threads everywhere.
torch.set_num_threads(1)

# The longest units, which begin first: short ones fill up what is left.
LONG = (
    "tests/publish/test_start.py",
    "tests/hostile/test_pictures.py",
    "tests/server/test_load.py",
    "tests/browser",
    "tests/browser/test_site.py",
    "tests/test_train.py",
)
# Nothing runs beside most of it: at the end, nobody is kept waiting for that.
ALONE = "tests/test_bench.py"


def _unit(nodeid):
    """What one worker does as a whole: a file, or those in a browser that share one running app."""
    path = nodeid.split("::")[0]
    folder, _, name = path.rpartition("/")
    return folder if folder == "tests/browser" and name != "test_site.py" else path


class UnitScheduling(LoadFileScheduling):
    def _split_scope(self, nodeid):
        return _unit(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return UnitScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items):
    def place(item):
        unit = _unit(item.nodeid)
        return LONG.index(unit) if unit in LONG else len(LONG) + (unit == ALONE)

    items.sort(key=place)


def _tiny_split(count=64, name="train", seed=0):
    """Images of ten blurred patterns, one a class and the same for every seed, under noise."""
    patterns = torch.rand(10, 3, 4, 4, generator=torch.Generator().manual_seed(99))
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 10
    labels = labels[torch.randperm(count, generator=generator)]
    large = torch.nn.functional.interpolate(patterns, size=(32, 32), mode="bilinear")
    noise = torch.randn(count, 3, 32, 32, generator=generator)
    images = (large[labels] * 200 + 25 + 20 * noise).clamp(0, 255).to(torch.uint8)
    return data.Split(name, images, labels, torch.arange(count), official=False)


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """What is marked as timing runs alone: the other workers finish their tests and wait."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    if workers == 1:
        return (yield)
    # pytest-xdist gives each worker a folder of its own in one of the whole run.
    shared = item.config._tmp_path_factory.getbasetemp().parent
    door = FileLock(shared / "door.lock")
    if item.get_closest_marker("timing"):
        with door:  # nobody begins
            for number in range(workers):
                with FileLock(shared / f"gw{number}.lock"):
                    pass
            return (yield)
    with door:
        at_work = FileLock(shared / f"{os.environ['PYTEST_XDIST_WORKER']}.lock")
        at_work.acquire()
    try:
        return (yield)
    finally:
        at_work.release()


@pytest.fixture(scope="session")
def tiny_split():
    return _tiny_split


@pytest.fixture(scope="session")
def stirred_model():
    return _stirred_model


@pytest.fixture(scope="session")
def write_checkpoint():
    return _write_checkpoint


@pytest.fixture
def make_checkpoint(tmp_path):
    """A function that writes the checkpoint folder of an untrained network and returns its path."""

    def make(network="basenet", seed=0, name="net"):
        return _write_checkpoint(tmp_path / name, _stirred_model(network, seed), network)

    return make


@pytest.fixture(scope="session")
def test_split():
    return data.load("test")


@pytest.fixture(scope="session")
def annotations():
    """What people really said of the test images; their licences keep it out of the repository."""
    return load_annotations()
