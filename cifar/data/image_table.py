"""Small images in a parquet file with the schema of the Hub's CIFAR-10 files.

Each row is an image: `img` (`bytes`, an encoded image, and `path`), `label`, and further columns.
Files of this project hold lossless WebP, a quarter smaller than the Hub's PNG.
"""

import io
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from cifar import CLASSES, LensError

SIDE = 32
CHUNK = 500  # images that a thread decodes per task
# Read by `datasets` and by the Hub's viewer.
FEATURES = {"img": {"_type": "Image"}, "label": {"names": CLASSES, "_type": "ClassLabel"}}


class DataError(LensError):
    """Missing or invalid dataset file; the message says what to do."""


def write(
    path: Path,
    images: np.ndarray,
    labels: np.ndarray,
    columns: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write images uint8 (N, 32, 32, 3) with labels (N,) as lossless WebP.

    columns: further integer columns (N,), by name. Equal content gives equal bytes.
    """
    import pyarrow as pa
    import pyarrow.parquet

    img_type = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    img = pa.array([{"bytes": _encode_webp(image), "path": None} for image in images], img_type)
    table = pa.table(
        {"img": img, "label": pa.array(labels, pa.int64()), **(columns or {})},
        metadata={"huggingface": json.dumps({"info": {"features": FEATURES}})},
    )
    pa.parquet.write_table(table, path, compression="none")


class ImageTable:
    """The images of a parquet file, decoded on access.

    labels: uint8 (N,), 0 to 9. `table[i]` is image i, uint8 (32, 32, 3). Raises DataError for a
    damaged file, a missing value or a label outside 0 to 9, and on access for an image that is not
    a 32x32 RGB PNG or WebP.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow
        import pyarrow.parquet

        self.path = path
        try:
            self._table = pyarrow.parquet.read_table(path)
            self._encoded = self._table["img"].combine_chunks().field("bytes")
            labels = self._table["label"].cast("int64").fill_null(-1).to_numpy()
        except (pyarrow.ArrowException, OSError, KeyError, AttributeError) as error:
            raise DataError(
                f"{path} is damaged or not a CIFAR-10 file ({error}): get it anew. A clone without "
                "git-lfs holds only pointers in its place."
            ) from error
        wrong = np.flatnonzero((labels < 0) | (labels >= len(CLASSES)))
        if len(wrong):
            raise DataError(
                f"{path}, row {wrong[0]}: label {labels[wrong[0]]} is not one of 0 to 9."
            )
        self.labels = labels.astype(np.uint8)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> np.ndarray:
        data = self._encoded[row].as_py()
        try:
            with Image.open(io.BytesIO(data or b""), formats=("PNG", "WEBP")) as image:
                image.load()
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(
                f"{self.path}, row {row}: the image cannot be decoded ({error})."
            ) from error
        if image.size != (SIDE, SIDE) or image.mode != "RGB":
            raise DataError(
                f"{self.path}, row {row}: the image is {image.width}x{image.height} {image.mode} "
                "instead of 32x32 RGB."
            )
        return np.array(image)  # a copy: torch requires writable memory

    def column(self, name: str) -> np.ndarray:
        """Return a further integer column (N,)."""
        return self._table[name].to_numpy()

    def decode(self, progress: str = "") -> np.ndarray:
        """Return all images, uint8 (N, 32, 32, 3), with a progress bar if it has a title."""
        images = np.empty((len(self), SIDE, SIDE, 3), dtype=np.uint8)

        def decode_chunk(start: int) -> None:
            for row in range(start, min(start + CHUNK, len(self))):
                images[row] = self[row]

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            starts = range(0, len(self), CHUNK)
            jobs = pool.map(decode_chunk, starts)
            for _ in tqdm(jobs, progress, len(starts), disable=not progress):
                pass
        return images


def _encode_webp(image: np.ndarray) -> bytes:
    """Encode an image as lossless WebP."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(
        buffer, "WEBP", lossless=True, quality=100, method=3
    )
    return buffer.getvalue()
