"""Two trainings in one folder: the second refuses, until the first is over, however it ended.

That several processes of one training do not refuse each other is what test_parallel rests on.
"""

import time

import pytest
import torch

pytestmark = pytest.mark.slow

ENDLESS = {"epochs": 100_000}


def wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"there is no {path}"
        time.sleep(0.01)


def goes_on(start, run, **options):
    """Whether a run can be resumed."""
    step = torch.load(run / "state.pt")["step"] + 2
    done = start(run, ENDLESS, resume=True, stop_at_step=step, **options).wait()
    return f"Stopped after step {step};" in done.stdout and done.returncode == 0


def test_a_second_training_is_refused_until_the_first_is_killed(children, start, tmp_path):
    run = tmp_path / "run"
    refusal = f"Another process is training in {run}: wait for its end, or choose another --run."

    def train(*options):
        """The command line, which refuses before it finds that ten images are too few."""
        command = ("-m", "cifar", "train", "basenet", "--images", "10", "--run", run, *options)
        return children.run(*command, cwd=tmp_path)

    first = start(run, ENDLESS)
    wait_for(run / "recipe.json")  # before its first state, nothing else tells of it
    recipe = (run / "recipe.json").read_bytes()
    assert train().error == refusal
    wait_for(run / "state.pt")
    assert train("--resume").error == refusal
    assert first.kill().returncode == -9
    assert (run / "recipe.json").read_bytes() == recipe
    assert goes_on(start, run)


def test_where_the_file_system_has_no_locks_a_file_stands_in(start, tmp_path):
    run = tmp_path / "run"
    first = start(run, ENDLESS, locks="ENOSYS")
    wait_for(run / "state.pt")
    second = start(run, {"epochs": 1}, resume=True, locks="ENOSYS").wait()
    assert second.returncode == 1 and "Another process is training in" in second.stderr
    first.kill()
    assert goes_on(start, run, locks="ENOSYS")
    assert not (run / "lock").exists()


def test_where_locks_cannot_be_had_it_says_so(start, tmp_path):
    run = tmp_path / "run"
    done = start(run, locks="ENOLCK").wait()
    assert done.error.startswith(f"{run} cannot be written to (No locks available): see to")
    assert not (run / "recipe.json").exists()
