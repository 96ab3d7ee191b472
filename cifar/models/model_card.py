"""The model card of a checkpoint, made from only its config and metrics."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from cifar import files
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint, title
from cifar.models.errors import CheckpointError


def write_metrics(ckpt: Checkpoint, metrics: dict) -> None:
    """Write `metrics.json` and the model card into a checkpoint's folder."""
    files.write_json(ckpt.path / "metrics.json", metrics)
    card = model_card(ckpt.config, metrics)
    files.replace(ckpt.path / "README.md", lambda path: path.write_text(card))


def add_section(ckpt: Checkpoint, name: str, section: dict) -> dict:
    """Add a section to a checkpoint's `metrics.json` and return all of it.

    Raises CheckpointError if the weights were replaced since they were read.
    """
    current = checkpoint.read(ckpt.path)  # another command may have written metrics meanwhile
    if current.sha256 != ckpt.sha256:
        raise CheckpointError(f"{ckpt.path} was replaced while it was measured: measure it again.")
    metrics = current.measured | {name: section}
    write_metrics(ckpt, metrics)
    return metrics


def percent(share: dict) -> str:
    """Format a share with its 95% interval: '92.81% (92.29 to 93.30)'; 'none' for n = 0."""
    if share["value"] is None:
        return "none"
    return f"{share['value']:.2%} ({100 * share['low']:.2f} to {100 * share['high']:.2f})"


