"""CIFAR-10 as uint8 tensors, checked pixel for pixel against the official release.

The images come from the Hugging Face Hub (`uoft-cs/cifar10`, one parquet file of PNGs a split), are
decoded once, and are memory-mapped from then on. The cache holds the rows of the official binary
release (one label byte, then 1024 red, 1024 green and 1024 blue bytes), so that blocks of 10,000
rows can be compared with that release by md5: `official` says whether every block is the real one.
"""

import contextlib
import hashlib
import io
import json
import os
import tokenize
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from cifar import CLASSES, LensError, hub
from cifar.pinned import cache_home

DATASET = "uoft-cs/cifar10"
REVISION = "0b2714987fa478483af9968de7c934580d0bb9a2"
FILES = {
    "train": "plain_text/train-00000-of-00001.parquet",
    "test": "plain_text/test-00000-of-00001.parquet",
}
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


class DataError(LensError):
    """The dataset could not be had, or is not what it should be; the message says what to do."""


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


def load(split: str) -> Split:
    """Load `train` (48,000 images), `val` (2,000 of the 50,000 training images) or `test` (10,000).

    The first call downloads and decodes the release file that holds the split; later calls map the
    decoded file into memory. Raises DataError if the data cannot be had or is damaged.
    """
    if split not in ("train", "val", "test"):
        raise DataError(f"There is no split {split!r}: choose train, val or test.")
    file = "test" if split == "test" else "train"
    rows, official = _read_cache(file) or _build_cache(file)
    images = torch.from_numpy(rows[:, 1:]).reshape(-1, 3, 32, 32)
    labels = torch.from_numpy(rows[:, 0].astype(np.int64))
    indices = torch.arange(len(rows))
    if split != "test":
        held_out = val_mask(labels)
        indices = indices[held_out if split == "val" else ~held_out]
        images, labels = images[indices], labels[indices]
    return Split(split, images, labels, indices, official)


def cached_training_images() -> tuple[np.ndarray, np.ndarray] | None:
    """All training images, where they have been decoded before; touches no network.

    Returns uint8 (50000, 3, 32, 32) and labels, uint8 (50000,), in the official order, or None.
    """
    found = _read_cache("train")
    if found is None:
        return None
    rows, _ = found
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]


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


def _cache_paths(file: str) -> tuple[Path, Path]:
    return cache_dir() / f"{file}.npy", cache_dir() / f"{file}.json"


def _read_cache(file: str) -> tuple[np.ndarray, bool] | None:
    """The memory-mapped rows and their official flag, or None where there is no sound cache."""
    rows_path, facts_path = _cache_paths(file)
    try:
        facts = json.loads(facts_path.read_text())
        # Copy-on-write, because torch wants memory that it may write to; the file never changes.
        rows = np.lib.format.open_memmap(rows_path, mode="c")
    except UNREADABLE:
        return None
    if rows.dtype != np.uint8 or rows.shape != (len(OFFICIAL_MD5[file]) * BLOCK, ROW_BYTES):
        return None
    md5 = block_md5(rows)
    if facts != _facts(file, md5):  # altered after it was written
        return None
    return rows, facts["official"]


def _build_cache(file: str) -> tuple[np.ndarray, bool]:
    rows = official_order(decode_parquet(download(file), file), file)
    rows_path, facts_path = _cache_paths(file)
    partial = rows_path.with_suffix(f".{os.getpid()}.partial")
    try:
        rows_path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.save(stream, rows)
        os.replace(partial, rows_path)
        facts = _facts(file, block_md5(rows))
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


def _facts(file: str, md5: list[str]) -> dict:
    return {"revision": REVISION, "md5": md5, "official": tuple(md5) == OFFICIAL_MD5[file]}


def block_md5(rows: np.ndarray) -> list[str]:
    """md5 of each block of 10,000 rows of a uint8 (N, 3073) array."""
    return [hashlib.md5(rows[i : i + BLOCK]).hexdigest() for i in range(0, len(rows), BLOCK)]


def official_order(rows: np.ndarray, file: str) -> np.ndarray:
    """Rows with their blocks put into official order where all are known, else as they came."""
    md5 = block_md5(rows)
    if sorted(md5) != sorted(OFFICIAL_MD5[file]):
        return rows
    return np.concatenate(
        [rows[md5.index(known) * BLOCK :][:BLOCK] for known in OFFICIAL_MD5[file]]
    )


def download(file: str) -> Path:
    """The parquet file of `train` or `test`, from the Hugging Face cache or the Hub.

    A connection that is lost is taken up again where it broke, several times; what then is not
    whole goes. Raises DataError.
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
            # Nobody typed the dataset's name, so a Hub that has none of that name is no help.
            unknown = isinstance(cause, HfHubHTTPError) and hub.is_unknown(cause)
            if isinstance(cause, HfHubHTTPError | OfflineModeIsEnabled) and not unknown:
                said = hub.sentence(cause, DATASET, "read")
                raise DataError(
                    f"{missing}downloaded. {said} Or set HF_HOME to a Hugging Face cache that "
                    "holds them."
                ) from error
        raise DataError(
            f"{missing}downloaded from the Hugging Face Hub ({DATASET}): connect to the internet "
            "and try again, or set HF_HOME to a Hugging Face cache that holds them."
        ) from error
    return Path(path)


def decode_parquet(path: Path, file: str) -> np.ndarray:
    """The rows of a parquet file of PNGs: uint8 (N, 3073), in the order of the file.

    Raises DataError for a damaged file, a missing row, a label outside 0 to 9, or an image that is
    not a 32x32 RGB PNG.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path, columns=["img", "label"])
        pngs = table["img"].combine_chunks().field("bytes")
        labels = table["label"].cast("int64").fill_null(-1).to_numpy()
    except (pyarrow.ArrowException, OSError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path} is damaged or not a CIFAR-10 file ({error}): delete it and try again, and it "
            "will be downloaded anew."
        ) from error
    expected = len(OFFICIAL_MD5[file]) * BLOCK
    if len(labels) != expected:
        raise DataError(f"{path} holds {len(labels):,} images instead of {expected:,}.")
    wrong = np.flatnonzero((labels < 0) | (labels >= len(CLASSES)))
    if len(wrong):
        raise DataError(f"{path}, row {wrong[0]}: label {labels[wrong[0]]} is not one of 0 to 9.")

    rows = np.empty((expected, ROW_BYTES), dtype=np.uint8)
    rows[:, 0] = labels

    def decode(start: int) -> None:
        for i in range(start, min(start + 500, expected)):
            rows[i, 1:] = _decode_png(pngs[i].as_py(), path, i).transpose(2, 0, 1).reshape(-1)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, expected, 500)
        for _ in tqdm(pool.map(decode, starts), f"decode {file}", len(starts)):
            pass
    return rows


def _decode_png(data: bytes | None, path: Path, row: int) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data or b""), formats=("PNG",)) as image:
            image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{path}, row {row}: the image cannot be decoded ({error}).") from error
    if image.size != (32, 32) or image.mode != "RGB":
        raise DataError(
            f"{path}, row {row}: the image is {image.width}x{image.height} {image.mode} instead "
            "of 32x32 RGB."
        )
    return np.asarray(image)
