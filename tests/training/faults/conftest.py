import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from tests.busy import BUSY
from tests.forks import Parent

LONG = replace(BUSY, epochs=6)  # long enough to be killed


@pytest.fixture(scope="session")
def children():
    """The `Parent` of trainings and evaluations that can be killed."""
    with Parent(Path(__file__).with_name("trainer.py")) as found:
        yield found


@pytest.fixture
def start(children, tiny_split, tmp_path):
    """A function that starts to train in a folder, in a process of its own; gives a `Child`.

    options: those of `tests.training.faults.training.go`. recipe: what differs from LONG.
    """
    split = tiny_split(64)
    torch.save((split.images, split.labels), tmp_path / "data.pt")

    def begin(run, recipe=None, **options):
        wanted = json.dumps(asdict(LONG) | (recipe or {}))
        arguments = (tmp_path, run, wanted, json.dumps(options))
        return children.start("-m", "tests.training.faults.training", *arguments, cwd=tmp_path)

    return begin
