"""CIFAR-10 as uint8 tensors, checked pixel for pixel against the official release.

The test split is part of this project. The training split is downloaded from the Hugging Face Hub
(`uoft-cs/cifar10`), decoded once and then memory-mapped, or read from files that torchvision
downloaded. `official` is True if every block of 10,000 rows has the md5 of the release.
"""

import contextlib
import json
import os
import tempfile
import tokenize
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from cifar import CLASSES
from cifar.data import release
from cifar.data.downloads import cache_home
from cifar.data.image_table import DataError, ImageTable

# Errors of reading a cache that is absent, incomplete, altered or no array at all.
READ_ERRORS = (
    OSError,
    ValueError,
    EOFError,
    MemoryError,
    OverflowError,
    RecursionError,
    SyntaxError,
    TypeError,
    tokenize.TokenError,
)
VAL_SIZE = 2_000
VAL_SEED = 2009  # the year of the technical report that introduced the dataset


@dataclass(frozen=True)
class Split:
    """A split of the dataset.

    images: uint8 (N, 3, 32, 32), 0 to 255, RGB. labels: int64 (N,), 0 to 9. indices: int64 (N,),
    the position of each image in the official order of its release file (train or test).
    official: whether all pixels and labels equal those of the official release.
    """

    name: str
    images: torch.Tensor
    labels: torch.Tensor
    indices: torch.Tensor
    official: bool

    def __len__(self) -> int:
        return len(self.labels)


def load(split: str, source: str | Path | None = None) -> Split:
    """Load `train` (48,000 images), `val` (2,000 of the 50,000 training images) or `test` (10,000).

    source: training images downloaded by torchvision: the folder `cifar-10-batches-py`, its parent
    folder or its .tar.gz; if None, the environment variable CIFAR_DATA, and the Hub if that is not
    set. The first call downloads and decodes the Hub's file; later calls map the decoded file into
    memory. Raises DataError if the data is not available or is damaged.
    """
    if split not in ("train", "val", "test"):
        raise DataError(f"There is no split {split!r}: choose train, val or test.")
    if split == "test":
        return load_test(release.TEST_FILE)
    if source := source or os.environ.get(release.SOURCE_VARIABLE):
        rows = read_torchvision(Path(source))
        official = tuple(release.block_md5(rows)) == release.OFFICIAL_MD5["train"]
    else:
        rows, official = _read_cache() or _build_cache()
    images = torch.from_numpy(rows[:, 1:]).reshape(-1, 3, 32, 32)
    labels = torch.from_numpy(rows[:, 0].astype(np.int64))
    held_out = val_mask(labels)
    indices = torch.arange(len(rows))[held_out if split == "val" else ~held_out]
    return Split(split, images[indices], labels[indices], indices, official)


def load_test(path: Path) -> Split:
    """Load the test split from a parquet file.

    Raises DataError if it is missing or damaged.
    """
    table = ImageTable(path)
    pixels = table.decode()
    md5 = release.block_md5(release.as_rows(pixels, table.labels))
    official = tuple(md5) == release.OFFICIAL_MD5["test"]
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(table.labels.astype(np.int64))
    return Split("test", images, labels, torch.arange(len(labels)), official)


def val_mask(labels: torch.Tensor) -> torch.Tensor:
    """Return which training images, in official order, are held out as `val`: bool (N,).

    Stratified (the same number of each class) and fixed by VAL_SEED.
    """
    generator = torch.Generator().manual_seed(VAL_SEED)
    order = torch.randperm(len(labels), generator=generator)
    mask = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(len(CLASSES)):
        of_class = order[labels[order] == label]
        mask[of_class[: VAL_SIZE // len(CLASSES)]] = True
    return mask


def cache_dir() -> Path:
    """Return the folder of decoded splits, in CIFAR_CACHE_DIR or in the user's cache."""
    base = os.environ.get("CIFAR_CACHE_DIR")
    return (cache_home() if base is None else Path(base)) / release.REVISION[:12]


def _train_count() -> int:
    return len(release.OFFICIAL_MD5["train"]) * release.BLOCK


def _cache_paths() -> tuple[Path, Path]:
    return cache_dir() / "train.npy", cache_dir() / "train.json"


def _read_cache() -> tuple[np.ndarray, bool] | None:
    """Return the memory-mapped training rows and `official`; None without a valid cache."""
    rows_path, facts_path = _cache_paths()
    try:
        facts = json.loads(facts_path.read_text())
        # Copy-on-write: torch requires writable memory, and the file must not change.
        rows = np.lib.format.open_memmap(rows_path, mode="c")
    except READ_ERRORS:
        return None
    if rows.dtype != np.uint8 or rows.shape != (_train_count(), release.ROW_BYTES):
        return None
    if facts != _facts(release.block_md5(rows)):  # altered after it was written
        return None
    return rows, facts["official"]


def _build_cache() -> tuple[np.ndarray, bool]:
    """Download and decode the Hub's training file, and cache the rows."""
    path = release.download("train")
    table = ImageTable(path)
    if len(table) != _train_count():
        raise DataError(f"{path} holds {len(table):,} images instead of {_train_count():,}.")
    rows = release.official_order(release.as_rows(table.decode("decode train"), table.labels))
    rows_path, facts_path = _cache_paths()
    partial = rows_path.with_suffix(f".{os.getpid()}.partial")
    try:
        rows_path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.save(stream, rows)
        os.replace(partial, rows_path)
        facts = _facts(release.block_md5(rows))
        partial.write_text(json.dumps(facts))
        os.replace(partial, facts_path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise DataError(
            f"The decoded images could not be written to {rows_path.parent} ({error}): "
            "free some space or set CIFAR_CACHE_DIR to a folder that can be written."
        ) from error
    return rows, facts["official"]


def read_torchvision(source: Path) -> np.ndarray:
    """Read the training rows, uint8 (50000, 3073), from the Python release that torchvision keeps.

    source: the folder `cifar-10-batches-py`, its parent folder, or `cifar-10-python.tar.gz`.
    torchvision checks the md5 of every file before it unpickles any. Raises DataError.
    """
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import check_integrity, extract_archive

    with tempfile.TemporaryDirectory(prefix="cifar-lens-") as scratch:
        root = source.parent if source.name == CIFAR10.base_folder else source
        if source.is_file():
            if not check_integrity(source, CIFAR10.tgz_md5):
                raise DataError(
                    f"{source} is not {CIFAR10.filename} as it was published (its md5 differs): "
                    f"name that file, or the folder {CIFAR10.base_folder}."
                )
            extract_archive(source, scratch)
            root = Path(scratch)
        try:
            dataset = CIFAR10(root, train=True, download=False)
        except RuntimeError as error:
            raise DataError(
                f"{source} holds no {CIFAR10.base_folder} as it was published (a file is missing "
                f"or its md5 differs): name the folder where torchvision left it, or "
                f"{CIFAR10.filename}."
            ) from error
    return release.as_rows(dataset.data, np.array(dataset.targets, np.uint8))


def _facts(md5: list[str]) -> dict:
    official = tuple(md5) == release.OFFICIAL_MD5["train"]
    return {"revision": release.REVISION, "md5": md5, "official": official}
