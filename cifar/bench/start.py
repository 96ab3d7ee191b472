"""Time the app to its first page, and the command line to its help."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cifar.bench.rows import Row, at_most, within
from cifar.bench.turns import in_turns, take_turns
from cifar.report.screenshot import APP, serving

BLOCKS = 20  # starts of each side

EMPTY = """
import gradio as gr
import torch

with gr.Blocks(analytics_enabled=False) as demo:
    pass
demo.launch(run_history=False)
"""


def start_suite(blocks: int = BLOCKS) -> list[Row]:
    """Milliseconds from `python app.py` to the first page that it served, and of `--help`."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        sides = starting(APP), starting(empty)
        for side in sides:
            side()  # fills the system's file cache
        page = take_turns(*sides, blocks, "start")
    python = [sys.executable]
    told = in_turns(
        running([*python, "-m", "cifar", "--help"]), running([*python, "-c", ""]), "help", blocks
    )
    return [
        at_most("python app.py to the first page", *page, times=1.35),
        within("python -m cifar --help", *told, at_most=1000),
    ]


def running(command: list[str]) -> Callable[[], object]:
    """A function that runs a command in the project's folder, without its output."""
    return partial(subprocess.run, command, cwd=APP.parent, capture_output=True, check=True)


def starting(script: Path) -> Callable[[], float]:
    """A function that starts a script and returns how many milliseconds its page took."""

    def start() -> float:
        began = time.perf_counter()
        with serving(script):
            return 1000 * (time.perf_counter() - began)

    return start
