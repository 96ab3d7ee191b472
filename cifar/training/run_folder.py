"""The folder of a run: whose it is, the state to go on from, and wishes to stop.

`recipe.json` says which run it is, `history.jsonl` holds a line an epoch, `state.pt` all that
resuming needs, `checkpoint/` the finished network. `lock` is locked while a training works there.
"""

import dataclasses
import json
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from cifar import LensError, files
from cifar.training.distributed import once
from cifar.training.recipe import Recipe


class TrainingError(LensError):
    """The run cannot start or go on; the message says why and what to do."""


@contextmanager
def claimed(recipe: Recipe, run: Path, resume: bool) -> Iterator[None]:
    """Within the block the run folder is this recipe's and this training's alone.

    The first of several processes holds the lock for all. The system takes it from a process that
    dies, however it dies; file systems without such locks get filelock's own kind, a file with the
    process's number in it. Raises TrainingError if the folder is another's.
    """
    lock = FileLock(run / "lock")
    try:
        once(lambda: _claim(recipe, run, resume, lock))
        yield
    finally:
        lock.release()


def _claim(recipe: Recipe, run: Path, resume: bool, lock: FileLock) -> None:
    recipe_path, state_path = run / "recipe.json", run / "state.pt"
    if resume and not state_path.exists():
        raise TrainingError(f"There is nothing to resume in {run}: leave out --resume.")
    with writing(run):
        run.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise TrainingError(
                f"Another process is training in {run}: wait for its end, or choose another --run."
            ) from None
    wanted = json.loads(json.dumps(dataclasses.asdict(recipe)))
    if not resume:
        if state_path.exists():
            raise TrainingError(
                f"{run} already holds a run: continue it with --resume, or choose another --run."
            )
        with writing(run):
            files.write_json(recipe_path, wanted)
        return
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


@contextmanager
def writing(run: Path) -> Iterator[None]:
    """A disk that is full or cannot be written to within the block becomes a TrainingError."""
    try:
        yield
    except OSError as error:
        saved = (run / "state.pt").exists()
        resume = "then go on with --resume: what was saved before is kept"
        raise TrainingError(
            f"{run} cannot be written to ({error.strerror or error}): see to its "
            f"disk, {resume if saved else 'or choose another --run'}."
        ) from error


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
