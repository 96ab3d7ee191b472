"""What the children of the tests beside do: train on a tiny split, and die at a chosen moment."""

import errno
import fcntl
import json
import os
import signal
import sys
from pathlib import Path

import torch

import cifar
from cifar import LensError, files
from cifar.data.cifar10 import Split
from cifar.training import loop as training
from cifar.training.recipe import Recipe

PACKAGE = str(Path(cifar.__file__).parent)


def splits(folder: Path):
    """A function in place of `data.load`: every split is the one that `folder` holds."""
    torch.set_num_threads(1)
    images, labels = torch.load(folder / "data.pt")
    return lambda name, source=None: Split(name, images, labels, torch.arange(len(labels)), False)


def go(
    folder: Path, run: Path, recipe: dict, *, die_at=None, while_saving="", locks="", **options
) -> bool:
    """`train`; die_at, while_saving: at which moment to die by SIGKILL, see `die`.

    locks: the name of the error that a file system without locks gives.
    """
    load = splits(folder)
    options |= {"train_split": load("train"), "val_split": load("val"), "progress": False}
    if locks:
        number = getattr(errno, locks)

        def flock(stream, how):
            raise OSError(number, os.strerror(number))

        fcntl.flock = flock
    if die_at is not None:
        training.SAVE_EVERY = -1  # after every step, so that kills find more savings to hit
        die(die_at, run / while_saving if while_saving else None)
    return training.train(Recipe(**recipe), run, **options)


def die(at: int, file: Path | None) -> None:
    """From now on, count the lines of the package that run, and kill this process at line `at`.

    file: count only lines that run while it has its temporary name, those of other packages too.
    """
    count = 0
    partial = file and file.with_name(file.name + ".partial")
    saving = False

    def trace(frame, event, argument):
        nonlocal saving
        if frame.f_code is files.replace.__code__:
            saving = frame.f_locals["path"] == file
        return on_line if saving or frame.f_code.co_filename.startswith(PACKAGE) else None

    def on_line(frame, event, argument):
        nonlocal count, saving
        if event == "line" and (file is None or (saving and partial.exists())):
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
        if event == "return" and frame.f_code is files.replace.__code__:
            saving = False
        return on_line

    sys.settrace(trace)


if __name__ == "__main__":
    folder, run, recipe, options = sys.argv[1:]
    try:
        go(Path(folder), Path(run), json.loads(recipe), **json.loads(options))
    except LensError as error:
        sys.exit(str(error))
