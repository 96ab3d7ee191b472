"""The report of a checkpoint as HTML, for the app's Report tab and for the static site.

It has no inline styles, which the static site's security policy forbids, and takes its colors from
the page around it.
"""

import base64
import html
import io
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from PIL import Image

from cifar import CLASSES
from cifar.evaluation.metrics import proportion, written
from cifar.explore import mistakes, store
from cifar.explore.verdicts import corrected
from cifar.models import model_card
from cifar.models.checkpoint import Checkpoint
from cifar.models.figure_files import drawn, drawn_of_all
from cifar.models.model_card import data_note, duration, percent

TILES = 20
LEVELS = 10  # steps of color in the confusion matrix

CALIBRATION = (
    "Bars: of the test images that got a confidence, the share that was right. Orange marks: the "
    "confidence. Where they meet, the confidence can be taken at its word."
)


FIGURES = {
    "reliability": "reliability diagram before and after the temperature",
    "training_curves": "loss and accuracy of both networks by epoch",
    "training_images": "ten training images of each class",
}


def report(ckpt: Checkpoint, everyone: Sequence[Checkpoint], address: Callable[[Path], str]) -> str:
    """Return the report of a checkpoint.

    everyone: the checkpoints of the common figures. address: returns the address under which the
    page finds a file. Figures of other weights are left out.
    """
    measured = ckpt.measured
    own = partial(_figure, partial(drawn, ckpt), address)
    common = partial(_figure, partial(drawn_of_all, everyone), address)
    sections = [
        ("Which classes it takes for which", _matrix(ckpt) + _classes(measured)),
        ("Whether its confidence holds", _paragraph(CALIBRATION) + own("reliability")),
        ("How well it knows photographs", _photographs(measured)),
        ("Its most confident mistakes", _tiles(ckpt)),
        *_origin(ckpt, common("training_curves")),
        ("Everything that was measured", _numbers(ckpt)),
        ("What it learned from", common("training_images")),
    ]
    body = _headline(measured) + "".join(
        f"<section><h2>{title}</h2>{content}</section>" for title, content in sections if content
    )
    return f'<div class="lens report" lang="en">{body}</div>'


def _paragraph(text: str) -> str:
    return f'<p class="quiet">{text}</p>'


def _headline(measured: dict) -> str:
    """Return the numbers that matter most, each with what it says."""
    accuracy = measured["test"]["accuracy"]
    numbers = [
        (
            f"{accuracy['value']:.1%}",
            f"of {accuracy['n']:,} test images right ({_range(accuracy)})",
        )
    ]
    if "photographs" in measured:
        right = measured["photographs"]["views"]["looks"]["accuracy"]
        numbers.append(
            (f"{right['value']:.0%}", f"of {right['n']} photographs right ({_range(right)})")
        )
    numbers.append(
        (
            f"{measured['test']['ece_calibrated']:.1%}",
            "between confidence and accuracy, on average over test images",
        )
    )
    return (
        '<div class="three">'
        + "".join(f"<p><b>{number}</b> {words}</p>" for number, words in numbers)
        + "</div>"
    )


def _range(share: dict) -> str:
    return f"{100 * share['low']:.1f} to {100 * share['high']:.1f}"


