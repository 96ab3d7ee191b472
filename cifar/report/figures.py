"""Measured checkpoints in, the pictures that README and the app's report show out.

    python -m cifar figures

writes PNGs into `assets/` and puts the results table into README.md. Every picture is a pure
function of data that returns a matplotlib Figure, made without pyplot: no state is shared, so the
app may draw from several threads. Colours mean the same everywhere: orange is what the model said,
teal is what is true.
"""

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tqdm import tqdm

from cifar import ASSETS, CLASSES, LensError, files
from cifar.data import cifar10
from cifar.evaluation import metrics
from cifar.evaluation.predictions import load_predictions
from cifar.explain.drawing import overlay
from cifar.explain.heat_maps import heat_maps
from cifar.explain.methods import METHODS, default_choice
from cifar.explore import mistakes
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.facts import find_layer
from cifar.models.figure_files import WEIGHTS, figure_path
from cifar.report.readme_tables import README, readme_sections, refresh_readme

SAID, TRUE, GREY = "#C2410C", "#0F766E", "#6B7280"
INK, FAINT, LINE = "#1F2937", "#9CA3AF", "#E5E7EB"
FONT = "DejaVu Sans"  # comes with matplotlib, so that every machine draws the same
TITLE, TEXT = 12, 9  # points; README shows the pictures at about two thirds of their size
DPI = 150
WIDTH = 1350  # pixels: 9 inches
MISTAKES_SHOWN = 20


def training_images(split: cifar10.Split, per_class: int = 10, seed: int = 0) -> Figure:
    """Images of each class drawn at random (the same for the same seed), a row a class."""
    zoom, gap, left, top = 3, 9, 140, 52
    side = 32 * zoom
    figure, page = _page(
        left + per_class * (side + gap) + 16, top + len(CLASSES) * (side + gap) + 10
    )
    page.text(16, 26, f"CIFAR-10: {per_class} training images of each class, at random", **_title())
    random = np.random.default_rng(seed)
    for label, name in enumerate(CLASSES):
        y = top + label * (side + gap)
        page.text(left - 14, y + side / 2, name, **_text(TRUE, ha="right"))
        found = np.flatnonzero(split.labels.numpy() == label)
        drawn = random.choice(found, min(per_class, len(found)), replace=False)
        for column, i in enumerate(drawn):
            _picture(page, _pixels(split, i), left + column * (side + gap), y, side)
    return figure