def duration(seconds: float) -> str:
    """Format seconds as '1 h 35 min', '12 min' or '26 s'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def data_note(official: bool) -> str:
    """Return a note on whether the pixels are those of the official release."""
    return (
        "the official CIFAR-10 pixels, checked by md5 (official: true)"
        if official
        else "a copy that differs from the official release (official: false)"
    )


def scores_table(explain: dict) -> str:
    """Return a Markdown table of the scores of all heat maps, highest ROAD first, and a legend.

    explain: the section of `metrics.json` that `explain.method_scores` wrote. The default is bold.
    """
    heads = ("heat map", "layer", "maps", "ROAD", "deletion", "insertion", "control", "ms a map")
    lines = [f"| {' | '.join(heads)} |", "|---|---" + "|---:" * (len(heads) - 2) + "|"]
    default = (explain["default"]["method"], *explain["default"]["layers"])
    for row in sorted(explain["rows"], key=lambda row: -row["road"]["mean"]):
        name, layer = f"`{row['method']}`", f"`{row['layer']}`" if row["layer"] else ""
        if (row["method"], row["layer"]) == default:
            name, layer = f"**{name}**", f"**{layer}**"
        lines.append(_score_row(name, layer, row))
    lines.append(_score_row("random maps", "", explain["random"]))
    return "\n".join(
        [
            *lines,
            "",
            f"Means over maps of the predicted class of {explain['images']:,} test images (fewer "
            "for slow methods) with their 95% intervals. ROAD: what removing the least evidence "
            "first leaves of the probability more than removing the most first does, halved; "
            "higher is better, 0 says nothing. Deletion (lower is better) and insertion (higher): "
            "the probability as pixels are covered or uncovered, most evidence first. Control: "
            "rank correlation with the map that random weights draw, where neither is even; near "
            "1 is bad. Bold: what is drawn unless another is chosen. "
            f"By `{explain['command']}` on {explain['hardware']}, {duration(explain['seconds'])}.",
        ]
    )


def _sizes(sizes: Sequence[int], epochs: int) -> str:
    """Format the image sizes of a run: '16 pixels a side (3 epochs), then 32 (6)'."""
    per_epoch = [sizes[min(epoch, len(sizes) - 1)] for epoch in range(epochs)]
    (first, count), *others = [(size, len(list(group))) for size, group in groupby(per_epoch)]
    start = f"{first} pixels a side ({count} epochs)"
    return ", then ".join([start, *(f"{size} ({count})" for size, count in others)])


def _score_row(name: str, layer: str, row: dict) -> str:
    values = (interval(row[key]) for key in ("road", "deletion", "insertion", "control"))
    time = f"{row['milliseconds']:.1f}" if "milliseconds" in row else ""
    cells = (name, layer, f"{row['n']:,}", *values, time)
    return f"| {' | '.join(cells)} |"


def interval(score: dict) -> str:
    """Format a score with its interval: '0.208 (0.195 to 0.221)'; empty without a measurement."""
    if None in (score["mean"], score["low"], score["high"]):
        return ""
    return f"{score['mean']:.3f} ({score['low']:.3f} to {score['high']:.3f})"


def _doubt_section(metrics: dict) -> list[str]:
    """Return the lines on out-of-distribution and unsure answers."""
    ood, unsure = metrics["ood"], metrics["unsure"]
    alarms, test = ood["false_alarms"]["test"], unsure["test"]
    return [
        "## Doubt",
        "",
        f"Images of 32x32 pixels unlike CIFAR-10 are told by the {ood['score']}, with the "
        f"threshold ({ood['threshold']:.4f}) at 5% false alarms among the validation images; among "
        f"the test images they are {percent(alarms)}.",
        "",
        "| pictures of something else | n | found |",
        "|---|---:|---:|",
        *(f"| {row['title']} | {row['n']:,} | {percent(row['detected'])} |" for row in ood["sets"]),
        "",
        f"Not sure: answers under {unsure['below']:.1%} confidence, from where on 9 in 10 "
        f"validation images are right. They are {percent(test['share'])} of the test images; "
        f"{percent(test['accuracy_below'])} of them are right, of the others "
        f"{percent(test['accuracy_above'])}.",
        "",
    ]


def trust_note(trust: dict) -> str:
    """Return a sentence on how often maps are called "better than chance"."""
    shown = f"`{trust['method']}` at {', '.join(trust['layers'])}"
    return (
        f"Whether a map can be trusted is tested against random ones. Of {trust['random']['n']} "
        f"random maps that were given to the test as if they were the network's, "
        f"{percent(trust['random'])} were called better than chance. Of the maps that are shown "
        f"first ({shown}), {percent(trust['right'])} of {trust['right']['n']} right answers and "
        f"{percent(trust['wrong'])} of {trust['wrong']['n']} wrong ones. By `{trust['command']}` "
        f"on {trust['hardware']}, {duration(trust['seconds'])}."
    )


def photographs_table(metrics: dict) -> str:
    """Return a Markdown table of what was measured on photographs, and a legend."""
    found = metrics["photographs"]
    kinds = [found["views"][kind] for kind in ("look", "looks")]
    temperatures = " and ".join(f"{kind['fitted']['temperature']:.2f}" for kind in kinds)
    n, others = kinds[0]["accuracy"]["n"], found["others"]
    rows = {
        "right": [percent(kind["accuracy"]) for kind in kinds],
        "mean confidence": [f"{kind['confidence']:.2%}" for kind in kinds],
        "taken for unlike CIFAR-10": [percent(kind["false_alarms"]) for kind in kinds],
        "other things: found unlike CIFAR-10": [percent(kind["detected"]) for kind in kinds],
        "other things: over 90% confidence": [percent(kind["confident_others"]) for kind in kinds],
        "area under the ROC curve": [estimate(kind["auroc"]) for kind in kinds],
        "unlike CIFAR-10 is a score above": [
            f"{kind['fitted']['ood_threshold']:.4f}" for kind in kinds
        ],
        "not sure is a confidence below": [
            f"{kind['fitted']['unsure_below']:.1%}" for kind in kinds
        ],
    }
    classes = ", ".join(f"{count} {name}" for name, count in sorted(found["classes"].items()))
    return "\n".join(
        [
            "| photographs | one look | eight looks |",
            "|---|---:|---:|",
            *(f"| {label} | {one} | {eight} |" for label, (one, eight) in rows.items()),
            "",
            f"{n} photographs of the ten classes ({classes}) and {others} of other things: "
            f"{found['source']}. One look: the central square. Eight: also its middle 90 and 80%, "
            "and the whole stretched, each mirrored as well; their mean probability counts, "
            f"and the app does that unless a part was cut out. The temperature ({temperatures}) "
            "and the thresholds are fitted on these photographs; each half was measured with those "
            "of the other, and what is unlike CIFAR-10 on the second half alone "
            f"({kinds[0]['false_alarms']['n']} and {kinds[0]['detected']['n']}), since the first "
            f"chose the score. By `{found['command']}` on {found['hardware']}.",
        ]
    )


def estimate(found: dict) -> str:
    """Format a value with its interval: '0.768 (0.683 to 0.842)'; empty without a measurement."""
    if found["value"] is None:
        return ""
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def read(folder: Path) -> str:
    """Return the model card in a checkpoint's folder without its metadata block."""
    return (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)[-1]


