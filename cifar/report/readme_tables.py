"""README's tables of checkpoints and speed, generated from measured results."""

from collections.abc import Iterable, Sequence

from cifar import ASSETS, PROJECT, LensError
from cifar.explain.methods import METHODS
from cifar.files import FileError, read_json
from cifar.models.checkpoint import Checkpoint
from cifar.models.errors import CheckpointError
from cifar.models.facts import find_layer
from cifar.models.model_card import duration, estimate, interval, percent

README = PROJECT / "README.md"
SPEED = PROJECT / "docs" / "speed.md"
API = PROJECT / "docs" / "api.md"
BENCH = ASSETS / "bench"  # reports of `python -m cifar bench`, a file per suite


def results_table(checkpoints: Sequence[Checkpoint]) -> str:
    """Write Markdown: a table with a row per checkpoint, then how each was measured.

    Raises CheckpointError for a checkpoint that was not evaluated yet.
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
        "without near-duplicates",
        "ECE after temperature",
        "official data",
    )
    lines = [_table_row(heads), "|---" + "|---:" * (len(heads) - 2) + "|---|"]
    notes = []
    for ckpt in checkpoints:
        measured, training = ckpt.measured, ckpt.training
        test, evaluation = measured["test"], measured["evaluation"]
        operations = measured["multiply_adds"]  # unknown of an ONNX file
        cells = (
            f"`{ckpt.name}`",
            f"{measured['parameters']:,}",
            "" if operations is None else f"{operations / 1e6:,.1f} M",
            *_effort(training),
            f"**{test['accuracy']['value']:.2%}**{percent(test['accuracy']).partition('%')[2]}",
            f"{test['mirrored']['value']:.2%}",
            _without_near_duplicates(measured),
            f"{test['ece_calibrated']:.2%}",
            "yes" if measured["official"] and (not training or training["official"]) else "no",
        )
        lines.append(_table_row(cells))
        origin = f"brought from `{ckpt.config.get('source')}`"
        if training:
            origin = (
                f"trained on {training['hardware']} (torch {training['torch']}) over "
                f"{training['images']:,} images"
            )
        notes.append(
            f"- `{ckpt.name}`: {origin}; n = {test['accuracy']['n']:,} test images, by "
            f"`{evaluation['command']}` on {evaluation['hardware']}."
        )
    return "\n".join([*lines, "", *notes])


def _effort(training: dict | None) -> tuple[str, str, str]:
    """Return epochs, PFLOP and time of a training; nothing of a brought network's."""
    if training is None:
        return "", "", ""
    seconds = duration(training["seconds"])
    return f"{training['epochs']}", f"{training['petaflop']:.3f}", seconds


def _without_near_duplicates(measured: dict) -> str:
    found = measured.get("near_duplicates")
    return f"{found['accuracy_without']['value']:.2%}" if found else ""


def photographs_table(checkpoints: Sequence[Checkpoint]) -> str:
    """Write Markdown: a table of what was measured on photographs, then how.

    Raises CheckpointError for a checkpoint that was not measured on photographs yet.
    """
    heads = (
        "photographs, as the app looks at them",
        "right (95% interval)",
        "mean confidence",
        "other things over 90% confidence",
        "found *unlike CIFAR-10*",
        "area under the ROC curve",
    )
    lines = [_table_row(heads), "|---" + "|---:" * (len(heads) - 1) + "|"]
    notes = []
    for ckpt in checkpoints:
        found = ckpt.measured.get("photographs")
        if found is None:
            raise CheckpointError(
                f"{ckpt.name} was not measured on photographs yet: run "
                f"`python -m cifar evaluate {ckpt.name} --photos FOLDER`."
            )
        looks = found["views"]["looks"]
        cells = (
            f"`{ckpt.name}`",
            f"**{looks['accuracy']['value']:.1%}**{percent(looks['accuracy']).partition('%')[2]}",
            f"{looks['confidence']:.1%}",
            percent(looks["confident_others"]),
            percent(looks["detected"]),
            estimate(looks["auroc"]),
        )
        lines.append(_table_row(cells))
        notes.append(
            f"- `{ckpt.name}`: n = {looks['accuracy']['n']} photographs of the ten classes and "
            f"{found['others']} of other things, {found['source']}; by `{found['command']}` on "
            f"{found['hardware']}. What is found, and the area, are of {looks['detected']['n']} "
            f"other things, at {percent(looks['false_alarms'])} false alarms among "
            f"{looks['false_alarms']['n']} of the ten classes."
        )
    return "\n".join([*lines, "", *notes])


