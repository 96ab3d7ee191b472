"""The Report tab: what was measured, in numbers and in figures."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

from cifar.explore.store import load
from cifar.models import checkpoint
from cifar.models.figure_files import drawn, drawn_of_all
from cifar.models.model_card import data_note, duration, percent
from cifar.ui.security.temporary_files import server_folder


def numbers(name: str) -> str:
    """The table of results of a checkpoint as HTML, with what they were measured on."""
    ckpt = load(name)
    measured, training = ckpt.metrics, ckpt.config["training"]
    test, train = measured["test"], measured["train"]["accuracy"]
    rows = [
        ("Test accuracy, plain", percent(test["accuracy"])),
        ("with the mirrored image averaged in", percent(test["mirrored"])),
        ("label among the top five", percent(test["top5"])),
        ("Validation accuracy (2,000 held-out training images)",
         percent(measured["val"]["accuracy"])),
        (f"Training accuracy ({train['n']:,} training images)", percent(train)),
        ("Calibration error, before temperature", f"{test['ece']:.2%}"),
        ("Calibration error, after", f"{test['ece_calibrated']:.2%}"),
        ("Temperature", f"{measured['temperature']:.3f}"),
        ("Parameters", f"{measured['parameters']:,}"),
        ("Multiply-adds an image", f"{measured['multiply_adds']:,}"),
        ("Training", f"{training['epochs']} epochs, {training['petaflop']:.3f} PFLOP, "
                     f"{duration(training['seconds'])}"),
    ]  # fmt: skip
    classes = "".join(
        f"<tr><td>{row['class']}</td><td>{percent(row['recall'])}</td>"
        f"<td>{percent(row['precision'])}</td></tr>"
        for row in test["per_class"]
    )
    lines = "".join(f"<tr><td>{label}</td><td>{value}</td></tr>" for label, value in rows)
    return (
        f'<div class="scroll"><table class="numbers">{lines}</table></div>'
        f'<p class="quiet">n = {test["accuracy"]["n"]:,} test images; '
        f"{data_note(measured['official'])}. Brackets: Wilson's 95% interval. Trained on "
        f"{training['hardware']}, measured on {measured['evaluation']['hardware']} by "
        f"<code>{measured['evaluation']['command']}</code>.</p>"
        '<div class="scroll"><table class="numbers"><tr><th>class</th><th>recall</th>'
        f"<th>precision</th></tr>{classes}</table></div>"
    )


def figure(name: str, kind: str) -> str | None:
    """The path of a figure of a checkpoint, or None where none was drawn of its weights."""
    return _copy(drawn(load(name), kind))


def common(kind: str) -> str | None:
    """The path of a figure of no single checkpoint, or None where none was drawn of the weights
    that are here."""
    return _copy(drawn_of_all(map(load, checkpoint.available()), kind))


def _copy(path: Path | None) -> str | None:
    """A copy whose name changes with its content, for browsers keep what has the same address."""
    if path is None:
        return None
    made = server_folder().made
    return str(made.path / made.once(f"{path.stem}/figure", path.suffix, path.read_bytes))


def show(name: str) -> list:
    """The numbers of a checkpoint and its three figures, hidden where they were not drawn."""
    paths = [figure(name, kind) for kind in ("confusion_matrix", "reliability", "misclassified")]
    return [numbers(name), *(gr.Image(path, visible=path is not None) for path in paths)]


def build(model: gr.Radio, settled: Sequence[Callable]) -> None:
    """Lay out the tab in the current context. settled: the events that say which model it is."""

    def picture(alt: str, path: str | None = None) -> gr.Image:
        # The figures carry their own titles, which a label would cover.
        return gr.Image(
            path,
            visible=path is not None,
            show_label=False,
            alt_text=alt,
            format="png",
            interactive=False,
            container=False,
            buttons=["fullscreen", "download"],
            elem_classes="figure",
        )

    with gr.Row(equal_height=False):
        with gr.Column(min_width=320):
            table = gr.HTML(elem_id="report")
        with gr.Column(min_width=320):
            confusion = picture("confusion matrix: counts of true and predicted classes")
    calibration = picture("reliability diagram before and after the temperature")
    wrong = picture("the most confident mistakes with their heat maps")
    picture("loss and accuracy by epoch", common("training_curves"))
    picture("ten training images of each class", common("training_images"))
    for event in settled:
        event(
            show,
            model,
            [table, confusion, calibration, wrong],
            show_progress="hidden",
            api_visibility="private",
            queue=False,
        )
