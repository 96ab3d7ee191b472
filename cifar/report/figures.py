"""Draw the pictures that README and the app's report show, from measured checkpoints.

    python -m cifar figures

writes PNGs into `assets/` and puts the results table into README.md. Every picture is a pure
function of data that returns a matplotlib Figure. It does not use pyplot, so no state is shared and
the app may draw from several threads. Colors mean the same everywhere: orange is what the model
predicted, teal is what is true.
"""

import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
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
from cifar.models.figure_files import DARK, WEIGHTS, figure_path
from cifar.report.readme_tables import README, readme_sections, refresh_sections

PREDICTED, TRUE, GRAY = "#C2410C", "#0F766E", "#6B7280"
INK, FAINT, LINE = "#1F2937", "#9CA3AF", "#E5E7EB"
# The colors of a figure on a dark page.
ON_DARK = {
    "white": "#1C1A18",
    INK: "#F5F5F4",
    GRAY: "#A8A29E",
    FAINT: "#78716C",
    LINE: "#44403C",
    PREDICTED: "#FB923C",
    TRUE: "#2DD4BF",
}

SHARES = LinearSegmentedColormap.from_list("shares", ("white", PREDICTED))
SHARES_ON_DARK = LinearSegmentedColormap.from_list("dark", (ON_DARK["white"], ON_DARK[PREDICTED]))
FONT = "DejaVu Sans"  # comes with matplotlib, so that pictures are the same on every machine
TITLE, TEXT = 12, 9  # points; README shows the pictures at about two thirds of their size
DPI = 150
WIDTH = 1350  # pixels: 9 inches
MISTAKES_SHOWN = 20


def training_images(split: cifar10.Split, per_class: int = 10, seed: int = 0) -> Figure:
    """Draw random images of each class (the same for the same seed), a row per class."""
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
        indices = np.flatnonzero(split.labels.numpy() == label)
        sample = random.choice(indices, min(per_class, len(indices)), replace=False)
        for column, i in enumerate(sample):
            _picture(page, _pixels(split, i), left + column * (side + gap), y, side)
    return figure


