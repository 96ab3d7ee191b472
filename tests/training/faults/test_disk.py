"""A disk that is full: one sentence, and what was there before stays as it was.

Writing to /dev/full gives what a full disk gives. A limit on the size of files gives its like, and
stops a write in the middle.
"""

import json
from dataclasses import asdict

import pytest
import torch

from tests.busy import BUSY

pytestmark = pytest.mark.slow

LIMITED = """
import resource, runpy, sys

resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))
sys.argv = {arguments}
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def content(folder):
    """Every file below a folder; the lock is nobody's content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def sentence(done):
    """What a training that failed, maybe after some epochs, said of it."""
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done
    return done.stderr.strip()


def fill(path):
    """The next time that this file is written, the disk is full."""
    path.with_name(path.name + ".partial").symlink_to("/dev/full")


@pytest.fixture
def limited(children, tmp_path):
    """A function that runs a module in a process whose files may have so many bytes."""

    def run(size, *arguments):
        code = LIMITED.format(size=size, arguments=[str(one) for one in arguments])
        return children.run("-c", code, cwd=tmp_path)

    return run


@pytest.mark.parametrize("name", ["state.pt", "history.jsonl"])
def test_the_last_good_state_is_kept(start, tmp_path, name):
    run = tmp_path / "run"
    assert start(run, stop_at_step=9).wait().returncode == 0
    before = content(run)
    fill(run / name)
    assert sentence(start(run, resume=True).wait()) == (
        f"{run} cannot be written to (No space left on device): see to its disk, then go on with "
        "--resume: what was saved before is kept."
    )
    after = content(run)
    assert after.keys() == before.keys() and after["state.pt"] == before["state.pt"]
    done = start(run, resume=True, stop_at_step=12).wait()
    assert done.returncode == 0 and torch.load(run / "state.pt")["step"] == 12


def test_a_new_run_for_which_there_is_no_room_says_so(start, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    fill(run / "recipe.json")
    assert sentence(start(run).wait()) == (
        f"{run} cannot be written to (No space left on device): see to its disk, or choose another "
        "--run."
    )
    assert content(run) == {}
    assert start(run, stop_at_step=1).wait().returncode == 0


def test_the_last_good_checkpoint_is_kept(start, limited, tmp_path):
    run = tmp_path / "run"
    assert start(run, {"epochs": 1}).wait().returncode == 0
    before = content(run)
    fill(run / "checkpoint" / "config.json")
    done = start(run, {"epochs": 1}, resume=True).wait()
    assert "No space left on device" in sentence(done)
    assert content(run) == before
    # The weights, which another library writes, take 100 kB.
    recipe = json.dumps(asdict(BUSY) | {"epochs": 1})
    arguments = (
        "tests.training.faults.training",
        tmp_path,
        run,
        recipe,
        json.dumps({"resume": True}),
    )
    assert "File too large" in sentence(limited(50_000, *arguments))
    assert content(run) == before
