"""The folder of a run: its lock, its saved state, and requests to stop.

`recipe.json` identifies the run, `history.jsonl` holds a line per epoch, `state.pt` the state to
resume from, `checkpoint/` the finished network. `lock` is locked while a process trains there.
"""

import dataclasses
import json
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
from filelock import FileLock, Timeout

from cifar import LensError, files
from cifar.training.distributed import on_first_process
from cifar.training.recipe import Recipe


class TrainingError(LensError):
    """A run that cannot start or continue; the message says why and what to do."""


@contextmanager
def lock_folder(recipe: Recipe, run: Path, resume: bool) -> Iterator[None]:
    """Lock the run folder within the block, after checking that it belongs to this recipe.

    The first of several processes holds the lock for all. The system releases it when that process
    dies. On file systems without locks, filelock uses a file that holds the process's id. Raises
    TrainingError if another process trains in the folder or if it holds another run.
    """
    lock = FileLock(run / "lock")
    try:
        on_first_process(lambda: _claim(recipe, run, resume, lock))
        yield
    finally:
        lock.release()


def _claim(recipe: Recipe, run: Path, resume: bool, lock: FileLock) -> None:
    recipe_path, state_path = run / "recipe.json", run / "state.pt"
    if resume and not state_path.exists():
        raise TrainingError(f"There is nothing to resume in {run}: leave out --resume.")
    with reporting_disk_errors(run):
        run.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise TrainingError(
                f"Another process is training in {run}: wait for its end, or choose another --run."
            ) from None
    given = json.loads(json.dumps(dataclasses.asdict(recipe)))
    if not resume:
        if state_path.exists():
            raise TrainingError(
                f"{run} already holds a run: continue it with --resume, or choose another --run."
            )
        with reporting_disk_errors(run):
            files.write_json(recipe_path, given)
        return
    try:
        stored = files.read_json(recipe_path)
    except files.FileError as error:
        raise TrainingError(f"{str(error)[:-1]}: start anew in another --run.") from error
    different = [key for key in given if given[key] != stored.get(key)]
    if different:
        raise TrainingError(
            f"{run} was started with another recipe ({', '.join(different)} differ): give the same "
            "options as at its start, or choose another --run."
        )


@contextmanager
def reporting_disk_errors(run: Path) -> Iterator[None]:
    """Raise a TrainingError if the disk is full or not writable within the block."""
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
    """Read what `Training.save` wrote, with tensors on the CPU.

    Raises TrainingError if the file is damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"{path} is damaged and cannot be resumed ({error}): start anew in another --run."
        ) from error


class _StopRequest:
    requested = False


@contextmanager
def stop_requests() -> Iterator[_StopRequest]:
    """Turn Ctrl-C and SIGTERM within the block into a request to stop after the current step."""
    stop = _StopRequest()

    def request(signum: int, frame: FrameType | None) -> None:
        stop.requested = True

    before = {s: signal.signal(s, request) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
