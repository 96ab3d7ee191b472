import json
from dataclasses import asdict

import pytest
import torch

from cifar.recipe import Recipe
from tests.faults.children import Children

# Everything that has a state or draws random numbers is on, as in test_train.
BUSY = Recipe(
    network="basenet",
    epochs=20,
    batch_size=16,
    sizes=(16, 32),
    lr=0.1,
    muon_lr=0.02,
    lookahead_every=3,
    shift=2,
    cutout=8,
    flip=True,
    skip_easy=0.5,
)


@pytest.fixture(scope="session")
def children():
    with Children() as found:
        yield found


@pytest.fixture
def start(children, tiny_split, tmp_path):
    """A function that starts to train in a folder, in a process of its own; gives a `Child`.

    options: those of `tests.faults.training.go`. recipe: what differs from BUSY.
    """
    split = tiny_split(64)
    torch.save((split.images, split.labels), tmp_path / "data.pt")

    def begin(run, recipe=None, **options):
        wanted = json.dumps(asdict(BUSY) | (recipe or {}))
        arguments = (tmp_path, run, wanted, json.dumps(options))
        return children.start("-m", "tests.faults.training", *arguments, cwd=tmp_path)

    return begin
