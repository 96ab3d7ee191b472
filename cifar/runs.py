"""The folder of a run: whose it is, the state to go on from, and wishes to stop.

`recipe.json` says which run it is, `history.jsonl` holds a line an epoch, `state.pt` all that
resuming needs, `checkpoint/` the finished network.
"""

import dataclasses
import json
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from cifar import LensError, checkpoint
from cifar.recipe import Recipe


class TrainingError(LensError):
    """The run cannot start or go on; the message says why and what to do."""


def claim(recipe: Recipe, run: Path, resume: bool) -> None:
    """Make the run folder this recipe's, or refuse."""
    recipe_path, state_path = run / "recipe.json", run / "state.pt"
    wanted = json.loads(json.dumps(dataclasses.asdict(recipe)))
    if not resume:
        if state_path.exists():
            raise TrainingError(
                f"{run} already holds a run: continue it with --resume, or choose another --run."
            )
        run.mkdir(parents=True, exist_ok=True)
        checkpoint.write_json(recipe_path, wanted)
        return
    if not state_path.exists():
        raise TrainingError(f"There is nothing to resume in {run}: leave out --resume.")
    try:
        stored = json.loads(recipe_path.read_text())
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{recipe_path} cannot be read ({error}): start anew in another --run."
        ) from error
    different = [key for key in wanted if wanted[key] != stored.get(key)]
    if different:
        raise TrainingError(
            f"{run} was started with another recipe ({', '.join(different)} differ): give the same "
            "options as at its start, or choose another --run."
        )


def read_state(path: Path) -> dict:
    """What `Training.save` wrote, on the CPU."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"{path} is damaged and cannot be resumed ({error}): start anew in another --run."
        ) from error


class _Stop:
    requested = False


@contextmanager
def stop_requests() -> Iterator[_Stop]:
    """Within the block, Ctrl-C and SIGTERM ask for a stop after the current step."""
    stop = _Stop()

    def ask(signum, frame):
        stop.requested = True

    before = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
