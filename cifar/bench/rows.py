"""The rows of a benchmark report: our figure, the reference's, and a bar to hold."""

import json
from dataclasses import dataclass, replace
from statistics import median


@dataclass(frozen=True)
class Row:
    """One figure of ours and of the reference, both in `unit`, each a median of `n` timed blocks.

    ratio: our rate over the reference's; for times and memory, our cost over the reference's.
    bound: the bar in words, empty without one. ok: whether the bar is held; true without one.
    """

    row: str
    ours: float
    reference: float
    ratio: float
    unit: str
    n: int
    bound: str
    ok: bool


def throughput(
    row: str,
    ours: list[float],
    reference: list[float],
    at_least: float | None,
    unit: str = "images/s",
) -> Row:
    """Compare rates, a number per block. at_least: the required ratio; None sets no bar."""
    compared = _row_without_bar(row, ours, reference, unit)
    if at_least is None:
        return compared
    return replace(compared, bound=f">= {at_least}", ok=compared.ratio >= at_least)


def added_time(row: str, ours: list[float], reference: list[float], at_most: float) -> Row:
    """Compare milliseconds, a number per call. at_most: how many more than the reference's."""
    added = median(ours) - median(reference)
    compared = _row_without_bar(row, ours, reference, "ms")
    return replace(compared, bound=f"<= +{at_most} ms", ok=added <= at_most)


def total_time(row: str, ours: list[float], reference: list[float], at_most: float) -> Row:
    """Compare milliseconds, a number per call. at_most: the limit of ours."""
    compared = _row_without_bar(row, ours, reference, "ms")
    return replace(compared, bound=f"<= {at_most} ms", ok=compared.ours <= at_most)


def relative_cost(
    row: str, ours: list[float], reference: list[float], at_most: float, unit: str = "ms"
) -> Row:
    """Compare times or memory, where less is better. at_most: the limit of the ratio."""
    compared = _row_without_bar(row, ours, reference, unit)
    return replace(compared, bound=f"<= {at_most}", ok=compared.ratio <= at_most)


def _row_without_bar(row: str, ours: list[float], reference: list[float], unit: str) -> Row:
    our_median, reference_median = median(ours), median(reference)
    return Row(
        row=row,
        ours=round(our_median, 1),
        reference=round(reference_median, 1),
        ratio=round(our_median / reference_median, 2),
        unit=unit,
        n=len(ours),
        bound="",
        ok=True,
    )


def held(report: dict) -> bool:
    """Return whether every row of a report held its bar."""
    return all(row["ok"] for row in report["rows"])


def as_json(report: dict) -> str:
    """Write a report as JSON."""
    return json.dumps(report, indent=2)


def as_table(report: dict) -> str:
    """Write a report as a text table, numbers flush right."""
    lines: list[tuple[str, ...]] = [("", "ours", "reference", "ratio", "unit", "n", "bound", "ok")]
    for row in report["rows"]:
        verdict = ("yes" if row["ok"] else "NO") if row["bound"] else ""
        texts = {**row, "ratio": f"{row['ratio']:.2f}", "ok": verdict}
        lines.append(tuple(str(texts[name or "row"]) for name in lines[0]))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligns = "<>>><><<"
    table = [
        "  ".join(
            f"{cell:{align}{width}}"
            for cell, align, width in zip(line, aligns, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([f"{report['suite']}, on {report['hardware']}", "", *table])
