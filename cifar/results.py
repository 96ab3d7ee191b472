"""README's table of results, generated from the checkpoints' own files, and where figures lie."""

from collections.abc import Sequence
from pathlib import Path

from cifar import LensError
from cifar.card import duration, percent
from cifar.checkpoint import Checkpoint

ASSETS = Path(__file__).resolve().parent.parent / "assets"
START, END = "<!-- results -->", "<!-- /results -->"


def figure_path(name: str, kind: str) -> Path:
    """Where a figure of a checkpoint lies; those of `resnet` have no prefix."""
    return ASSETS / (f"{kind}.png" if name == "resnet" else f"{name}-{kind}.png")


def results_table(checkpoints: Sequence[Checkpoint]) -> str:
    """Markdown: a row a checkpoint, then where and how each was measured.

    Raises CheckpointError for one that was not evaluated yet.
    """
    heads = (
        "checkpoint",
        "parameters",
        "multiply-adds",
        "epochs",
        "PFLOP",
        "training time",
        "test accuracy, plain (95% interval)",
        "with the mirrored image",
        "ECE after temperature",
        "official data",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 2) + "|---|"]
    notes = []
    for ckpt in checkpoints:
        measured, training = ckpt.measured(), ckpt.config["training"]
        test, evaluation = measured["test"], measured["evaluation"]
        cells = (
            f"`{ckpt.name}`",
            f"{measured['parameters']:,}",
            f"{measured['multiply_adds'] / 1e6:,.1f} M",
            f"{training['epochs']}",
            f"{training['petaflop']:.3f}",
            duration(training["seconds"]),
            f"**{test['accuracy']['value']:.2%}**{percent(test['accuracy']).partition('%')[2]}",
            f"{test['mirrored']['value']:.2%}",
            f"{test['ece_calibrated']:.2%}",
            "yes" if measured["official"] and training["official"] else "no",
        )
        lines.append(f"| {' | '.join(cells)} |")
        notes.append(
            f"- `{ckpt.name}`: trained on {training['hardware']} (torch {training['torch']}) over "
            f"{training['images']:,} images; n = {test['accuracy']['n']:,} test images, by "
            f"`{evaluation['command']}` on {evaluation['hardware']}."
        )
    return "\n".join([*lines, "", *notes])


def refresh_readme(text: str, table: str) -> str:
    """README's text with `table` between its two markers. Raises LensError if they are not there"""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise LensError(f"README.md has no place for the results: put {START} and {END} into it.")
    return f"{before}{START}\n{table}\n{END}{after}"
