"""Read packs as the page does: what tests compare with Python's own tables."""

import gzip
import json
import struct

import numpy as np

from cifar.explore.columns import ALIGNMENT


def unpack(content: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """Header and columns of a pack."""
    raw = gzip.decompress(content)
    (length,) = struct.unpack_from("<I", raw)
    header = json.loads(raw[4 : 4 + length])
    start = -(-(4 + length) // ALIGNMENT) * ALIGNMENT
    columns = {}
    for column in header["columns"]:
        shape, kind = column["shape"], np.dtype(column["dtype"]).newbyteorder("<")
        columns[column["name"]] = np.frombuffer(
            raw, kind, int(np.prod(shape)), start + column["offset"]
        ).reshape(shape)
    return header, columns
