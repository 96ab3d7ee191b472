"""What README says of checkpoints and speed, generated from what was measured, and where that and
the figures lie."""

import json
from collections.abc import Sequence

from cifar import ASSETS, LensError
from cifar.explain.methods import METHODS
from cifar.models.checkpoint import Checkpoint
from cifar.models.errors import CheckpointError
from cifar.models.facts import find_layer
from cifar.models.model_card import duration, interval, percent

README = ASSETS.parent / "README.md"
BENCH = ASSETS / "bench"  # reports of `python -m cifar bench`, a file a suite


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


def heat_map_notes(checkpoints: Sequence[Checkpoint]) -> str:
    """Markdown: which heat map each checkpoint's scores chose, and what it is better than.

    Raises CheckpointError for a checkpoint whose heat maps were not scored yet.
    """
    return "\n".join(_heat_map_note(ckpt) for ckpt in checkpoints)


def _heat_map_note(ckpt: Checkpoint) -> str:
    measured = ckpt.measured().get("explain")
    if measured is None:
        raise CheckpointError(
            f"The heat maps of {ckpt.name} were not scored yet: run "
            f"`python -m cifar evaluate {ckpt.name} --explain`."
        )

    def said(row: dict) -> str:
        where = f" at {find_layer(ckpt.layers, row['layer']).title}" if row["layer"] else ""
        return f"{METHODS[row['method']].title}{where}: {interval(row['road'])}"

    default = measured["default"]
    ranked = sorted(measured["rows"], key=lambda row: -row["road"]["mean"])
    shown = next(row for row in ranked if [row["method"], [row["layer"]]] == [*default.values()])
    fast = [row for row in ranked if not METHODS[row["method"]].slow and row != shown]
    return (
        f"- `{ckpt.name}`: **{said(shown)}**. Next best is {said(fast[0])}, worst "
        f"{said(fast[-1])}; random maps: {interval(measured['random']['road'])}. "
        f"n = {shown['n']:,} test images, by "
        f"`{measured['command']}` on {measured['hardware']}; all rows are in "
        f"[its card](checkpoints/{ckpt.name}/README.md#heat-maps)."
    )


def refresh_readme(text: str, sections: dict[str, str]) -> str:
    """README's text with each section between the two markers of its name, `<!-- NAME -->` and
    `<!-- /NAME -->`. Raises LensError if they are not there."""
    for name, content in sections.items():
        first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, start, rest = text.partition(first)
        _, end, after = rest.partition(last)
        if not start or not end:
            raise LensError(
                f"README.md has no place for the {name}: put {first} and {last} into it."
            )
        text = f"{before}{first}\n{content}\n{last}{after}"
    return text


def speed_table(reports: Sequence[dict]) -> str:
    """Markdown: a row for each bar of the reports, then where and how each was measured.

    reports: of `cifar.bench.measure`.
    """
    heads = ("what", "ours", "reference", "unit", "ratio", "bar", "held", "n")
    lines = [f"| {' | '.join(heads)} |", "|---|---:|---:|---|---:|---|---|---:|"]
    notes = []
    for report in reports:
        for row in filter(lambda row: row["bound"], report["rows"]):
            cells = [row[key] for key in ("row", "ours", "reference", "unit")]
            held = "yes" if row["ok"] else "**no**"
            cells += [f"{row['ratio']:.2f}", row["bound"], held, row["n"]]
            lines.append(f"| {' | '.join(map(str, cells))} |")
        others = [row["ratio"] for row in report["rows"] if not row["bound"]]
        notes.append(
            f"- {report['suite']}: beside {report['reference']}; by "
            f"`python -m cifar bench {report['suite']}` on {report['hardware']}."
            + (
                f" Its rows without a bar, {len(others)} with ratios of {min(others):.2f} to "
                f"{max(others):.2f}, are in `assets/bench/{report['suite']}.json`."
                if others
                else ""
            )
        )
    return "\n".join([*lines, "", *notes])


def reports() -> list[dict]:
    """What was recorded of each suite, in the order of their names. Raises LensError."""
    found = []
    for path in sorted(BENCH.glob("*.json")):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise LensError(f"{path} is not a report: run the suite with --record.") from error
    return found


def readme_sections(checkpoints: Sequence[Checkpoint]) -> dict[str, str]:
    """What README says of the checkpoints and of speed, by the name of the section."""
    return {
        "results": results_table(checkpoints),
        "heat maps": heat_map_notes(checkpoints),
        "speed": speed_table(reports()),
    }