def model_card(config: dict, metrics: dict) -> str:
    """Return Markdown with the Hub's metadata first.

    config, metrics: the contents of `config.json` and `metrics.json`.
    """
    front = [
        *(["license: mit"] if "training" in config else []),
        "library_name: pytorch",
        "pipeline_tag: image-classification",
        "datasets:",
        "- uoft-cs/cifar10",
        "metrics:",
        "- accuracy",
        "tags:",
        "- cifar10",
        "- image-classification",
    ]
    return "\n".join(["---", *front, "---", "", *body(config, metrics)])


def _teacher_note(recipe: dict, training: dict) -> str:
    """Return a sentence on the teacher network, if there was one."""
    if not recipe.get("teacher"):
        return ""
    weights = training.get("teacher_sha256")
    return f"Taught by `{recipe['teacher']}` (weights sha256 `{weights or 'unknown'}`). "


def result_rows(metrics: dict) -> list[tuple[str, str]]:
    """Return what was measured of a checkpoint as rows of a table: a label and a value each.

    metrics: the content of `metrics.json`.
    """
    test, train = metrics["test"], metrics["train"]["accuracy"]
    return [
        ("Test accuracy, plain", percent(test["accuracy"])),
        ("Test accuracy, with the mirrored image averaged in", percent(test["mirrored"])),
        ("Test accuracy, label among the top 5", percent(test["top5"])),
        (
            "Validation accuracy (2,000 held-out training images)",
            percent(metrics["val"]["accuracy"]),
        ),
        (
            f"Training accuracy, plain ({train['n']:,} training images)",
            percent(train),
        ),
        (
            "Negative log-likelihood, before and after temperature",
            f"{test['nll']:.4f}, {test['nll_calibrated']:.4f}",
        ),
        (
            "Expected calibration error (15 bins), before and after",
            f"{test['ece']:.2%}, {test['ece_calibrated']:.2%}",
        ),
        ("Temperature, fitted on the validation images", f"{metrics['temperature']:.4f}"),
        *_near_duplicate_rows(metrics),
        *_photograph_rows(metrics),
        ("Parameters", f"{metrics['parameters']:,}"),
        *_size_rows(metrics["multiply_adds"]),
    ]


def _size_rows(multiply_adds: int | None) -> list[tuple[str, str]]:
    return [] if multiply_adds is None else [("Multiply-adds an image", f"{multiply_adds:,}")]


def _near_duplicate_rows(metrics: dict) -> list[tuple[str, str]]:
    if "near_duplicates" not in metrics:
        return []
    found = metrics["near_duplicates"]
    return [
        (
            f"Test accuracy without the {found['listed']} near-duplicates of training images that "
            "Barz and Denzler (2020) list",
            percent(found["accuracy_without"]),
        ),
        (
            f"Recall of a search for these by features and pixels (n = {found['recall']['n']})",
            percent(found["recall"]),
        ),
        (
            f"Precision of that search (n = {found['precision']['n']})",
            percent(found["precision"]),
        ),
    ]


