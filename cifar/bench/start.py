"""Time the app to its first page and first answer, and the command line to its help."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx

from cifar.bench.client import component_function
from cifar.bench.rows import Row, relative_cost, total_time
from cifar.bench.turns import take_turns, time_in_turns
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
    """Measure the milliseconds to the first page, to the first answer, and of `--help`.

    The first answer is that to a question for a test image with both heat maps.
    """
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        page, bare, answer = page_timer(APP), page_timer(empty), answer_timer()
        for start in (page, bare):
            start()  # fills the system's file cache
        pages = take_turns(page, bare, blocks, "first page")
        answers = take_turns(answer, bare, blocks, "first answer")
    python = [sys.executable]
    help_text = time_in_turns(
        command_runner([*python, "-m", "cifar", "--help"]),
        command_runner([*python, "-c", ""]),
        "help",
        blocks,
    )
    return [
        relative_cost("python app.py to the first page", *pages, at_most=0.8),
        relative_cost("python app.py to the first answer, resnet", *answers, at_most=1.5),
        total_time("python -m cifar --help", *help_text, at_most=1000),
    ]


def command_runner(command: list[str]) -> Callable[[], object]:
    """Return a function that runs a command in the project's folder and hides its output."""
    return partial(subprocess.run, command, cwd=APP.parent, capture_output=True, check=True)


def page_timer(script: Path) -> Callable[[], float]:
    """Return a function that starts a script and returns the milliseconds to its first page."""

    def start() -> float:
        began = time.perf_counter()
        with serving(script):
            return 1000 * (time.perf_counter() - began)

    return start


def answer_timer() -> Callable[[], float]:
    """Return a function that starts the app and returns the milliseconds to its first answer."""

    def start() -> float:
        began = time.perf_counter()
        with serving(APP) as url, httpx.Client(timeout=120) as client:
            ask = component_function(client, url, "explorer", "look")
            ask({"model": "resnet", "image": {"index": 0}})
            return 1000 * (time.perf_counter() - began)

    return start
