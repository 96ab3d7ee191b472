"""CIFAR-10 as uint8 tensors, checked pixel for pixel against the official release.

The test split is part of this project. The training split comes from the Hugging Face Hub
(`uoft-cs/cifar10`), is decoded once and memory-mapped from then on, or from a folder that
torchvision left. Rows are those of the official binary release (one label byte, then 1024 red, 1024
green and 1024 blue bytes), so that blocks of 10,000 rows can be compared with it by md5: `official`
says whether every block is the real one.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import tokenize
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from cifar import ASSETS, CLASSES
from cifar.data.downloads import cache_home
from cifar.data.image_table import DataError, ImageTable
from cifar.models import hub

DATASET = "uoft-cs/cifar10"
REVISION = "0b2714987fa478483af9968de7c934580d0bb9a2"
FILES = {
    "train": "plain_text/train-00000-of-00001.parquet",
    "test": "plain_text/test-00000-of-00001.parquet",
}
TEST_FILE = ASSETS / "cifar10-test.parquet"
SOURCE_VARIABLE = "CIFAR_DATA"
# md5 of each batch file of the binary release (https://www.cs.toronto.edu/~kriz/cifar.html), in
# official order; the parquet file holds the training batches in another order.
OFFICIAL_MD5 = {
    "train": (
        "5dd7e06a14cb22eb9f671a540d1b7c25",
        "5ea93a67294ea407fff1d09f752e9692",
        "942cd6a4bcdd0dd3c604fbe906cb4421",
        "ae636b3ba5c66a11e91e8cb52e771fcb",
        "53f37980c15c3d472c316c40844f3f0d",
    ),
    "test": ("803d5f7f4d78ea53de84dbe85f74fb6d",),
}
BLOCK = 10_000
ROW_BYTES = 1 + 3 * 32 * 32
# What reading the cache raises where it is absent, half-written, altered or no array at all.
UNREADABLE = (
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
    """One part of the dataset.

    images: uint8 (N, 3, 32, 32), 0 to 255, RGB. labels: int64 (N,), 0 to 9. indices: int64 (N,),
    the position of each image in the official order of its release file (train or test).
    official: whether every pixel and label is that of the official release.
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

    source: where torchvision left the training images, `cifar-10-batches-py`, the folder that holds
    it or its .tar.gz; the environment variable CIFAR_DATA if None, and the Hub if that is not set.
    The first call downloads and decodes the Hub's file; later calls map the decoded file into
    memory. Raises DataError if the data cannot be had or is damaged.
    """
    if split not in ("train", "val", "test"):
        raise DataError(f"There is no split {split!r}: choose train, val or test.")
    if split == "test":
        return load_test(TEST_FILE)
    if source := source or os.environ.get(SOURCE_VARIABLE):
        rows = read_torchvision(Path(source))
        official = tuple(block_md5(rows)) == OFFICIAL_MD5["train"]
    else:
        rows, official = _read_cache() or _build_cache()
    images = torch.from_numpy(rows[:, 1:]).reshape(-1, 3, 32, 32)
    labels = torch.from_numpy(rows[:, 0].astype(np.int64))
    held_out = val_mask(labels)
    indices = torch.arange(len(rows))[held_out if split == "val" else ~held_out]
    return Split(split, images[indices], labels[indices], indices, official)


def load_test(path: Path) -> Split:
    """Load the test split from a parquet file. Raises DataError if it is missing or damaged."""
    table = ImageTable(path)
    pixels = table.decode()
    official = tuple(block_md5(_rows(pixels, table.labels))) == OFFICIAL_MD5["test"]
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(table.labels.astype(np.int64))
    return Split("test", images, labels, torch.arange(len(labels)), official)


def val_mask(labels: torch.Tensor) -> torch.Tensor:
    """Which of the training images, in official order, are held out as `val`: bool (N,).

    Stratified (the same number of each class) and fixed for good by VAL_SEED.
    """
    generator = torch.Generator().manual_seed(VAL_SEED)
    order = torch.randperm(len(labels), generator=generator)
    mask = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(len(CLASSES)):
        of_class = order[labels[order] == label]
        mask[of_class[: VAL_SIZE // len(CLASSES)]] = True
    return mask


def cache_dir() -> Path:
    """Where decoded splits are kept: CIFAR_CACHE_DIR, or a folder of the user's cache."""
    base = os.environ.get("CIFAR_CACHE_DIR")
    return (cache_home() if base is None else Path(base)) / REVISION[:12]