def heat_map_notes(checkpoints: Sequence[Checkpoint]) -> str:
    """Write Markdown: each checkpoint's default heat map, and the ones that it is better than.

    Raises CheckpointError for a checkpoint whose heat maps were not scored yet.
    """
    return "\n".join(_heat_map_note(ckpt) for ckpt in checkpoints)


def _heat_map_note(ckpt: Checkpoint) -> str:
    scores = ckpt.measured.get("explain")
    if scores is None:
        raise CheckpointError(
            f"The heat maps of {ckpt.name} were not scored yet: run "
            f"`python -m cifar evaluate {ckpt.name} --explain`."
        )
    default = scores["default"]
    best_first = sorted(scores["rows"], key=lambda row: -row["road"]["mean"])
    shown = next(
        row
        for row in best_first
        if row["method"] == default["method"] and [row["layer"]] == default["layers"]
    )
    others = [row for row in best_first if row != shown and not METHODS[row["method"]].slow]
    next_best, worst = others[0], others[-1]

    def describe(row: dict) -> str:
        where = f" at {find_layer(ckpt.layers, row['layer']).title}" if row["layer"] else ""
        return f"{METHODS[row['method']].title}{where}: {interval(row['road'])}"

    return (
        f"- `{ckpt.name}`: **{describe(shown)}**. Next best is {describe(next_best)}, worst "
        f"{describe(worst)}; random maps: {interval(scores['random']['road'])}. "
        f"n = {shown['n']:,} test images, by `{scores['command']}` on {scores['hardware']}; "
        f"all rows are in [its card](checkpoints/{ckpt.name}/README.md#heat-maps)."
    )


def refresh_sections(text: str, sections: dict[str, str]) -> str:
    """Return a page's text with new content between the two markers of each section.

    The markers are `<!-- NAME -->` and `<!-- /NAME -->`. Raises LensError if they are missing.
    """
    for name, content in sections.items():
        first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, start, rest = text.partition(first)
        _, end, after = rest.partition(last)
        if not start or not end:
            raise LensError(
                f"The page has no place for the {name}: put {first} and {last} into it."
            )
        text = f"{before}{first}\n{content}\n{last}{after}"
    return text


def speed_table(reports: Sequence[dict]) -> str:
    """Write Markdown: a table with a row per bar of the reports, then how each was measured.

    reports: as `cifar.bench.suites.measure` returns them.
    """
    heads = ("what", "ours", "reference", "unit", "ratio", "bar", "held", "n")
    lines = [_table_row(heads), "|---|---:|---:|---|---:|---|---|---:|"]
    for report in reports:
        lines += [_speed_row(row) for row in report["rows"] if row["bound"]]
    return "\n".join([*lines, "", *map(_speed_note, reports)])


def _speed_row(row: dict) -> str:
    cells = (
        row["row"],
        row["ours"],
        row["reference"],
        row["unit"],
        f"{row['ratio']:.2f}",
        row["bound"],
        "yes" if row["ok"] else "**no**",
        row["n"],
    )
    return _table_row(cells)


def _speed_note(report: dict) -> str:
    """Write how a report was measured, and the range of its ratios without a bar."""
    suite = report["suite"]
    note = (
        f"- {suite}: beside {report['reference']}; by `python -m cifar bench {suite}` on "
        f"{report['hardware']}."
    )
    ratios = [row["ratio"] for row in report["rows"] if not row["bound"]]
    if ratios:
        note += (
            f" Its rows without a bar, {len(ratios)} with ratios of {min(ratios):.2f} to "
            f"{max(ratios):.2f}, are in `assets/bench/{suite}.json`."
        )
    return note


def _table_row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def load_reports() -> list[dict]:
    """Read the recorded report of each suite, in the order of their names.

    Raises LensError if a file is damaged.
    """
    reports = []
    for path in sorted(BENCH.glob("*.json")):
        try:
            reports.append(read_json(path))
        except FileError as error:
            raise LensError(f"{path} is not a report: run the suite with --record.") from error
    return reports


def readme_sections(checkpoints: Sequence[Checkpoint]) -> dict[str, str]:
    """Write README's sections on checkpoints, by the name of the section."""
    return {
        "results": results_table(checkpoints),
        "photographs": photographs_table(checkpoints),
        "heat maps": heat_map_notes(checkpoints),
    }