def misclassified(ckpt: Checkpoint, rows: pd.DataFrame, split: cifar10.Split) -> Figure:
    """Draw the most confident mistakes, each beside its heat map for the predicted class.

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
    method_title = METHODS[method].title
    size = find_layer(ckpt.layers, layers[0]).size
    page.text(margin, 26, f"The {len(shown)} most confident mistakes of {ckpt.name}", **_title())
    page.text(
        margin,
        60,
        f"of {int(rows['wrong'].sum()):,} on {len(rows):,} test images. Left: the image; right: "
        f"what spoke for the class it was seen as ({method_title}, {size}x{size} map, each on its "
        "own scale).",
        **_text(GRAY),
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
        page.text(x + cell, below, f"#{index}", **_text(GRAY, ha="right"))
        page.text(x, below + 25, f"seen as {row['predicted']}", **_text(PREDICTED))
        page.text(x + cell, below + 25, f"{row['confidence']:.1%}", **_text(PREDICTED, ha="right"))
    return figure


def confusion_matrix(measured: dict, name: str = "the network") -> Figure:
    """Draw the counts of test images by true and predicted class, with recall and precision.

    The color of a mistake is its share of all mistakes on images of its class, so that every row
    shows what its class is mistaken for. measured: the content of `metrics.json`.
    """
    test = measured["test"]
    counts = np.array(test["confusion"])
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    shares = wrong / np.maximum(wrong.sum(1, keepdims=True), 1)
    max_share = max(float(shares.max()), 1e-9)

    left, top, width, height = 150, 138, 106, 58
    right, bottom = left + 10 * width, top + 10 * height
    figure, page = _page(WIDTH, bottom + 134)
    correct = int(np.trace(counts))
    page.text(
        16,
        26,
        f"What {name} takes for what: {correct:,} right, {wrong.sum():,} wrong "
        f"(n = {counts.sum():,} test images)",
        **_title(),
    )
    page.imshow(
        shares / max_share,
        cmap=SHARES,
        extent=(left, right, bottom, top),
        interpolation="nearest",
        aspect="auto",
    )
    for i in range(11):
        page.plot((left, right), (top + i * height,) * 2, color=LINE, linewidth=0.8)
        page.plot((left + i * width,) * 2, (top, bottom), color=LINE, linewidth=0.8)

    middle = (left + right) / 2
    page.text(middle, top - 62, "predicted class", **_text(GRAY, ha="center"))
    page.text(left - 14, top - 26, "true class", **_text(GRAY, ha="right"))
    page.text(right + 60, top - 26, "recall", **_text(GRAY, ha="center"))
    page.text(left - 14, bottom + 30, "precision", **_text(GRAY, ha="right"))
    for i, label in enumerate(CLASSES):
        x, y = left + (i + 0.5) * width, top + (i + 0.5) * height
        page.text(x, top - 26, label, **_text(PREDICTED, ha="center", size=8.5))
        page.text(left - 14, y, label, **_text(TRUE, ha="right"))
        row = test["per_class"][i]
        page.text(right + 60, y, _rate(row["recall"]), **_text(GRAY, ha="center"))
        page.text(x, bottom + 30, _rate(row["precision"]), **_text(GRAY, ha="center"))
        for j in range(10):
            full = shares[i, j] > 0.8 * max_share
            color = TRUE if i == j else "white" if full else INK if counts[i, j] else FAINT
            weight = "bold" if i == j else "normal"
            page.text(
                left + (j + 0.5) * width,
                y,
                f"{counts[i, j]:,}",
                **_text(color, ha="center", size=10, weight=weight),
            )

    # The legend of the colors.
    y, x = bottom + 92, left + 330
    page.text(left, y, "share of the row's mistakes:", **_text(GRAY))
    page.text(x - 10, y, "0%", **_text(GRAY, ha="right"))
    page.imshow(
        np.linspace(0, 1, 64)[None, :],
        cmap=SHARES,
        extent=(x, x + 256, y + 9, y - 9),
        interpolation="nearest",
        aspect="auto",
    )
    page.text(x + 266, y, f"{shares.max():.0%}", **_text(GRAY))
    return figure


def training_curves(history: dict[str, list[dict]]) -> Figure:
    """Draw loss and accuracy by epoch, a column per network.

    history: the lines of each network's `history.jsonl`, by its name. The size of the training
    images is above the curves, with a vertical line where it changes.
    """
    figure = _charts(height=880)
    grid = figure.subplots(2, len(history), sharex="col", sharey="row", squeeze=False)
    for column, (name, lines) in enumerate(history.items()):
        epochs = [line["epoch"] for line in lines]
        for axes, key in zip(grid[:, column], ("loss", "accuracy"), strict=True):
            for part, label, color in (
                ("train", "training", GRAY),
                ("val", "validation", PREDICTED),
            ):
                axes.plot(
                    epochs,
                    [line[f"{part}_{key}"] for line in lines],
                    color=color,
                    label=label,
                    marker="o",
                    markersize=3.5,
                    linewidth=1.6,
                )
            _style_axes(axes)
            for start, _, _ in _size_ranges(lines)[1:]:
                axes.axvline(start - 0.5, color=GRAY, linewidth=0.8, linestyle=(0, (2, 3)))
        upper, lower = grid[:, column]
        for start, end, size in _size_ranges(lines):
            upper.text(
                (start + end) / 2,
                1.02,
                f"{size}x{size}",
                transform=upper.get_xaxis_transform(),
                **_text(GRAY, ha="center", va="bottom", size=8.5),
            )
        upper.set_title(
            f"{name}: {len(lines)} epochs, validation accuracy {lines[-1]['val_accuracy']:.1%}",
            pad=24,
            **_text(INK, ha="left", size=10, weight="bold"),
            loc="left",
        )
        lower.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
        lower.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
        lower.set_xlabel("epoch", **_text(GRAY, ha="center", va="top"))
        lower.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    grid[0, 0].set_ylabel("loss", **_text(GRAY, ha="center", va="bottom"))
    grid[1, 0].set_ylabel("accuracy", **_text(GRAY, ha="center", va="bottom"))
    figure.align_ylabels()
    _legend(figure, grid[0, 0])
    figure.supxlabel(
        "Training: means over an epoch while the weights move, on augmented images (size above), "
        "smoothed labels or a teacher's answers.\nValidation: at the end of the "
        "epoch, on plain 32x32 images and their labels, so the two do not compare.",
        x=0.01,
        **_text(GRAY, ha="left", va="bottom", size=8.5),
    )
    return figure


def reliability(measured: dict, name: str = "the network") -> Figure:
    """Draw the accuracy at each confidence, before and after the temperature.

    Below it is the share of the test images in each bin. measured: the content of `metrics.json`.
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
    for column, (title, bins, error) in enumerate(sides):
        upper, lower = grid[:, column]
        filled = [row for row in bins if row["n"]]
        middles = [(row["low"] + row["high"]) / 2 for row in filled]
        width = 0.88 * (bins[0]["high"] - bins[0]["low"])
        right = np.array([row["accuracy"] for row in filled])
        intervals = [metrics.wilson_interval(round(r["accuracy"] * r["n"]), r["n"]) for r in filled]
        upper.bar(middles, right, width, color=TRUE, alpha=0.75, label="share that was right")
        upper.vlines(middles, *zip(*intervals, strict=True), color=INK, linewidth=0.9)
        upper.plot((0, 1), (0, 1), color=GRAY, linewidth=1, linestyle=(0, (4, 3)))
        upper.plot(
            middles,
            [row["confidence"] for row in filled],
            linestyle="none",
            marker="_",
            markersize=11,
            markeredgewidth=2,
            color=PREDICTED,
            label="confidence it stated",
        )
        lower.bar(middles, [row["n"] / n for row in filled], width, color=GRAY)
        for axes in (upper, lower):
            _style_axes(axes)
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        upper.set_title(
            f"{title}: ECE {error:.2%}",
            **_text(INK, ha="left", size=10, weight="bold", va="baseline"),
            loc="left",
        )
        upper.set(xlim=(0, 1), ylim=(0, 1.02))
        lower.set(ylim=(0, 1), yticks=(0, 0.5, 1))
        lower.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        lower.set_xlabel("confidence", **_text(GRAY, ha="center", va="top"))
    grid[0, 0].set_ylabel("accuracy", **_text(GRAY, ha="center", va="bottom"))
    grid[1, 0].set_ylabel("images", **_text(GRAY, ha="center", va="bottom"))
    _legend(figure, grid[0, 0])
    figure.supxlabel(
        f"n = {n:,} test images in {len(test['reliability'])} bins of confidence. Thin lines: 95% "
        "intervals of the share that was right.\nECE: mean distance between bar and orange mark, "
        "weighted by the number of images.",
        x=0.01,
        **_text(GRAY, ha="left", va="bottom", size=8.5),
    )
    return figure


