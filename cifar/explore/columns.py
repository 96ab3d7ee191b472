"""What the explorer in the page knows: columns about all test images, packed into one small file.

A pack is gzip of: the header's length (uint32), the header (JSON), zeros up to a multiple of 8,
then the columns' bytes, all little-endian. The header names each column with its type, shape and
offset, and holds what is true of the whole: class names, totals, rules in words.

There are three kinds: `images` (labels, people's votes, groups), one a model (predictions, ranks,
verdicts, map, neighbours), and one for predictions that are only compared with a model's.
"""

import gzip
import json
import struct
from collections.abc import Mapping

import numpy as np

ALIGNMENT = 8


def pack(header: Mapping, columns: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a pack. Columns: uint8, int8, uint16, int32 or float32, first axis the images.

    The same content gives the same bytes. Raises ValueError for another type of column.
    """
    described, buffers, offset = [], [], 0
    for name, values in columns.items():
        if values.dtype.name not in ("uint8", "int8", "uint16", "int32", "float32"):
            raise ValueError(f"Column {name} is {values.dtype}, which a pack cannot hold.")
        content = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
        described.append(
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
    text = json.dumps({**header, "format": 1, "columns": described}, ensure_ascii=False).encode()
    start = struct.pack("<I", len(text)) + text
    start += bytes(-len(start) % ALIGNMENT)
    return gzip.compress(start + b"".join(buffers), 6, mtime=0)


def whole(values: np.ndarray, unit: float, kind: type = np.uint16) -> np.ndarray:
    """Numbers as whole multiples of a unit, cut off at the largest that the type holds."""
    return np.clip(np.rint(values / unit), 0, np.iinfo(kind).max).astype(kind)
