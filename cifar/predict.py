"""Classification of many pictures into lines or a table.

    python -m cifar predict photo.jpg
    python -m cifar predict photos/ 'more/*.png' --out predictions.csv --heatmaps maps/

Pictures that cannot be read and names that match none are reported and skipped.
"""

import csv
import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from PIL import Image
from tqdm import tqdm

from cifar import CLASSES, LensError
from cifar.data.pictures import FORMATS, ImageError, network_view, open_image, silence_warnings
from cifar.evaluation.classifier import Answer, classify_all
from cifar.explain.drawing import overlay
from cifar.explain.heat_maps import heat_maps
from cifar.files import replace
from cifar.models.checkpoint import Checkpoint

BATCH = 128
# Suffixes of the pictures in a folder; a file that is named itself is always tried.
SUFFIXES = {".jpg", *(f".{name.lower()}" for name in FORMATS)}
ZOOM = 8

Row = tuple[Path, list[tuple[str, float]]]  # a picture's file and its most probable classes


@dataclass(frozen=True)
class Picture:
    """A file, what the network sees of it, uint8 (32, 32, 3), and the answer."""

    path: Path
    image: np.ndarray
    answer: Answer


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read, and the reason in a sentence."""

    path: Path
    problem: str


def run(
    ckpt: Checkpoint,
    patterns: Sequence[str | Path],
    *,
    top_k: int,
    out: Path | None = None,
    heatmaps: Path | None = None,
) -> bool:
    """Print an answer for each picture, or write all to `out` as CSV, and report failures.

    heatmaps: a folder for heat maps, see `heat_map_name`. It and the folder of `out` are created
    before any picture is read. Only the table's rows are kept in memory. Returns whether every name
    matched pictures and all could be read. Raises LensError if there is no picture at all or
    something cannot be written.
    """
    silence_warnings()
    paths, missing = find(patterns)
    for name in missing:
        tqdm.write(f"{name}: No picture was found.", file=sys.stderr)
    if out is not None:
        if out.is_dir():
            raise LensError(f"{out} is a folder: name a file for the table.")
        _make_folder(out.parent)
    if heatmaps is not None:
        _make_folder(heatmaps)
    rows: list[Row] = []
    failed = len(missing)
    for number, picture in enumerate(predict(ckpt, paths, progress=len(paths) > 1), start=1):
        if isinstance(picture, Unreadable):
            failed += 1
            tqdm.write(f"{picture.path}: {picture.problem}", file=sys.stderr)
            continue
        if out is None:
            tqdm.write(format_line(picture, top_k), file=sys.stdout)
        else:
            rows.append((picture.path, picture.answer.top(top_k)))
        if heatmaps is not None:
            save_heat_map(ckpt, picture, heatmaps / heat_map_name(number, picture))
    if out is not None:
        write_table(out, rows, top_k)
        print(f"{out}: {len(rows):,} of {len(paths):,} pictures")
    return failed == 0


def find(patterns: Sequence[str | Path]) -> tuple[list[Path], list[str]]:
    """Return the files of names, folders and globs, each once in given order, and missing names.

    A folder gives all pictures in and below it, in alphabetical order. Raises LensError if there is
    no file at all.
    """
    if not patterns:
        raise LensError("No picture was named: name files, folders or globs.")
    paths: dict[Path, None] = {}
    missing = []
    for pattern in map(str, patterns):
        path = Path(pattern)
        if os.path.isdir(pattern):
            files = [file for file in sorted(path.rglob("*")) if _is_picture(file)]
        elif os.path.exists(pattern):  # unlike Path.exists, also of names that are too long
            files = [path]
        else:
            files = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
            files = [file for file in files if file.is_file()]
        if not files:
            missing.append(pattern)
        paths |= dict.fromkeys(files)
    if not paths:
        raise LensError(f"There is no picture {', '.join(missing)}: name files, folders or globs.")
    return list(paths), missing


def _is_picture(file: Path) -> bool:
    return file.is_file() and file.suffix.lower() in SUFFIXES


def predict(
    ckpt: Checkpoint, paths: Sequence[Path], *, progress: bool = True
) -> Iterator[Picture | Unreadable]:
    """Yield the network's answer for each file, in order, one batch in memory at a time."""
    bar = tqdm(total=len(paths), unit="picture", disable=not progress)
    with ThreadPoolExecutor() as pool, bar:
        remaining = iter(paths)
        while batch := list(islice(remaining, BATCH)):
            views = list(pool.map(_read, batch))
            images = [view for view in views if isinstance(view, np.ndarray)]
            answers = iter(classify_all(ckpt, np.stack(images)) if images else [])
            for path, view in zip(batch, views, strict=True):
                bar.update()
                yield view if isinstance(view, Unreadable) else Picture(path, view, next(answers))


def _read(path: Path) -> np.ndarray | Unreadable:
    try:
        return network_view(open_image(path))
    except ImageError as error:
        return Unreadable(path, str(error))


def format_line(picture: Picture, top_k: int) -> str:
    """Format a picture's answer: 'cat.jpg: cat 98.0%, dog 1.2%'."""
    answers = picture.answer.top(top_k)
    return f"{picture.path}: " + ", ".join(f"{name} {share:.1%}" for name, share in answers)


def _make_folder(folder: Path) -> None:
    """Create a folder if it does not exist.

    Raises LensError if it cannot be written to.
    """
    try:
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise LensError(f"{folder} cannot be written to: {error.strerror}.") from error


def write_table(path: Path, table: Iterable[Row], top_k: int) -> None:
    """Write a CSV row per picture: file, then class and probability, most probable first.

    The write is atomic. Raises LensError if it fails.
    """
    ranks = range(1, top_k + 1)
    head = [f"{column}_{rank}" for rank in ranks for column in ("class", "probability")]

    def write(partial: Path) -> None:
        # surrogateescape: a file name may hold any bytes, which are written unchanged.
        with partial.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(["file", *head])
            for file, answers in table:
                rows.writerow([file, *(value for answer in answers for value in answer)])

    try:
        replace(path, write)
    except OSError as error:
        raise LensError(f"{path} cannot be written: {error.strerror}.") from error


def heat_map_name(number: int, picture: Picture) -> str:
    """Return '0007-photo-cat.png': in the table's order, unique for equal names in two folders."""
    return f"{number:04d}-{picture.path.stem}-{CLASSES[picture.answer.predicted]}.png"


def save_heat_map(ckpt: Checkpoint, picture: Picture, path: Path) -> None:
    """Save the predicted class's heat map over what the network saw, 256x256, as a PNG file.

    Raises LensError if it cannot be written.
    """
    (heat,) = heat_maps(ckpt, picture.image, [picture.answer.predicted])
    large = picture.image.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    try:
        Image.fromarray(overlay(large, heat)).save(path)
    except OSError as error:
        raise LensError(f"{path} cannot be written: {error.strerror}.") from error
