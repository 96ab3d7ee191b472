"""The official release of CIFAR-10: where its files are, and how they are verified.

Rows are those of the binary release (https://www.cs.toronto.edu/~kriz/cifar.html): one label byte,
then 1,024 red, 1,024 green and 1,024 blue bytes. Blocks of 10,000 rows are compared with it by md5.
"""

import hashlib
from pathlib import Path

import numpy as np

from cifar import ASSETS
from cifar.data.image_table import DataError
from cifar.models import hub

DATASET = "uoft-cs/cifar10"
REVISION = "0b2714987fa478483af9968de7c934580d0bb9a2"
FILES = {
    "train": "plain_text/train-00000-of-00001.parquet",
    "test": "plain_text/test-00000-of-00001.parquet",
}
TEST_FILE = ASSETS / "cifar10-test.parquet"
# md5 of each batch file in official order; the parquet file has the training batches in another.
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
SOURCE_VARIABLE = "CIFAR_DATA"


def as_rows(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return images (N, 32, 32, 3) and labels (N,) as rows: uint8 (N, 3073)."""
    pixels = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([labels[:, None], pixels], axis=1)


def block_md5(rows: np.ndarray) -> list[str]:
    """Return the md5 of each block of 10,000 rows of a uint8 (N, 3073) array."""
    return [hashlib.md5(rows[i : i + BLOCK].data).hexdigest() for i in range(0, len(rows), BLOCK)]


def official_order(rows: np.ndarray) -> np.ndarray:
    """Put the blocks of training rows into official order, unless an md5 is unknown."""
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
        is_network_error = isinstance(error, httpx.HTTPError | ConnectionError | TimeoutError)
        if not is_network_error and (reason := getattr(error, "strerror", None)):
            raise DataError(
                f"{missing}kept in the Hugging Face cache ({reason}): free some space, or set "
                "HF_HOME to a folder that can be written."
            ) from error
        for cause in hub.error_chain(error):
            # The dataset's name is a constant, so a 404 means that the Hub moved it.
            not_found = isinstance(cause, HfHubHTTPError) and hub.is_not_found(cause)
            if isinstance(cause, HfHubHTTPError | OfflineModeIsEnabled) and not not_found:
                message = hub.error_message(cause, DATASET, "read")
                raise DataError(
                    f"{missing}downloaded. {message} Or use a copy downloaded by torchvision: "
                    f"set {SOURCE_VARIABLE} to the folder that holds cifar-10-batches-py."
                ) from error
        raise DataError(
            f"{missing}downloaded from the Hugging Face Hub ({DATASET}): connect to the internet "
            "and try again, or use a copy downloaded by torchvision: set "
            f"{SOURCE_VARIABLE} to the folder that holds cifar-10-batches-py."
        ) from error
    return Path(path)