def _cache_paths() -> tuple[Path, Path]:
    return cache_dir() / "train.npy", cache_dir() / "train.json"


def _read_cache() -> tuple[np.ndarray, bool] | None:
    """Return the memory-mapped training rows and their official flag; None if there are none."""
    rows_path, facts_path = _cache_paths()
    try:
        facts = json.loads(facts_path.read_text())
        # Copy-on-write, because torch wants memory that it may write to; the file never changes.
        rows = np.lib.format.open_memmap(rows_path, mode="c")
    except UNREADABLE:
        return None
    if rows.dtype != np.uint8 or rows.shape != (len(OFFICIAL_MD5["train"]) * BLOCK, ROW_BYTES):
        return None
    if facts != _facts(block_md5(rows)):  # altered after it was written
        return None
    return rows, facts["official"]


def _build_cache() -> tuple[np.ndarray, bool]:
    """Download and decode the Hub's training file, and keep the rows."""
    path = download("train")
    table = ImageTable(path)
    expected = len(OFFICIAL_MD5["train"]) * BLOCK
    if len(table) != expected:
        raise DataError(f"{path} holds {len(table):,} images instead of {expected:,}.")
    rows = official_order(_rows(table.decode("decode train"), table.labels))
    rows_path, facts_path = _cache_paths()
    partial = rows_path.with_suffix(f".{os.getpid()}.partial")
    try:
        rows_path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.save(stream, rows)
        os.replace(partial, rows_path)
        facts = _facts(block_md5(rows))
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

    source: the folder `cifar-10-batches-py`, the folder that holds it, or `cifar-10-python.tar.gz`.
    torchvision compares every file with its md5 before it unpickles any. Raises DataError.
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
    return _rows(dataset.data, np.array(dataset.targets, np.uint8))


def _rows(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Images (N, 32, 32, 3) and labels (N,) in the layout of the binary release."""
    pixels = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([labels[:, None], pixels], axis=1)


def _facts(md5: list[str]) -> dict:
    official = tuple(md5) == OFFICIAL_MD5["train"]
    return {"revision": REVISION, "md5": md5, "official": official}


def block_md5(rows: np.ndarray) -> list[str]:
    """md5 of each block of 10,000 rows of a uint8 (N, 3073) array."""
    return [hashlib.md5(rows[i : i + BLOCK]).hexdigest() for i in range(0, len(rows), BLOCK)]


def official_order(rows: np.ndarray) -> np.ndarray:
    """Put the blocks of training rows into official order if all are known, else leave them."""
    md5 = block_md5(rows)
    if sorted(md5) != sorted(OFFICIAL_MD5["train"]):
        return rows
    return np.concatenate(
        [rows[md5.index(known) * BLOCK :][:BLOCK] for known in OFFICIAL_MD5["train"]]
    )


def download(file: str) -> Path:
    """Return the Hub's parquet file of `train` or `test`, downloaded unless it is in the cache.

    Resumes interrupted downloads. Raises DataError.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )
    from huggingface_hub.utils import httpx

    try:
        path = hf_hub_download(DATASET, FILES[file], repo_type="dataset", revision=REVISION)
    except (LocalEntryNotFoundError, httpx.HTTPError, OSError) as error:
        missing = f"CIFAR-10's {file} images are not on this computer and could not be "
        of_network = isinstance(error, httpx.HTTPError | ConnectionError | TimeoutError)
        if not of_network and (reason := getattr(error, "strerror", None)):
            raise DataError(
                f"{missing}kept in the Hugging Face cache ({reason}): free some space, or set "
                "HF_HOME to a folder that can be written."
            ) from error
        for cause in hub.causes(error):
            # The dataset's name is a constant, so a 404 means that the Hub moved it.
            unknown = isinstance(cause, HfHubHTTPError) and hub.is_unknown(cause)
            if isinstance(cause, HfHubHTTPError | OfflineModeIsEnabled) and not unknown:
                said = hub.sentence(cause, DATASET, "read")
                raise DataError(
                    f"{missing}downloaded. {said} Or name a copy that torchvision left: "
                    f"set {SOURCE_VARIABLE} to the folder that holds cifar-10-batches-py."
                ) from error
        raise DataError(
            f"{missing}downloaded from the Hugging Face Hub ({DATASET}): connect to the internet "
            "and try again, or name a copy that torchvision left: set "
            f"{SOURCE_VARIABLE} to the folder that holds cifar-10-batches-py."
        ) from error
    return Path(path)