def _photograph_rows(metrics: dict) -> list[tuple[str, str]]:
    if "photographs" not in metrics:
        return []
    looks = metrics["photographs"]["views"]["looks"]
    n = looks["accuracy"]["n"]
    return [
        (f"Photographs of the ten classes that are right (n = {n})", percent(looks["accuracy"])),
        ("Mean confidence on these, calibrated on photographs", f"{looks['confidence']:.2%}"),
    ]


def _training(config: dict) -> list[str]:
    training, recipe = config["training"], config["recipe"]
    return [
        "## Training",
        "",
        f"{training['epochs']} epochs over {training['images']:,} training images, "
        f"{data_note(training['official'])}, at {_sizes(recipe['sizes'], training['epochs'])}. "
        f"{training['petaflop']:.3f} PFLOP in {duration(training['seconds'])} (validation"
        f"{' and the answers of the teacher' if recipe.get('teacher') else ''} left out) on "
        f"{training['hardware']}, torch {training['torch']}. "
        f"{_teacher_note(recipe, training)}"
        "The recipe is in `config.json`, the course of the run in `history.jsonl`.",
    ]


def _source(config: dict, metrics: dict) -> list[str]:
    return [
        "## Source",
        "",
        f"Brought from `{config['source']}`, as a graph without its code. {val_note(metrics)}",
    ]


def val_note(metrics: dict) -> str:
    """Say what a brought network's numbers on training images are worth."""
    val, test = metrics["val"]["accuracy"], metrics["test"]["accuracy"]
    text = "How it was trained is not known here, nor whether on the images of `val` too, on which "
    text += "its temperature and thresholds were chosen."
    if val["low"] > test["high"]:
        text += (
            f" It is right about {percent(val)} of these and {percent(test)} of the test images, "
            "so it most likely was: then its confidence is too high after the temperature. All "
            "numbers on test images show that as it is."
        )
    return text


def body(config: dict, metrics: dict, extra: Sequence[str] = ()) -> list[str]:
    """Return a card's lines without the metadata.

    extra: lines before the section on training.
    """
    test = metrics["test"]
    rows = result_rows(metrics)
    per_class = [
        f"| {row['class']} | {percent(row['recall'])} | {percent(row['precision'])} |"
        for row in test["per_class"]
    ]
    return [
        f"# {title(config)} on CIFAR-10",
        "",
        f"Classifies 32x32 colour images into {', '.join(config['classes'])}.",
        "",
        f"Measured on {test['accuracy']['n']:,} test images: {data_note(metrics['official'])}. "
        "Intervals are Wilson's at 95%.",
        "",
        "| measured | value |",
        "|---|---|",
        *(f"| {label} | {value} |" for label, value in rows),
        "",
        "| class | recall | precision |",
        "|---|---|---|",
        *per_class,
        "",
        *extra,
        *(_training(config) if "training" in config else _source(config, metrics)),
        "",
        f"Evaluated in {duration(metrics['evaluation']['seconds'])} on "
        f"{metrics['evaluation']['hardware']} by `{metrics['evaluation']['command']}`; weights "
        f"sha256 `{metrics['weights_sha256']}`.",
        "",
        *(
            ("## Heat maps", "", scores_table(metrics["explain"]), "")
            if "explain" in metrics
            else ()
        ),
        *((trust_note(metrics["trust"]), "") if "trust" in metrics else ()),
        *(
            ("## Photographs", "", photographs_table(metrics), "")
            if "photographs" in metrics
            else ()
        ),
        *_doubt_section(metrics),
        "## Limits",
        "",
        "It knows ten classes and always names one of them, whatever it is shown. It has seen "
        "only 32x32 images, so a photograph is reduced to that first. Not for any use where a "
        "wrong answer matters.",
        "",
    ]  # fmt: skip