def darken(figure: Figure) -> Figure:
    """Change the colors of a figure to those for a dark page, and return it."""
    table = {to_rgb(light): dark for light, dark in ON_DARK.items()}

    def dark(color: Any) -> Any:
        return to_rgba(table.get(to_rgb(color), color), to_rgba(color)[3])

    for artist in figure.findobj():
        if isinstance(artist, Text):
            artist.set_color(dark(artist.get_color()))
        elif isinstance(artist, Line2D):
            artist.set_color(dark(artist.get_color()))
            artist.set_markeredgecolor(dark(artist.get_markeredgecolor()))
        elif isinstance(artist, Patch):
            artist.set_facecolor(dark(artist.get_facecolor()))
            artist.set_edgecolor(dark(artist.get_edgecolor()))
        elif isinstance(artist, LineCollection):
            artist.set_color([dark(color) for color in artist.get_color()])
        elif isinstance(artist, AxesImage) and artist.get_cmap() is SHARES:
            artist.set_cmap(SHARES_ON_DARK)
    return figure


def to_image(figure: Figure) -> Image.Image:
    """Render the figure as an RGB picture, at its own resolution."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def draw_all(assets: Path = ASSETS, readme: Path = README) -> None:
    """Draw every picture for every checkpoint of the project, and update README's numbers.

    Writes nothing unless all pictures and tables succeed. Raises CheckpointError or DataError for
    missing files, LensError for a README without markers.
    """
    main = checkpoint.load("resnet")
    others = [checkpoint.load(name) for name in checkpoint.available() if name != main.name]
    checkpoints = [main] + [ckpt for ckpt in others if ckpt.training]
    sections = readme_sections(checkpoints)
    try:
        text = refresh_sections(readme.read_text(encoding="utf-8"), sections)
    except OSError as error:
        raise LensError(f"{readme} cannot be read: {error}.") from error
    rows = [mistakes.table(load_predictions(ckpt), ckpt.temperature) for ckpt in checkpoints]
    trained = [c for c in checkpoints if c.name == c.network]
    history = {c.name: checkpoint.read_history(c.path) for c in trained}
    test = cifar10.load("test")

    tasks: dict[str, tuple[Callable[..., Figure], list[Checkpoint]]] = {
        "training_images": (partial(training_images, cifar10.load("train")), []),
        "training_curves": (partial(training_curves, history), trained),
    }
    for ckpt, ckpt_rows in zip(checkpoints, rows, strict=True):
        for kind, draw_own in (
            ("misclassified", partial(misclassified, ckpt, ckpt_rows, test)),
            ("confusion_matrix", partial(confusion_matrix, ckpt.metrics, ckpt.name)),
            ("reliability", partial(reliability, ckpt.metrics, ckpt.name)),
        ):
            tasks[figure_path(ckpt.name, kind).stem] = draw_own, [ckpt]
    pngs = {}
    for name, (draw, shown) in tqdm(tasks.items(), "figures", unit="figure"):
        figure = draw()
        pngs[f"{name}.png"] = _png(figure, shown)
        pngs[f"{name}{DARK}.png"] = _png(darken(figure), shown)
    assets.mkdir(parents=True, exist_ok=True)
    for name, png in pngs.items():
        files.replace(assets / name, partial(_write, content=png))
    files.replace(readme, lambda path: path.write_text(text, encoding="utf-8"))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _rate(share: dict) -> str:
    return f"{share['value']:.1%}" if share["n"] else "none"


def _size_ranges(lines: list[dict]) -> list[tuple[int, int, int]]:
    """Return first epoch, last epoch and image size of each run of epochs with equal sizes."""
    ranges: list[tuple[int, int, int]] = []
    for line in lines:
        if ranges and ranges[-1][2] == line["size"]:
            ranges[-1] = (ranges[-1][0], line["epoch"], line["size"])
        else:
            ranges.append((line["epoch"], line["epoch"], line["size"]))
    return ranges


def _pixels(split: cifar10.Split, i: int) -> np.ndarray:
    """Return an image as uint8 (32, 32, 3)."""
    return split.images[int(i)].permute(1, 2, 0).numpy()


def _png(figure: Figure, checkpoints: Sequence[Checkpoint]) -> bytes:
    """Encode a figure as PNG without date or software, so that equal figures are equal files.

    checkpoints: those that it shows; the sha256 of their weights are written into the file.
    """
    stream, metadata = io.BytesIO(), PngInfo()
    if checkpoints:
        metadata.add_text(WEIGHTS, " ".join(ckpt.sha256 for ckpt in checkpoints))
    to_image(figure).save(stream, "PNG", optimize=True, pnginfo=metadata)
    return stream.getvalue()


def _page(width: int, height: int) -> tuple[Figure, Axes]:
    """Create an empty figure whose coordinates are pixels from the upper left corner."""
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    page = figure.add_axes((0, 0, 1, 1))
    page.set(xlim=(0, width), ylim=(height, 0))
    page.autoscale(False)
    page.axis("off")
    return figure, page


def _charts(height: int) -> Figure:
    """Create an empty figure for axes side by side, `height` pixels tall."""
    return Figure(
        figsize=(WIDTH / DPI, height / DPI),
        dpi=DPI,
        facecolor="white",
        layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06),
    )


def _legend(figure: Figure, axes: Axes) -> None:
    """Add a one-line legend above all axes, where no curve overlaps it."""
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside upper left",
        ncols=2,
        frameon=False,
        prop={"family": FONT, "size": TEXT},
        labelcolor=INK,
    )


def _picture(page: Axes, image: np.ndarray, x: float, y: float, side: int) -> None:
    """Draw a square image with its upper left corner at (x, y).

    `side` must be a multiple of the image's size to keep its pixels square.
    """
    page.imshow(image, extent=(x, x + side, y + side, y), interpolation="nearest", aspect="auto")


def _title() -> dict:
    return _text(INK, size=TITLE, weight="bold")


def _text(
    color: str, *, ha: str = "left", va: str = "center", size: float = TEXT, weight: str = "normal"
) -> dict:
    return {
        "color": color, "ha": ha, "va": va, "fontsize": size, "fontweight": weight,
        "fontfamily": FONT,
    }  # fmt: skip


def _style_axes(axes: Axes) -> None:
    """Style axes with faint horizontal lines, no box and small gray numbers."""
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(length=0, labelsize=TEXT, labelcolor=GRAY, labelfontfamily=FONT)
