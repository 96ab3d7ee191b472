"""Trainings that are killed at any moment, and go on as if nothing had happened."""

import json
import os
import random
import signal

import pytest
import torch

RNG = random.Random(2009)
# After how many lines to kill it: of all that run, or of those that run while a file is saved.
TRAINING = [
    *((RNG.randrange(1, 2000), "") for _ in range(3)),
    *((RNG.randrange(1, 2000), "state.pt") for _ in range(2)),
    *((RNG.randrange(1, 8), "history.jsonl") for _ in range(1)),
]
RNG.shuffle(TRAINING)
EXPORT = [
    (RNG.randrange(1, 3), f"checkpoint/{name}") for name in ("model.safetensors", "config.json")
]


def content(run):
    """All that a run has come to, without the times that it took."""
    state = torch.load(run / "state.pt", weights_only=True)
    state["tally"].pop("seconds")
    config = json.loads((run / "checkpoint" / "config.json").read_text())
    config["training"].pop("seconds")
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    for line in (*lines, *state["history"]):
        del line["seconds"], line["images_per_second"]
    found = {f"state {name}": bits(value) for name, value in flat(state).items()}
    return found | {
        "recipe": (run / "recipe.json").read_text(),
        "history": lines,
        "config": config,
        "weights": (run / "checkpoint" / "model.safetensors").read_bytes(),
        "files": sorted(path.relative_to(run).as_posix() for path in run.rglob("*")),
    }


def flat(value, name=""):
    """The leaves of nested dicts and lists by their place."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return {name: value}
    return {k: v for key, inner in items for k, v in flat(inner, f"{name}.{key}").items()}


def bits(value):
    return value.numpy().tobytes() if isinstance(value, torch.Tensor) else value


def die(start, run, at, file):
    """Go on with a run, or begin it, and be killed."""
    done = start(run, resume=(run / "state.pt").exists(), die_at=at, while_saving=file).wait()
    assert done.returncode == -signal.SIGKILL and done.stderr == "", done
    if file:
        assert (run / f"{file}.partial").exists()
    for path in run.rglob("*.partial"):  # of what was being written, any part may have arrived
        os.truncate(path, path.stat().st_size // 2)


@pytest.mark.slow
def test_a_run_killed_at_8_moments_ends_where_an_undisturbed_one_does(start, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    assert len(TRAINING + EXPORT) == 8
    for at, file in TRAINING:
        die(start, killed, at, file)
    assert not (killed / "checkpoint").exists()
    assert start(killed, resume=True).wait().returncode == 0
    for at, file in EXPORT:
        die(start, killed, at, file)
    assert start(killed, resume=True).wait().returncode == 0
    assert start(whole).wait().returncode == 0
    ours, theirs = content(killed), content(whole)
    assert ours.keys() == theirs.keys()
    assert [name for name in theirs if ours[name] != theirs[name]] == []
