"""Measures us against a reference in the same run, and says whether the bar was held.

    python -m cifar bench train
    python -m cifar bench app --json
    python -m cifar bench explain

A suite is a function that returns rows; each row is one figure of ours beside the reference's.
"""

from collections.abc import Callable
from dataclasses import asdict

import torch

from cifar.bench import app, explain, train
from cifar.bench.rows import Row, as_json, as_table, held
from cifar.device import describe

__all__ = ["SUITES", "as_json", "as_table", "held", "measure"]

SUITES: dict[str, Callable[[], list[Row]]] = {
    "train": train.train_suite,
    "app": app.app_suite,
    "explain": explain.explain_suite,
}


def measure(suite: str) -> dict:
    """Run a suite: {"suite", "hardware", "rows"}, as plain values that JSON can hold."""
    rows = [asdict(row) for row in SUITES[suite]()]
    # The others measure what visitors of the app wait for, which runs on the processor.
    cuda = suite == "train" and torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    return {"suite": suite, "hardware": describe(device), "rows": rows}
