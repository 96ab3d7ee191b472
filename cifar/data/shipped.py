"""Reproducible build of the data files under `assets/` from their published sources.

    python -m cifar assets

downloads each source at a fixed commit, checks its sha256 (in `assets/annotations/sources.csv`) and
writes the files that the project ships. The same sources give the same content.
"""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import torch

from cifar import ASSETS
from cifar.data import (
    alignment,
    annotations,
    cifar10,
    downloads,
    image_table,
    near_duplicates,
    release,
)
from cifar.data.image_table import DataError, ImageTable
from cifar.files import replace

SOURCES = annotations.FOLDER / "sources.csv"
REACH = 4  # pixels that a near-duplicate is shifted by at most
NETWORK_SUFFIX = "_predictions.json"  # of the files of the thirty networks


def make(sources: Path | None = None, out: Path = ASSETS) -> None:
    """Write the test split and the annotations into a folder.

    sources: a folder with the published files under their published names; missing files are
    downloaded into it. None: a folder in the user's cache. The training split is needed, too.
    Raises LensError.
    """
    folder = sources or downloads.cache_home() / "sources"
    with SOURCES.open(encoding="utf-8", newline="") as lines:
        published = {
            row["url"].rpartition("/")[2]: downloads.fetch(row["url"], row["sha256"], folder)
            for row in csv.DictReader(lines)
        }
    (out / "annotations").mkdir(parents=True, exist_ok=True)
    write_test_split(release.download("test"), out / release.TEST_FILE.name)
    write_annotations(published, out / "annotations")
    write_near_duplicates(out / "annotations")


def write_test_split(source: Path, path: Path) -> None:
    """Write the Hub's test images as lossless WebP.

    Raises DataError if they differ from the official release.
    """
    if not cifar10.load_test(source).official:
        raise DataError(f"{source} does not hold the official test images: its md5 differs.")
    table = ImageTable(source)
    replace(path, lambda partial: image_table.write(partial, table.decode(), table.labels))


def write_annotations(published: dict[str, Path], folder: Path) -> None:
    """Write the annotations.

    published: paths of the published files, by name.
    """
    for name in ("cifar10_mturk.json", "duplicates_cifar10.csv"):
        shutil.copyfile(published[name], folder / name)
    votes = np.load(published["cifar10h-counts.npy"]).astype(np.uint8)
    probabilities = np.load(published["cifar10_test_set_pyx.npy"]).astype(np.float32)
    _save(folder / "cifar10h-votes.npz", values=votes)
    _save(folder / "published-model.npz", values=probabilities)

    labels = cifar10.load("test").labels.numpy()
    networks = {
        name.removesuffix(NETWORK_SUFFIX): np.array(json.loads(path.read_text()), np.uint8)
        for name, path in published.items()
        if name.endswith(NETWORK_SUFFIX)
    }
    names = sorted(networks, key=lambda name: ((networks[name] == labels).sum(), name))
    _save(
        folder / "published-networks.npz",
        names=np.array(names),
        predictions=np.stack([networks[name] for name in names]),
    )


def write_near_duplicates(folder: Path) -> None:
    """Write the training images of the near-duplicates that a file in the folder lists.

    Raises DataError without the training split.
    """
    pairs = annotations.load_near_duplicates(folder)
    train, val = cifar10.load("train"), cifar10.load("val")
    wanted = torch.tensor(pairs["train_index"].to_numpy())
    places = torch.cat([train.indices, val.indices]).argsort()[wanted]
    images = torch.cat([train.images, val.images])[places]
    labels = torch.cat([train.labels, val.labels])[places].numpy()
    tests = cifar10.load("test").images[torch.tensor(pairs.index.to_numpy())]
    shift = alignment.fit(tests, images, REACH)
    columns = {
        "test_index": pairs.index.to_numpy(),
        "index": pairs["train_index"].to_numpy(),
        "dy": shift.dy,
        "dx": shift.dx,
        "held_out": torch.isin(wanted, val.indices).long().numpy(),
    }
    pixels = images.permute(0, 2, 3, 1).numpy()
    path = folder / near_duplicates.FILE.name
    replace(path, lambda partial: image_table.write(partial, pixels, labels, columns))


def _save(path: Path, **arrays: np.ndarray) -> None:
    with path.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
