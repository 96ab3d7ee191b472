"""The model card of a checkpoint, written from its config and metrics and nothing else."""


def percent(share: dict) -> str:
    """A measured share with its 95% interval: '92.81% (92.29 to 93.30)'; 'none' for n = 0."""
    if share["n"] == 0:
        return "none"
    return f"{share['value']:.2%} ({100 * share['low']:.2f} to {100 * share['high']:.2f})"


def duration(seconds: float) -> str:
    """'1 h 35 min', '12 min' or '26 s'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def data_note(official: bool) -> str:
    return (
        "the official CIFAR-10 pixels, checked by md5 (official: true)"
        if official
        else "a copy that differs from the official release (official: false)"
    )


def model_card(config: dict, metrics: dict) -> str:
    """Markdown with the Hub's metadata first. metrics: the content of `metrics.json`."""
    test, train = metrics["test"], metrics["train"]["accuracy"]
    training, recipe = config["training"], config["recipe"]
    name = {"resnet": "ResNet", "basenet": "BaseNet"}[config["network"]]
    rows = [
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
        ("Parameters", f"{metrics['parameters']:,}"),
        ("Multiply-adds an image", f"{metrics['multiply_adds']:,}"),
    ]
    per_class = [
        f"| {row['class']} | {percent(row['recall'])} | {percent(row['precision'])} |"
        for row in test["per_class"]
    ]
    sizes = [recipe["sizes"][min(i, len(recipe["sizes"]) - 1)] for i in range(training["epochs"])]
    return "\n".join(
        [
            "---",
            "license: mit",
            "library_name: pytorch",
            "pipeline_tag: image-classification",
            "datasets:",
            "- uoft-cs/cifar10",
            "metrics:",
            "- accuracy",
            "tags:",
            "- cifar10",
            "- image-classification",
            "---",
            "",
            f"# {name} on CIFAR-10",
            "",
            f"Classifies 32x32 colour images into {', '.join(config['classes'])}.",
            "",
            f"Measured on {test['accuracy']['n']:,} test images: {data_note(metrics['official'])}. "
            "Intervals are Wilson's at 95%.",
            "",
            "| | |",
            "|---|---|",
            *(f"| {label} | {value} |" for label, value in rows),
            "",
            "| class | recall | precision |",
            "|---|---|---|",
            *per_class,
            "",
            "## Training",
            "",
            f"{training['epochs']} epochs over {training['images']:,} training images, "
            f"{data_note(training['official'])}, scaled to {', '.join(map(str, sizes))} pixels a "
            "side by epoch. "
            f"{training['petaflop']:.3f} PFLOP in {duration(training['seconds'])} (validation left "
            "out) on "
            f"{training['hardware']}, torch {training['torch']}. "
            "The recipe is in `config.json`, the course of the run in `history.jsonl`.",
            "",
            f"Evaluated in {duration(metrics['evaluation']['seconds'])} on "
            f"{metrics['evaluation']['hardware']} by `{metrics['evaluation']['command']}`; weights "
            f"sha256 `{metrics['weights_sha256']}`.",
            "",
            "## Limits",
            "",
            "It knows ten classes and always names one of them, whatever it is shown. It has seen "
            "only 32x32 images, so a photograph is reduced to that first. Not for any use where a "
            "wrong answer matters.",
            "",
        ]
    )  # fmt: skip