def misclassified(ckpt: Checkpoint, rows: pd.DataFrame, split: cifar10.Split) -> Figure:
    """The most confident mistakes, each beside its heat map for the class that the network named.

    rows: `mistakes.table` of the predictions on `split`, with the confidence after temperature.
    """
    shown = mistakes.select(rows).head(MISTAKES_SHOWN)
    zoom, columns, inner, gap, margin, top = 4, 5, 8, 20, 16, 96
    side = 32 * zoom
    cell, height = 2 * side + inner, side + 78
    figure, page = _page(
        2 * margin + columns * cell + (columns - 1) * gap, top + -(-len(shown) // columns) * height
    )
    method, layers = default_choice(ckpt)
    kind = METHODS[method].title
    size = find_layer(ckpt.layers, layers[0]).size
    page.text(margin, 26, f"The {len(shown)} most confident mistakes of {ckpt.name}", **_title())
    page.text(
        margin,
        60,
        f"of {int(rows['wrong'].sum()):,} on {len(rows):,} test images. Left: the image; right: "
        f"what spoke for the class it was seen as ({kind}, {size}x{size} map, each on its own "
        "scale).",
        **_text(GREY),
    )
    for place, index in enumerate(shown.index.tolist()):
        row: Any = shown.loc[index]
        x = margin + place % columns * (cell + gap)
        y = top + place // columns * height
        image = _pixels(split, index)
        (heat,) = heat_maps(ckpt, image, [CLASSES.index(row["predicted"])])
        _picture(page, image, x, y, side)
        _picture(page, overlay(image, heat), x + side + inner, y, side)
        below = y + side + 19
        page.text(x, below, f"true {row['true']}", **_text(TRUE))
        page.text(x + cell, below, f"#{index}", **_text(GREY, ha="right"))
        page.text(x, below + 25, f"seen as {row['predicted']}", **_text(SAID))
        page.text(x + cell, below + 25, f"{row['confidence']:.1%}", **_text(SAID, ha="right"))
    return figure


def confusion_matrix(measured: dict, name: str = "the network") -> Figure:
    """Counts of the test images by true and predicted class, with recall and precision.

    A mistake is coloured by its share of all mistakes on images of its class, so that every row
    shows what its class is taken for. measured: the content of `metrics.json`.
    """
    test = measured["test"]
    counts = np.array(test["confusion"])
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    shares = wrong / np.maximum(wrong.sum(1, keepdims=True), 1)
    deepest = max(float(shares.max()), 1e-9)
    colours = LinearSegmentedColormap.from_list("mistakes", ("#FFFFFF", SAID))

    left, top, width, height = 150, 138, 106, 58
    right, bottom = left + 10 * width, top + 10 * height
    figure, page = _page(WIDTH, bottom + 134)
    right_ones = int(np.trace(counts))
    page.text(
        16,
        26,
        f"What {name} takes for what: {right_ones:,} right, {wrong.sum():,} wrong "
        f"(n = {counts.sum():,} test images)",
        **_title(),
    )
    page.imshow(
        colours(shares / deepest)[..., :3],
        extent=(left, right, bottom, top),
        interpolation="nearest",
        aspect="auto",
    )
    for i in range(11):
        page.plot((left, right), (top + i * height,) * 2, color=LINE, linewidth=0.8)
        page.plot((left + i * width,) * 2, (top, bottom), color=LINE, linewidth=0.8)

    middle = (left + right) / 2
    page.text(middle, top - 62, "predicted class", **_text(GREY, ha="center"))
    page.text(left - 14, top - 26, "true class", **_text(GREY, ha="right"))
    page.text(right + 60, top - 26, "recall", **_text(GREY, ha="center"))
    page.text(left - 14, bottom + 30, "precision", **_text(GREY, ha="right"))
    for i, label in enumerate(CLASSES):
        x, y = left + (i + 0.5) * width, top + (i + 0.5) * height
        page.text(x, top - 26, label, **_text(SAID, ha="center", size=8.5))
        page.text(left - 14, y, label, **_text(TRUE, ha="right"))
        row = test["per_class"][i]
        page.text(right + 60, y, _rate(row["recall"]), **_text(GREY, ha="center"))
        page.text(x, bottom + 30, _rate(row["precision"]), **_text(GREY, ha="center"))
        for j in range(10):
            dark = shares[i, j] > 0.8 * deepest
            colour = TRUE if i == j else "white" if dark else INK if counts[i, j] else FAINT
            weight = "bold" if i == j else "normal"
            page.text(
                left + (j + 0.5) * width,
                y,
                f"{counts[i, j]:,}",
                **_text(colour, ha="center", size=10, weight=weight),
            )

    # The key to the colours.
    y, x = bottom + 92, left + 330
    page.text(left, y, "share of the row's mistakes:", **_text(GREY))
    page.text(x - 10, y, "0%", **_text(GREY, ha="right"))
    page.imshow(
        np.linspace(0, 1, 64)[None, :],
        cmap=colours,
        extent=(x, x + 256, y + 9, y - 9),
        interpolation="nearest",
        aspect="auto",
    )
    page.text(x + 266, y, f"{shares.max():.0%}", **_text(GREY))
    return figure


def training_curves(history: dict[str, list[dict]]) -> Figure:
    """Loss and accuracy by epoch, a column a network, its name the key.

    history: the lines of each `history.jsonl`. The side of the training images stands above the
    curves, with a line where it changes.
    """
    figure = _charts(height=880)
    grid = figure.subplots(2, len(history), sharex="col", sharey="row", squeeze=False)
    for column, (name, lines) in enumerate(history.items()):
        epochs = [line["epoch"] for line in lines]
        for axes, key in zip(grid[:, column], ("loss", "accuracy"), strict=True):
            for part, label, colour in (("train", "training", GREY), ("val", "validation", SAID)):
                axes.plot(
                    epochs,
                    [line[f"{part}_{key}"] for line in lines],
                    color=colour,
                    label=label,
                    marker="o",
                    markersize=3.5,
                    linewidth=1.6,
                )
            _plain(axes)
            for start, _, _ in _stretches(lines)[1:]:
                axes.axvline(start - 0.5, color=GREY, linewidth=0.8, linestyle=(0, (2, 3)))
        upper, lower = grid[:, column]
        for start, end, size in _stretches(lines):
            upper.text(
                (start + end) / 2,
                1.02,
                f"{size}x{size}",
                transform=upper.get_xaxis_transform(),
                **_text(GREY, ha="center", va="bottom", size=8.5),
            )
        upper.set_title(
            f"{name}: {len(lines)} epochs, validation accuracy {lines[-1]['val_accuracy']:.1%}",
            pad=24,
            **_text(INK, ha="left", size=10, weight="bold"),
            loc="left",
        )
        lower.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
        lower.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
        lower.set_xlabel("epoch", **_text(GREY, ha="center", va="top"))
        lower.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    grid[0, 0].set_ylabel("loss", **_text(GREY, ha="center", va="bottom"))
    grid[1, 0].set_ylabel("accuracy", **_text(GREY, ha="center", va="bottom"))
    figure.align_ylabels()
    _legend(figure, grid[0, 0])
    figure.supxlabel(
        "Training: means over an epoch while the weights move, on augmented images (size above), "
        "smoothed labels or a teacher's answers.\nValidation: at the end of the "
        "epoch, on plain 32x32 images and their labels, so the two do not compare.",
        x=0.01,
        **_text(GREY, ha="left", va="bottom", size=8.5),
    )
    return figure


def reliability(measured: dict, name: str = "the network") -> Figure:
    """How often the network is right at each confidence, before and after the temperature.

    Below, the share of the test images in each bin. measured: the content of `metrics.json`.
    """
    test = measured["test"]
    figure = _charts(height=840)
    grid = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(3, 1))
    sides = (
        (f"{name} as trained", test["reliability"], test["ece"]),
        (
            f"{name} after temperature {measured['temperature']:.2f}",
            test["reliability_calibrated"],
            test["ece_calibrated"],
        ),
    )
    n = sum(row["n"] for row in test["reliability"])
    for column, (when, bins, error) in enumerate(sides):
        upper, lower = grid[:, column]
        filled = [row for row in bins if row["n"]]
        middles = [(row["low"] + row["high"]) / 2 for row in filled]
        width = 0.88 * (bins[0]["high"] - bins[0]["low"])
        right = np.array([row["accuracy"] for row in filled])
        intervals = [metrics.wilson_interval(round(r["accuracy"] * r["n"]), r["n"]) for r in filled]
        upper.bar(middles, right, width, color=TRUE, alpha=0.75, label="share that was right")
        upper.vlines(middles, *zip(*intervals, strict=True), color=INK, linewidth=0.9)
        upper.plot((0, 1), (0, 1), color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        upper.plot(
            middles,
            [row["confidence"] for row in filled],
            linestyle="none",
            marker="_",
            markersize=11,
            markeredgewidth=2,
            color=SAID,
            label="confidence it stated",
        )
        lower.bar(middles, [row["n"] / n for row in filled], width, color=GREY)
        for axes in (upper, lower):
            _plain(axes)
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        upper.set_title(
            f"{when}: ECE {error:.2%}",
            **_text(INK, ha="left", size=10, weight="bold", va="baseline"),
            loc="left",
        )
        upper.set(xlim=(0, 1), ylim=(0, 1.02))
        lower.set(ylim=(0, 1), yticks=(0, 0.5, 1))
        lower.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        lower.set_xlabel("confidence", **_text(GREY, ha="center", va="top"))
    grid[0, 0].set_ylabel("accuracy", **_text(GREY, ha="center", va="bottom"))
    grid[1, 0].set_ylabel("images", **_text(GREY, ha="center", va="bottom"))
    _legend(figure, grid[0, 0])
    figure.supxlabel(
        f"n = {n:,} test images in {len(test['reliability'])} bins of confidence. Thin lines: 95% "
        "intervals of the share that was right.\nECE: mean distance between bar and orange mark, "
        "weighted by the number of images.",
        x=0.01,
        **_text(GREY, ha="left", va="bottom", size=8.5),
    )
    return figure


def to_image(figure: Figure) -> Image.Image:
    """The figure as an RGB picture, at its own resolution."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def draw_all(assets: Path = ASSETS, readme: Path = README) -> None:
    """Draw every picture for every checkpoint of the project and refresh README's numbers.

    Writes nothing unless all of it could be made. Raises CheckpointError or DataError for what is
    missing, LensError for a README without markers.
    """
    main = checkpoint.load("resnet")
    checkpoints = [main] + [
        checkpoint.load(name) for name in checkpoint.available() if name != main.name
    ]
    sections = readme_sections(checkpoints)
    try:
        text = refresh_readme(readme.read_text(encoding="utf-8"), sections)
    except OSError as error:
        raise LensError(f"{readme} cannot be read: {error}.") from error
    rows = [mistakes.table(load_predictions(ckpt), ckpt.temperature) for ckpt in checkpoints]
    trained = [c for c in checkpoints if c.name == c.network]
    history = {c.name: files.read_json_lines(c.path / "history.jsonl") for c in trained}
    test = cifar10.load("test")

    todo = {
        "training_images": (partial(training_images, cifar10.load("train")), []),
        "training_curves": (partial(training_curves, history), trained),
    }
    for ckpt, of_ckpt in zip(checkpoints, rows, strict=True):
        for kind, draw in (
            ("misclassified", partial(misclassified, ckpt, of_ckpt, test)),
            ("confusion_matrix", partial(confusion_matrix, ckpt.metrics, ckpt.name)),
            ("reliability", partial(reliability, ckpt.metrics, ckpt.name)),
        ):
            todo[figure_path(ckpt.name, kind).stem] = draw, [ckpt]
    bar = tqdm(todo.items(), "figures", unit="figure")
    drawn = {f"{name}.png": _png(draw(), of) for name, (draw, of) in bar}
    assets.mkdir(parents=True, exist_ok=True)
    for name, png in drawn.items():
        files.replace(assets / name, partial(_write, content=png))
    files.replace(readme, lambda path: path.write_text(text, encoding="utf-8"))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _rate(share: dict) -> str:
    return f"{share['value']:.1%}" if share["n"] else "none"


def _stretches(lines: list[dict]) -> list[tuple[int, int, int]]:
    """First epoch, last epoch and side of the images of each stretch of equal sizes."""
    found: list[tuple[int, int, int]] = []
    for line in lines:
        if found and found[-1][2] == line["size"]:
            found[-1] = (found[-1][0], line["epoch"], line["size"])
        else:
            found.append((line["epoch"], line["epoch"], line["size"]))
    return found


def _pixels(split: cifar10.Split, i: int) -> np.ndarray:
    """uint8 (32, 32, 3)."""
    return split.images[int(i)].permute(1, 2, 0).numpy()


def _png(figure: Figure, of: Sequence[Checkpoint]) -> bytes:
    """Smallest lossless file, without date or software, so that equal figures are equal files.

    of: the checkpoints that it is of, if of any: the sha256 of their weights go into the file.
    """
    stream, told = io.BytesIO(), PngInfo()
    if of:
        told.add_text(WEIGHTS, " ".join(ckpt.sha256 for ckpt in of))
    to_image(figure).save(stream, "PNG", optimize=True, pnginfo=told)
    return stream.getvalue()


def _page(width: int, height: int) -> tuple[Figure, Axes]:
    """An empty figure whose coordinates are pixels from the upper left corner."""
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    page = figure.add_axes((0, 0, 1, 1))
    page.set(xlim=(0, width), ylim=(height, 0))
    page.autoscale(False)
    page.axis("off")
    return figure, page


def _charts(height: int) -> Figure:
    """An empty figure for axes side by side, `height` pixels tall."""
    figure = Figure(
        figsize=(WIDTH / DPI, height / DPI),
        dpi=DPI,
        facecolor="white",
        layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06),
    )
    return figure


def _legend(figure: Figure, axes: Axes) -> None:
    """One line above all the axes, where no curve can run into it."""
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside upper left",
        ncols=2,
        frameon=False,
        prop={"family": FONT, "size": TEXT},
        labelcolor=INK,
    )


def _picture(page: Axes, image: np.ndarray, x: float, y: float, side: int) -> None:
    """A square image with its upper left corner at (x, y); whole zooms keep its pixels square."""
    page.imshow(image, extent=(x, x + side, y + side, y), interpolation="nearest", aspect="auto")


def _title() -> dict:
    return _text(INK, size=TITLE, weight="bold")


def _text(
    colour: str, *, ha: str = "left", va: str = "center", size: float = TEXT, weight: str = "normal"
) -> dict:
    return {
        "color": colour, "ha": ha, "va": va, "fontsize": size, "fontweight": weight,
        "fontfamily": FONT,
    }  # fmt: skip


def _plain(axes: Axes) -> None:
    """Only what is read: faint lines across, no box, small grey numbers."""
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(length=0, labelsize=TEXT, labelcolor=GREY, labelfontfamily=FONT)
