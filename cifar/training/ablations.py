"""Comparisons of runs that differ in one thing: the reasons for the values in the recipes.

A comparison is a folder of finished runs, one of which is its baseline:

    python -m cifar train basenet --epochs 8 --run runs/compare/optimiser/baseline
    python -m cifar train basenet --epochs 8 --run runs/compare/optimiser/sgd --muon-lr 0
    python -m cifar recipes runs/compare/optimiser

The recipe and the results of each run are a line of `checkpoints/comparisons.jsonl`, from which
`checkpoints/RECIPES.md` is written. Runs that differ only in their seed share a row.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from cifar import LensError, files
from cifar.models import checkpoint, records
from cifar.models.model_card import duration
from cifar.training.recipe import Recipe

FACTS = checkpoint.ROOT / "comparisons.jsonl"
REPORT = checkpoint.ROOT / "RECIPES.md"
BASELINE = "baseline"
VAL_IMAGES = 2000  # that each accuracy was measured on
# The values of fields that did not exist yet when a run was recorded, as JSON has them.
DEFAULTS = json.loads(json.dumps(asdict(Recipe(network="", epochs=0))))


def collect(folder: Path) -> list[dict]:
    """Return the record of every finished run in a folder, the baseline first.

    Raises LensError if the folder holds no finished baseline.
    """
    runs = []
    for config_path in sorted(Path(folder).glob("*/checkpoint/config.json")):
        config = files.read_json(config_path)
        records.check(config_path, config, records.Config)
        last = checkpoint.read_history(config_path.parent)[-1]
        runs.append(
            {
                "comparison": Path(folder).resolve().name,
                "run": config_path.parent.parent.name,
                "parameters": config["parameters"],
                "recipe": config["recipe"],
                "training": config["training"],
                "train_accuracy": last["train_accuracy"],
                "val_accuracy": last["val_accuracy"],
            }
        )
    if not any(_is_baseline(run) for run in runs):
        raise LensError(f"{folder} holds no finished run whose name starts with {BASELINE!r}.")
    return sorted(runs, key=lambda run: not _is_baseline(run))


def _is_baseline(run: dict) -> bool:
    return run["run"].startswith(BASELINE)


def load(path: Path = FACTS) -> list[dict]:
    """Return all recorded runs, as `records.RecordedRun`.

    Raises FileError for an invalid file.
    """
    runs = files.read_json_lines(path) if path.exists() else []
    for run in runs:
        records.check(path, run, records.RecordedRun)
    return runs


def add(folders: Sequence[Path], path: Path = FACTS) -> list[dict]:
    """Record comparisons, replace earlier ones of the same name, and return all recorded runs.

    Raises LensError if nothing is recorded and no folder is given.
    """
    runs = load(path)
    for folder in folders:
        fresh = collect(folder)
        runs = [run for run in runs if run["comparison"] != fresh[0]["comparison"]] + fresh
    if not runs:
        raise LensError("No comparison is on record yet: name folders of finished runs.")
    files.write_json_lines(path, runs)
    return runs


def changes(recipe: dict, baseline: dict) -> dict:
    """Return the fields, except the seed, in which a recipe differs from the baseline."""
    ours, theirs = DEFAULTS | recipe, DEFAULTS | baseline
    return {
        key: value
        for key, value in ours.items()
        if key != "seed" and value != theirs.get(key, value)
    }


def table(comparison: Sequence[dict]) -> str:
    """Write one comparison as a Markdown table with a row per recipe.

    The +- beside a difference is two of its standard errors, computed as if the runs had been
    measured on independent images. They are measured on the same ones, so the true interval is
    somewhat narrower.
    """
    base = next(run for run in comparison if _is_baseline(run))
    rows = defaultdict(list)
    for run in comparison:
        rows[_difference(run, base)].append(run)
    heads = ("what differs", "seeds", "epochs", "PFLOP", "time", "train", "val", "difference")
    lines = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    reference = None
    for changed, runs in rows.items():
        val = mean(run["val_accuracy"] for run in runs)
        error = val * (1 - val) / VAL_IMAGES / len(runs)
        difference = ""
        if reference is None:
            reference = val, error
        else:
            spread = 2 * (error + reference[1]) ** 0.5
            difference = f"{100 * (val - reference[0]):+.2f} ± {100 * spread:.2f}"
        cells = (
            changed or "baseline",
            f"{len(runs)}",
            f"{runs[0]['training']['epochs']}",
            f"{mean(run['training']['petaflop'] for run in runs):.4f}",
            duration(mean(run["training"]["seconds"] for run in runs)),
            f"{mean(run['train_accuracy'] for run in runs):.2%}",
            f"{val:.2%}",
            difference,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _difference(run: dict, base: dict) -> str:
    """Describe how a run differs from the baseline: recipe fields, machine, teacher's weights."""
    fields = changes(run["recipe"], base["recipe"])
    words = [f"{key} {_format(value)}" for key, value in fields.items()]
    if (hardware := run["training"]["hardware"]) != base["training"]["hardware"]:
        words.append(f"on {hardware}")
    teacher, base_teacher = (one["training"].get("teacher_sha256") for one in (run, base))
    if teacher and base_teacher and teacher != base_teacher:
        words.append(f"taught by weights {teacher[:8]}")
    return ", ".join(words)


