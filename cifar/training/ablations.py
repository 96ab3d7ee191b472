"""Why the recipes are what they are: runs that differ in one thing, kept as facts and as a table.

A comparison is a folder of finished runs, one of which is its baseline:

    python -m cifar train basenet --epochs 8 --run runs/compare/optimiser/baseline
    python -m cifar train basenet --epochs 8 --run runs/compare/optimiser/sgd --muon-lr 0
    python -m cifar recipes runs/compare/optimiser

What it was and gave goes into `checkpoints/comparisons.jsonl`, a line a run, from which
`checkpoints/RECIPES.md` is written. Runs that differ in their seed alone share a row.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from cifar import LensError, files
from cifar.models import checkpoint
from cifar.models.model_card import duration
from cifar.training.recipe import Recipe

FACTS = checkpoint.ROOT / "comparisons.jsonl"
REPORT = checkpoint.ROOT / "RECIPES.md"
BASELINE = "baseline"
VAL = 2000  # images that each accuracy was measured on
# A recipe's fields as they are written; one that a run does not know yet was what it is here.
USUAL = json.loads(json.dumps(asdict(Recipe(network="", epochs=0))))


def collect(folder: Path) -> list[dict]:
    """The facts of every finished run in a folder: one a run, the baseline first.

    Raises LensError if the folder holds no finished baseline.
    """
    facts = []
    for config_path in sorted(Path(folder).glob("*/checkpoint/config.json")):
        config = files.read_json(config_path)
        history = files.read_json_lines(config_path.with_name("history.jsonl"))
        facts.append(
            {
                "comparison": Path(folder).resolve().name,
                "run": config_path.parent.parent.name,
                "parameters": config["parameters"],
                "recipe": config["recipe"],
                "training": config["training"],
                "train_accuracy": history[-1]["train_accuracy"],
                "val_accuracy": history[-1]["val_accuracy"],
            }
        )
    if not any(_is_baseline(fact) for fact in facts):
        raise LensError(f"{folder} holds no finished run whose name starts with {BASELINE!r}.")
    return sorted(facts, key=lambda fact: not _is_baseline(fact))


def _is_baseline(fact: dict) -> bool:
    return fact["run"].startswith(BASELINE)


def load(path: Path = FACTS) -> list[dict]:
    """All facts on record."""
    return files.read_json_lines(path) if path.exists() else []


def add(folders: Sequence[Path], path: Path = FACTS) -> list[dict]:
    """Put comparisons on record, in the place of earlier facts of the same name; returns all.

    Raises LensError if there is nothing to put there and nothing there.
    """
    facts = load(path)
    for folder in folders:
        fresh = collect(folder)
        facts = [fact for fact in facts if fact["comparison"] != fresh[0]["comparison"]] + fresh
    if not facts:
        raise LensError("No comparison is on record yet: name folders of finished runs.")
    files.write_json_lines(path, facts)
    return facts


def changes(recipe: dict, baseline: dict) -> dict:
    """The fields in which a recipe differs from the baseline, its seed left out."""
    ours, theirs = USUAL | recipe, USUAL | baseline
    return {
        key: value
        for key, value in ours.items()
        if key != "seed" and value != theirs.get(key, value)
    }


def table(facts: Sequence[dict]) -> str:
    """Markdown of one comparison: a row for each recipe, with its difference from the baseline.

    The +- beside a difference is two standard errors of it, as if the runs had been judged on
    independent images; they are judged on the same ones, so the truth is somewhat narrower.
    """
    base = next(fact for fact in facts if _is_baseline(fact))
    rows = defaultdict(list)
    for fact in facts:
        rows[_difference(fact, base)].append(fact)
    heads = ("what differs", "seeds", "epochs", "PFLOP", "time", "train", "val", "difference")
    lines = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    reference = None
    for differing, runs in rows.items():
        val = mean(run["val_accuracy"] for run in runs)
        error = val * (1 - val) / VAL / len(runs)
        difference = ""
        if reference is None:
            reference = val, error
        else:
            spread = 2 * (error + reference[1]) ** 0.5
            difference = f"{100 * (val - reference[0]):+.2f} ± {100 * spread:.2f}"
        cells = (
            differing or "baseline",
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


def _difference(fact: dict, base: dict) -> str:
    """In words: the fields of the recipe, and the machine and the teacher's weights where they are
    others."""
    fields = changes(fact["recipe"], base["recipe"])
    words = [f"{key} {_brief(value)}" for key, value in fields.items()]
    if (hardware := fact["training"]["hardware"]) != base["training"]["hardware"]:
        words.append(f"on {hardware}")
    taught, usual = (of["training"].get("teacher_sha256") for of in (fact, base))
    if taught and usual and taught != usual:
        words.append(f"taught by weights {taught[:8]}")
    return ", ".join(words)


def _brief(value: object) -> str:
    """A field's value; a list of equal numbers in a row as '3x16, 2x32'."""
    if not isinstance(value, list):
        return f"{value:g}" if isinstance(value, float) else f"{value}" or "none"
    groups: list[list] = []
    for item in value:
        if groups and groups[-1][0] == item:
            groups[-1][1] += 1
        else:
            groups.append([item, 1])
    return ", ".join(f"{count}x{item}" if count > 1 else f"{item}" for item, count in groups)


def report(facts: Sequence[dict]) -> str:
    """The whole of RECIPES.md."""
    parts = [
        "# Why the recipes are what they are",
        "",
        "Runs that differ from a baseline in what the first column names, be it the machine, and "
        f"in nothing else, judged by plain accuracy on the {VAL:,} validation images; the test "
        "images had no part in it. *time* leaves out validation and the answers of a teacher, "
        "which *PFLOP* counts; *train* is the accuracy on the augmented batches of the last epoch. "
        "Runs with several seeds are averaged. The last column is the difference from the baseline "
        "in points, with two standard errors (as if on independent images). A difference within "
        "them proves nothing, and most are within them: what a preset has there is a judgement, "
        "on what other work found for runs as long as the preset's, too.",
        "",
        "Written by `python -m cifar recipes` from `comparisons.jsonl`, which holds each "
        "run's whole recipe.",
    ]
    grouped = defaultdict(list)
    for fact in facts:
        grouped[fact["comparison"]].append(fact)
    for name, members in grouped.items():
        base = next(fact for fact in members if _is_baseline(fact))
        recipe, training = base["recipe"], base["training"]
        last = len(recipe["sizes"]) - 1
        sizes = _brief([recipe["sizes"][min(i, last)] for i in range(recipe["epochs"])])
        parts += [
            "",
            f"## {name.replace('-', ' ').capitalize()}",
            "",
            f"Baseline: `{recipe['network']}` ({base['parameters']:,} parameters), "
            f"{training['images']:,} images, {recipe['epochs']} epochs (pixels a side: {sizes}), "
            f"batch {recipe['batch_size']}, on {training['hardware']}.",
            "",
            table(members),
        ]
    return "\n".join(parts) + "\n"


def write(folders: Sequence[Path] = ()) -> Path:
    """Put the comparisons in these folders on record, and write the report anew."""
    facts = add(folders, FACTS)
    files.replace(REPORT, lambda path: path.write_text(report(facts), encoding="utf-8"))
    return REPORT
