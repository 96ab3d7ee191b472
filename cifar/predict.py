"""Classification of many pictures into lines or a table.

    python -m cifar predict photo.jpg
    python -m cifar predict photos/ 'more/*.png' --out predictions.csv --heatmaps maps/
    python -m cifar predict https://example.org/photo.jpg

Pictures that cannot be read, names that match none, and other files in folders are reported and
skipped.
"""

import csv
import glob
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from PIL import Image
from tqdm import tqdm

from cifar import CLASSES, LensError
from cifar.data import remote_pictures
from cifar.data.pictures import Seen, open_image, prepare, see
from cifar.evaluation import metrics
from cifar.evaluation.classifier import Answer, classify_all
from cifar.explain.drawing import overlay
from cifar.explain.heat_maps import heat_maps
from cifar.models.checkpoint import Checkpoint

BATCH = 128
ZOOM = 8
NAMED = 5  # skipped files that are named
# The first bytes of pictures, also of kinds that cannot be read: these are reported one by one.
SIGNATURES = (
    b"\x89PNG",
    b"\xff\xd8\xff",  # JPEG
    b"GIF8",
    b"BM",
    b"II*\0",  # TIFF, as the next
    b"MM\0*",
    b"\xff\x0a",  # JPEG XL, as the next
    b"\0\0\0\x0cJXL ",
    b"\0\0\0\x0cjP  ",  # JPEG 2000
    b"8BPS",  # Photoshop
)
# The kinds of ISO media files that are pictures: AVIF and HEIC. Others are films.
BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"heif", b"mif1", b"msf1")

Source = Path | str  # of a picture: a file or an address


@dataclass(frozen=True)
class Picture:
    """A picture, what the network sees of it, and the answer."""

    source: Source
    seen: Seen
    answer: Answer


@dataclass(frozen=True)
class Unreadable:
    """A picture that could not be read, and the reason in a sentence."""

    source: Source
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
    before any picture is read. If the run is interrupted, the table holds the rows so far. Returns
    whether every name matched pictures, all could be read and all heat maps were written. Raises
    LensError if there is no picture at all or the table cannot be written.
    """
    prepare()
    sources, missing, skipped = find(patterns)
    for name in missing:
        _report(name, "No picture was found.")
    if skipped:
        names = ", ".join(map(str, skipped[:NAMED]))
        more = f" and {len(skipped) - NAMED:,} more" if len(skipped) > NAMED else ""
        _report("Skipped, for they are no pictures", f"{names}{more}.")
    if heatmaps is not None:
        _make_folder(heatmaps)
    failed, answered = len(missing), 0
    try:
        with open_table(out, top_k) as write_row:
            pictures = predict(ckpt, sources, progress=len(sources) > 1)
            for number, picture in enumerate(pictures, start=1):
                if isinstance(picture, Unreadable):
                    failed += 1
                    _report(picture.source, picture.problem)
                    continue
                if out is None:
                    tqdm.write(format_line(picture, top_k), file=sys.stdout)
                write_row(picture)
                answered += 1
                if heatmaps is not None:
                    failed += not save_heat_map(ckpt, picture, heatmaps, number)
    finally:
        if out is not None and out.is_file():
            print(f"{out}: {answered:,} of {len(sources):,} pictures")
    return failed == 0


def _report(name: Source, problem: str) -> None:
    tqdm.write(f"{name}: {problem}", file=sys.stderr)


def find(patterns: Sequence[str | Path]) -> tuple[list[Source], list[str], list[Path]]:
    """Return the pictures of names, folders, globs and addresses, each once in given order.

    A folder gives all pictures in and below it, also below linked folders, in alphabetical order.
    Also returns the names that match nothing, and the files in folders that are no pictures by
    their first bytes (hidden files are passed over). Raises LensError if there is no picture.
    """
    if not patterns:
        raise LensError("No picture was named: name files, folders, globs or addresses.")
    sources: dict[Source, None] = {}
    missing: list[str] = []
    skipped: list[Path] = []
    for pattern in map(str, patterns):
        found: list[Source] = []
        if remote_pictures.is_address(pattern):
            found = [pattern]
        elif os.path.isdir(pattern):
            for file in _files_below(pattern):
                (found if _is_picture(file) else skipped).append(file)
        elif os.path.exists(pattern):  # unlike Path.exists, also of names that are too long
            found = [Path(pattern)]
        else:
            names = sorted(glob.glob(pattern, recursive=True))
            found = [Path(name) for name in names if os.path.isfile(name)]
        if not found:
            missing.append(pattern)
        sources |= dict.fromkeys(found)
    if not sources:
        raise LensError(
            f"There is no picture {', '.join(missing)}: name files, folders, globs or addresses."
        )
    return list(sources), missing, skipped


def _files_below(folder: str) -> list[Path]:
    """List the files in and below a folder, each folder once, also if links lead around."""
    files, seen = [], set()
    for place, folders, names in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(place)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = [Path(place, name) for name in names if not name.startswith(".")]
        files += [path for path in paths if path.is_file()]
    return sorted(files)


def _is_picture(file: Path) -> bool:
    """Return whether a file is a picture by its first bytes, or cannot be read."""
    try:
        with file.open("rb") as stream:
            first = stream.read(12)
    except OSError:
        return True  # the reason is reported when it is read
    is_webp = first[:4] == b"RIFF" and first[8:] == b"WEBP"
    is_iso_picture = first[4:8] == b"ftyp" and first[8:] in BRANDS
    return first.startswith(SIGNATURES) or is_webp or is_iso_picture


def predict(
    ckpt: Checkpoint, sources: Sequence[Source], *, progress: bool = True
) -> Iterator[Picture | Unreadable]:
    """Yield the network's answer for each picture, in order, one batch in memory at a time."""
    bar = tqdm(total=len(sources), unit="picture", disable=not progress)
    with ThreadPoolExecutor() as pool, bar:
        remaining = iter(sources)
        while batch := list(islice(remaining, BATCH)):
            read = list(pool.map(_read, batch))
            pictures = [seen for seen in read if isinstance(seen, Seen)]
            answers = iter(classify_all(ckpt, pictures) if pictures else [])
            for source, seen in zip(batch, read, strict=True):
                bar.update()
                yield seen if isinstance(seen, Unreadable) else Picture(source, seen, next(answers))


