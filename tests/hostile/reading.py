"""Reads pictures as the app does, and tells what came of each, what it cost, and nothing else.

    python -m tests.hostile.reading FOLDER          the files in it, in alphabetical order
    python -m tests.hostile.reading --fuzz COUNT    so many of `fuzz.altered`

A process of its own: under a wall of memory that no picture may break down, and killed by nothing
but itself. Tells in JSON, a line each.
"""

import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cifar import LensError
from cifar.images import network_view, open_image
from tests.hostile.fuzz import altered

WALL = 1 << 30  # bytes of address space beyond what the process has at the start
SEED = 10


def memory(name: str) -> int:
    """What /proc tells of this process, in bytes."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{name}:\s+(\d+)", status)[1])


def quarters(view: np.ndarray) -> list[list[int]]:
    """The mean colours of the quarters of what a network sees, without their edges."""
    parts = (view[top : top + 12, left : left + 12] for top in (2, 18) for left in (2, 18))
    return [np.rint(part.mean((0, 1))).astype(int).tolist() for part in parts]


def read(path: Path) -> dict:
    worked, began = time.process_time(), time.monotonic()
    try:
        told = {"shows": quarters(network_view(open_image(path)))}
    except LensError as error:
        told = {"says": str(error)}
    except Exception as error:
        told = {"raised": repr(error)}
    return told | {"seconds": time.process_time() - worked, "waited": time.monotonic() - began}


def files(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.iterdir())


def fuzzed(count: int, path: Path) -> Iterator[Path]:
    for content in altered(count, SEED):
        path.write_bytes(content)
        yield path


def main() -> None:
    start = memory("VmRSS")
    resource.setrlimit(resource.RLIMIT_AS, (memory("VmSize") + WALL,) * 2)
    with tempfile.TemporaryDirectory() as folder:
        fuzz = sys.argv[1] == "--fuzz"
        found = fuzzed(int(sys.argv[2]), Path(folder, "a")) if fuzz else files(Path(sys.argv[1]))
        for path in found:
            told = read(path)
            # The most so far, so that the first to need too much is told from those after it.
            print(json.dumps(told | {"file": path.name, "memory": memory("VmHWM") - start}))


if __name__ == "__main__":
    main()
