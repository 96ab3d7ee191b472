"""Packs: files of columns about all test images, which the explorer in the page reads.

A pack is gzip of: the header's length (uint32), the header (JSON), zeros up to a multiple of 8,
then the columns' bytes, all little-endian. The header gives the name, type, shape and
offset of each column, and what belongs to no single image: class names, totals, rules in words.

Kinds: `images` (labels, people's votes, groups), `model` (a model's predictions, ranks, verdicts,
map, neighbours), `other` (predictions that are only compared with a model's), and of a model more
that is seldom wanted: `probabilities` and `channels`.
"""

import gzip
import json
import struct
from collections.abc import Mapping

import numpy as np

ALIGNMENT = 8


def pack(header: Mapping, columns: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of a pack; the same content gives the same bytes.

    columns: uint8, int8, uint16, int32 or float32, the first axis is the images. Raises ValueError
    for another type.
    """
    entries, buffers, offset = [], [], 0
    for name, values in columns.items():
        if values.dtype.name not in ("uint8", "int8", "uint16", "int32", "float32"):
            raise ValueError(f"Column {name} is {values.dtype}, which a pack cannot hold.")
        content = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
        entries.append(
            {
                "name": name,
                "dtype": values.dtype.name,
                "shape": list(values.shape),
                "offset": offset,
            }
        )
        content += bytes(-len(content) % ALIGNMENT)
        buffers.append(content)
        offset += len(content)
    text = json.dumps({**header, "format": 1, "columns": entries}, ensure_ascii=False).encode()
    head = struct.pack("<I", len(text)) + text
    head += bytes(-len(head) % ALIGNMENT)
    return gzip.compress(head + b"".join(buffers), 6, mtime=0)


def to_steps(values: np.ndarray, unit: float, dtype: type = np.uint16) -> np.ndarray:
    """Round numbers to whole multiples of a unit, clipped to the range of an unsigned type."""
    return np.clip(np.rint(values / unit), 0, np.iinfo(dtype).max).astype(dtype)
