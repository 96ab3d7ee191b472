"""Compare our speed with a reference in the same run, and check that each bar is held.

    python -m cifar bench train
    python -m cifar bench app --json
    python -m cifar bench explain
    python -m cifar bench explorer
    python -m cifar bench network
    python -m cifar bench load
    python -m cifar bench start --record

A suite is a function that returns rows, each with one figure of ours and of the reference.
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from cifar.bench import app, explain, explorer, load, network, start, train
from cifar.bench.rows import Row, as_json, as_table, held
from cifar.files import replace, write_json
from cifar.models.device import describe
from cifar.report.readme_tables import BENCH, load_reports, refresh_sections, speed_table

__all__ = ["SUITES", "as_json", "as_table", "held", "measure", "record"]

# The function of each suite, and its reference in words.
SUITES: dict[str, tuple[Callable[[], list[Row]], str]] = {
    "train": (train.train_suite, "the loop of a tutorial, in turns"),
    "app": (app.app_suite, "a bare Gradio server that sends as much back"),
    "explain": (explain.explain_suite, "the grad-cam library's plain call"),
    "explorer": (explorer.explorer_suite, "the browser on 60 new plain tiles"),
    "load": (load.load_suite, "the same function in this process, without a server"),
    "network": (network.network_suite, "the bare network on the same images"),
    "start": (start.start_suite, "a script that imports torch and gradio and serves an empty page"),
}


def measure(suite: str) -> dict:
    """Run a suite, and return {"suite", "reference", "hardware", "rows"} in JSON types."""
    run, reference = SUITES[suite]
    rows = [asdict(row) for row in run()]
    # The other suites measure what visitors of the app wait for, which runs on the CPU.
    cuda = suite == "train" and torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    return {"suite": suite, "reference": reference, "hardware": describe(device), "rows": rows}


def record(report: dict, page: Path) -> None:
    """Save a report under assets/, and update the page's table with it.

    Raises LensError if the page has no place for the table or a recorded report is damaged.
    """
    BENCH.mkdir(parents=True, exist_ok=True)
    text = page.read_text(encoding="utf-8")
    write_json(BENCH / f"{report['suite']}.json", report)
    fresh = refresh_sections(text, {"speed": speed_table(load_reports())})
    replace(page, lambda path: path.write_text(fresh, encoding="utf-8"))
