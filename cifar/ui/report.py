"""The Report tab: the measurements as a table and figures."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

from cifar.explore.page_data import models
from cifar.explore.store import load
from cifar.models import model_card
from cifar.models.figure_files import drawn, drawn_of_all
from cifar.models.model_card import data_note, duration, percent
from cifar.ui.security.temporary_files import server_folder


def numbers(name: str) -> str:
    """Return a checkpoint's table of results as HTML, with the data and hardware they are from."""
    ckpt = load(name)
    measured, training = ckpt.measured, ckpt.config["training"]
    test = measured["test"]
    rows = [
        *model_card.result_rows(measured),
        (
            "Training",
            f"{training['epochs']} epochs, {training['petaflop']:.3f} PFLOP, "
            f"{duration(training['seconds'])}",
        ),
    ]
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
    """Return the path of a checkpoint's figure, or None if there is none of its weights."""
    return _served_copy(drawn(load(name), kind))


def common_figure(kind: str) -> str | None:
    """Return the path of a figure of all checkpoints, or None if there is none of their weights."""
    return _served_copy(drawn_of_all(map(load, models()), kind))


def _served_copy(path: Path | None) -> str | None:
    """Copy a file to a name with a hash of its content, so that browsers do not show an old one."""
    if path is None:
        return None
    files = server_folder().made
    return str(files.path / files.once(f"{path.stem}/figure", path.suffix, path.read_bytes))


def show(name: str) -> list:
    """Return a checkpoint's table and its three figures; missing figures are hidden."""
    paths = [figure(name, kind) for kind in ("confusion_matrix", "reliability", "misclassified")]
    return [numbers(name), *(gr.Image(path, visible=path is not None) for path in paths)]


def build(model: gr.Radio, model_events: Sequence[Callable]) -> None:
    """Lay out the tab in the current context. model_events: the events that set the model."""

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
    picture("loss and accuracy by epoch", common_figure("training_curves"))
    picture("ten training images of each class", common_figure("training_images"))
    for event in model_events:
        event(
            show,
            model,
            [table, confusion, calibration, wrong],
            show_progress="hidden",
            api_visibility="private",
            queue=False,
        )
