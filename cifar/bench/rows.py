"""The one shape of a benchmark: rows of ours beside a reference, each with its bar."""

import json
from dataclasses import dataclass, replace
from statistics import median


@dataclass(frozen=True)
class Row:
    """One figure: ours and the reference's, both in `unit` and medians of `n` timed blocks.

    ratio: how many times faster we are, or, for what takes time, ours over the reference's. bound:
    the bar in words, empty where there is none. ok: whether it was held; true without a bar.
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
    """The row of two lists of what was done a second, a number a block, and the ratio that is asked
    (None: only shown)."""
    shown = _unjudged(row, ours, reference, unit)
    if at_least is None:
        return shown
    return replace(shown, bound=f">= {at_least}", ok=shown.ratio >= at_least)


def added(row: str, ours: list[float], reference: list[float], at_most: float) -> Row:
    """The row of two lists of milliseconds, a number a call, and how much more ours may take."""
    more = median(ours) - median(reference)
    shown = _unjudged(row, ours, reference, "ms")
    return replace(shown, bound=f"<= +{at_most} ms", ok=more <= at_most)


def within(row: str, ours: list[float], reference: list[float], at_most: float) -> Row:
    """The row of two lists of milliseconds, a number a call, and how much ours may take in all."""
    shown = added(row, ours, reference, at_most)
    return replace(shown, bound=f"<= {at_most} ms", ok=shown.ours <= at_most)


def at_most(
    row: str, ours: list[float], reference: list[float], times: float, unit: str = "ms"
) -> Row:
    """The row of two lists of what is better small, and how many times the reference's ours may
    be."""
    shown = _unjudged(row, ours, reference, unit)
    return replace(shown, bound=f"<= {times}", ok=shown.ratio <= times)


def _unjudged(row: str, ours: list[float], reference: list[float], unit: str) -> Row:
    """The row of two lists, without a bar."""
    middle, other = median(ours), median(reference)
    ratio = round(middle / other, 2)
    return Row(row, round(middle, 1), round(other, 1), ratio, unit, len(ours), "", True)


def held(report: dict) -> bool:
    """Whether every row of a report held its bar."""
    return all(row["ok"] for row in report["rows"])


def as_json(report: dict) -> str:
    return json.dumps(report, indent=2)


def as_table(report: dict) -> str:
    """The report for people: a line a row, numbers flush right."""
    lines: list[tuple[str, ...]] = [("", "ours", "reference", "ratio", "unit", "n", "bound", "ok")]
    for row in report["rows"]:
        held = ("yes" if row["ok"] else "NO") if row["bound"] else ""
        shown = {**row, "ratio": f"{row['ratio']:.2f}", "ok": held}
        lines.append(tuple(str(shown[name or "row"]) for name in lines[0]))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligns = "<>>><><<"
    table = [
        "  ".join(
            f"{cell:{a}{w}}" for cell, a, w in zip(line, aligns, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([f"{report['suite']}, on {report['hardware']}", "", *table])
