"""How long the app takes to its first page, beside a script with an empty one."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cifar.bench.rows import Row, at_most
from cifar.bench.turns import take_turns
from cifar.screenshot import APP, serving

BLOCKS = 20  # starts of each side

EMPTY = """
import gradio as gr
import torch

with gr.Blocks(analytics_enabled=False) as demo:
    pass
demo.launch(run_history=False)
"""


def start_suite(blocks: int = BLOCKS) -> list[Row]:
    """Milliseconds from `python app.py` to the first page that it served."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        sides = starting(APP), starting(empty)
        for side in sides:
            side()  # fills the system's file cache
        ours, reference = take_turns(sides, blocks, "start")
    return [at_most("python app.py to the first page", ours, reference, times=1.35)]


def starting(script: Path) -> Callable[[], float]:
    """A function that starts a script and returns how many milliseconds its page took."""

    def start() -> float:
        began = time.perf_counter()
        with serving(script):
            return 1000 * (time.perf_counter() - began)

    return start