def _format(value: object) -> str:
    """Write a field's value, with equal neighbors in a list counted: '3x16, 2x32'."""
    if not isinstance(value, list):
        return f"{value:g}" if isinstance(value, float) else f"{value}" or "none"
    groups: list[list] = []
    for item in value:
        if groups and groups[-1][0] == item:
            groups[-1][1] += 1
        else:
            groups.append([item, 1])
    return ", ".join(f"{count}x{item}" if count > 1 else f"{item}" for item, count in groups)


def report(runs: Sequence[dict]) -> str:
    """Write the whole of RECIPES.md."""
    parts = [
        "# Why the recipes are what they are",
        "",
        "A run differs from its baseline only in what the first column names: fields of the "
        "recipe, the machine or the teacher's weights. *val* is plain accuracy on the "
        f"{VAL_IMAGES:,} validation images; the test images had no part in it. *time* leaves out "
        "validation and the computation of teacher logits, which *PFLOP* counts; *train* is the "
        "accuracy on the augmented batches of the last epoch. Runs with several seeds are "
        "averaged. The last column is the difference from the baseline in points, with two "
        "standard errors (as if on independent images). A difference within them proves nothing, "
        "and most are within them: for those fields a preset's value is a judgement, which also "
        "rests on what other work found for runs as long as the preset's.",
        "",
        "Written by `python -m cifar recipes` from `comparisons.jsonl`, which holds each "
        "run's whole recipe.",
    ]
    comparisons = defaultdict(list)
    for run in runs:
        comparisons[run["comparison"]].append(run)
    for name, comparison in comparisons.items():
        base = next(run for run in comparison if _is_baseline(run))
        recipe, training = base["recipe"], base["training"]
        last = len(recipe["sizes"]) - 1
        sizes = _format([recipe["sizes"][min(i, last)] for i in range(recipe["epochs"])])
        parts += [
            "",
            f"## {name.replace('-', ' ').capitalize()}",
            "",
            f"Baseline: `{recipe['network']}` ({base['parameters']:,} parameters), "
            f"{training['images']:,} images, {recipe['epochs']} epochs (pixels a side: {sizes}), "
            f"batch {recipe['batch_size']}, on {training['hardware']}.",
            "",
            table(comparison),
        ]
    return "\n".join(parts) + "\n"


def write(folders: Sequence[Path] = ()) -> Path:
    """Record the comparisons in these folders, rewrite the report, and return its path."""
    runs = add(folders, FACTS)
    files.replace(REPORT, lambda path: path.write_text(report(runs), encoding="utf-8"))
    return REPORT