def _matrix(ckpt: Checkpoint) -> str:
    """Return the confusion matrix; each kind of mistake leads to its images."""
    counts = np.array(ckpt.measured["test"]["confusion"])
    most = max(int((counts * (1 - np.eye(len(counts), dtype=int))).max()), 1)
    heads = "".join(f'<th scope="col"><span>{name}</span></th>' for name in CLASSES)
    rows = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(_cell(ckpt, i, j, int(n), most) for j, n in enumerate(counts[i]))
        + "</tr>"
        for i, name in enumerate(CLASSES)
    )
    note = (
        "Rows are the labels, columns what the network says. Every number of mistakes leads to "
        "their images."
    )
    return (
        _paragraph(note) + '<div class="scroll" tabindex="0" role="group" aria-label="matrix">'
        f'<table class="matrix"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(ckpt: Checkpoint, i: int, j: int, n: int, most: int) -> str:
    if i == j:
        return f'<td class="right">{n}</td>'
    if not n:
        return "<td></td>"
    # Square roots, because a few pairs of classes hold most of the mistakes.
    level = round(LEVELS * (n / most) ** 0.5)
    words = f"{n} of class {CLASSES[i]} seen as {CLASSES[j]}"
    return (
        f'<td data-heat="{level}"><a href="{_link(ckpt, true=CLASSES[i], pred=CLASSES[j])}" '
        f'aria-label="{words}" title="{words}">{n}</a></td>'
    )


def _link(ckpt: Checkpoint, **view: str | int) -> str:
    """Return a link to a view of the explorer."""
    return escape("?" + urlencode({"model": ckpt.name, **view}))


def _classes(measured: dict) -> str:
    rows = "".join(
        f"<tr><td>{row['class']}</td><td>{percent(row['recall'])}</td>"
        f"<td>{percent(row['precision'])}</td></tr>"
        for row in measured["test"]["per_class"]
    )
    return (
        '<details><summary>Recall and precision of each class</summary><div class="scroll">'
        '<table class="numbers"><tr><th>class</th><th>recall</th><th>precision</th></tr>'
        f"{rows}</table></div></details>"
    )


def _photographs(measured: dict) -> str:
    """Return the shares of photographs as dots with their intervals; nothing if unmeasured."""
    if "photographs" not in measured:
        return ""
    photographs = measured["photographs"]
    looks = photographs["views"]["looks"]
    rows = [
        ("right: test images", measured["test"]["accuracy"]),
        ("right: photographs of the ten classes", looks["accuracy"]),
        ("called unlike CIFAR-10: photographs of other things", looks["detected"]),
        ("called so wrongly: photographs of the ten classes", looks["false_alarms"]),
        ("over 90% confidence: photographs of other things", looks["confident_others"]),
    ]
    lines = "".join(
        f'<tr><th scope="row">{words}</th><td>{_dot(share)}</td>'
        f"<td>{share['value']:.1%}</td><td>{_range(share)}</td><td>{share['n']:,}</td></tr>"
        for words, share in rows
        if share["value"] is not None
    )
    return (
        '<div class="scroll" tabindex="0" role="group" aria-label="shares">'
        '<table class="numbers"><tr><td></td><td></td><th scope="col">share</th>'
        f'<th scope="col">95% interval</th><th scope="col">n</th></tr>{lines}</table></div>'
    ) + _paragraph(
        f"Photographs: {escape(photographs['source'])}, seen in eight ways as in the app. "
        ""
        "Temperature and thresholds were fitted on one half of them and measured on the other. "
        f"The mean confidence on those of the ten classes is {looks['confidence']:.1%}."
    )


def _dot(share: dict) -> str:
    """Draw a share, 0 to 1, and its interval on a line from 0 to 100%."""
    low, at, high = (f"{100 * share[key]:.1f}" for key in ("low", "value", "high"))
    return (
        '<svg class="dot" viewBox="-4 0 108 12" aria-hidden="true">'
        '<path class="axis" d="M0 6H100"/>'
        f'<path d="M{low} 6H{high}"/><circle cx="{at}" cy="6" r="3.5"/></svg>'
    )


def _tiles(ckpt: Checkpoint) -> str:
    """Return the most confident mistakes as pictures that lead to their detail."""
    rows = mistakes.select(store.table(ckpt.name)).head(TILES)
    tiles = "".join(_tile(ckpt, index, rows.loc[index]) for index in rows.index.tolist())
    return f'<div class="tiles-of-report">{tiles}</div>'


def _tile(ckpt: Checkpoint, index: int, row: Any) -> str:
    return (
        f'<a href="{_link(ckpt, id=index)}"><img src="{_png(index)}" alt="" width="96" height="96">'
        f"<span><b>{row['true']}</b> seen as <i>{row['predicted']}</i> "
        f"{written(row['confidence'], 1)}</span></a>"
    )


def _png(index: int) -> str:
    """Return a test image as a data URL."""
    stream = io.BytesIO()
    Image.fromarray(store.test_images()[index]).save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _origin(ckpt: Checkpoint, curves: str) -> list[tuple[str, str]]:
    """Return the section on a network's training, or on where a brought one is from."""
    if ckpt.training:
        return [("How it was trained", _training(ckpt.training) + curves)]
    source = html.escape(ckpt.config["source"])
    note = model_card.val_note(ckpt.measured).replace("`val`", "<code>val</code>")
    return [("Where it is from", _paragraph(f"<code>{source}</code>. {note}"))]


def _training(training: dict) -> str:
    return _paragraph(
        f"{training['epochs']} epochs, {training['petaflop']:.3f} PFLOP, "
        f"{duration(training['seconds'])} on {training['hardware']}."
    )


def _numbers(ckpt: Checkpoint) -> str:
    measured = ckpt.measured
    test = measured["test"]
    labels = store.test_images().labels
    truth = corrected(labels, store.annotations())
    right = int((store.predictions(ckpt.name).logits.argmax(1) == truth).sum())
    results = [
        *model_card.result_rows(measured),
        (
            f"Accuracy where {int((truth != labels).sum())} labels are replaced by those that "
            "people corrected them to",
            percent(proportion(right, len(truth))),
        ),
    ]
    lines = "".join(f"<tr><td>{label}</td><td>{value}</td></tr>" for label, value in results)
    return f'<div class="scroll"><table class="numbers">{lines}</table></div>' + _paragraph(
        f"n = {test['accuracy']['n']:,} test images; {data_note(measured['official'])}. "
        "Brackets: Wilson's 95% interval. Measured on "
        f"{measured['evaluation']['hardware']} by "
        f"<code>{measured['evaluation']['command']}</code>."
    )


def _figure(find: Callable[..., Path | None], address: Callable[[Path], str], kind: str) -> str:
    """Return a figure as one picture for each theme; nothing if there is none."""
    pictures = "".join(
        _picture(path, escape(address(path)), kind, theme)
        for theme in ("light", "dark")
        if (path := find(kind, dark=theme == "dark"))
    )
    return f"<figure>{pictures}</figure>" if pictures else ""


def _picture(path: Path, url: str, kind: str, theme: str) -> str:
    """Return a figure for one theme, with its size, so that the page need not move for it."""
    with Image.open(path) as picture:
        width, height = picture.size
    return (
        f'<a class="on-{theme}" href="{url}"><img src="{url}" alt="{FIGURES[kind]}" '
        f'width="{width}" height="{height}" loading="lazy"></a>'
    )