def _read(source: Source) -> Seen | Unreadable:
    try:
        if isinstance(source, Path):
            return see(open_image(source))
        with tempfile.TemporaryDirectory() as folder:
            remote_pictures.fetch(source, Path(folder, "picture"))
            return see(open_image(Path(folder, "picture")))
    except LensError as error:
        return Unreadable(source, str(error))


def format_line(picture: Picture, top_k: int) -> str:
    """Format a picture's answer: 'cat.jpg: cat 98.0%, dog 1.2%'."""
    answers = [f"{name} {metrics.written(p, 1)}" for name, p in picture.answer.top(top_k)]
    return f"{picture.source}: {', '.join(answers)}"


def _make_folder(folder: Path) -> None:
    """Create a folder if it does not exist.

    Raises LensError if it cannot be written to.
    """
    try:
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise LensError(f"{folder} cannot be written to: {error.strerror}.") from error


@contextmanager
def open_table(path: Path | None, top_k: int) -> Iterator[Callable[[Picture], object]]:
    """Provide a function that adds a picture's row to a CSV file; to none if the path is None.

    Columns: file, then class and probability, most probable first. The file replaces an older one
    at the end of the block, however that ends: nothing that was answered is lost. Raises LensError
    if it cannot be written.
    """
    if path is None:
        yield lambda picture: None
        return
    if path.is_dir():
        raise LensError(f"{path} is a folder: name a file for the table.")
    _make_folder(path.parent)
    ranks = range(1, top_k + 1)
    columns = [f"{column}_{rank}" for rank in ranks for column in ("class", "probability")]
    partial = path.with_name(path.name + ".partial")

    def write_row(picture: Picture) -> None:
        answers = (value for answer in picture.answer.top(top_k) for value in answer)
        rows.writerow([picture.source, *answers])

    try:
        # surrogateescape: a file name may hold any bytes, which are written unchanged.
        with partial.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(["file", *columns])
            try:
                yield write_row
            finally:
                stream.flush()
                os.fsync(stream.fileno())
                partial.replace(path)
    except OSError as error:
        raise LensError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)


def heat_map_name(number: int, picture: Picture) -> str:
    """Return '0007-photo-cat.png': in the table's order, unique for equal names in two folders."""
    source = picture.source
    stem = Path(source if isinstance(source, Path) else unquote(urlsplit(source).path)).stem
    return f"{number:04d}-{stem[:100]}-{CLASSES[picture.answer.predicted]}.png"


def save_heat_map(ckpt: Checkpoint, picture: Picture, folder: Path, number: int) -> bool:
    """Save the predicted class's heat map over the main look, 256x256, as a PNG file.

    Returns whether it could be written; if not, the reason is reported.
    """
    image = picture.seen.views[0]
    (heat,) = heat_maps(ckpt, image, [picture.answer.predicted])
    large = image.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    path = folder / heat_map_name(number, picture)
    try:
        Image.fromarray(overlay(large, heat)).save(path)
    except OSError as error:
        _report(path, f"The heat map cannot be written: {error.strerror or error}.")
        return False
    return True
