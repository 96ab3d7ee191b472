import gzip
import json
import struct

import numpy as np
import pytest

from cifar.explore import columns
from tests.packs import unpack

COLUMNS = {
    "label": np.array([3, 0, 9], dtype=np.uint8),
    "given": np.array([-1, 5, 0], dtype=np.int8),
    "rank": np.array([65535, 1, 2], dtype=np.uint16),
    "place": np.array([[0.5, -1], [2, 3], [4, 5]], dtype=np.float32),
    "count": np.array([-(2**31), 0, 7], dtype=np.int32),
}


def test_what_is_packed_is_unpacked():
    header, unpacked = unpack(columns.pack({"kind": "test", "title": "naïve ✓"}, COLUMNS))
    assert header["kind"] == "test" and header["title"] == "naïve ✓"
    assert unpacked.keys() == COLUMNS.keys()
    for name, values in COLUMNS.items():
        assert unpacked[name].dtype == values.dtype and np.array_equal(unpacked[name], values)


def test_the_layout_is_the_documented_one():
    raw = gzip.decompress(columns.pack({"kind": "test"}, COLUMNS))
    (length,) = struct.unpack("<I", raw[:4])
    header = json.loads(raw[4 : 4 + length].decode("utf-8"))
    start = (4 + length + 7) // 8 * 8
    assert raw[4 + length : start] == bytes(start - 4 - length)
    rank = next(column for column in header["columns"] if column["name"] == "rank")
    assert rank == {"name": "rank", "dtype": "uint16", "shape": [3], "offset": 16}
    assert raw[start + 16 : start + 22] == b"\xff\xff\x01\x00\x02\x00"
    assert all(column["offset"] % 8 == 0 for column in header["columns"])


def test_the_same_content_gives_the_same_bytes():
    assert columns.pack({}, COLUMNS) == columns.pack({}, dict(COLUMNS))


def test_a_column_that_is_not_contiguous_is_packed_in_order():
    values = np.arange(12, dtype=np.uint16).reshape(3, 4)[:, ::2]
    assert np.array_equal(unpack(columns.pack({}, {"x": values}))[1]["x"], values)


def test_other_types_are_refused_by_name():
    with pytest.raises(ValueError, match="Column loss is float64"):
        columns.pack({}, {"loss": np.zeros(3)})


def test_to_steps_rounds_and_stays_within_its_type():
    values = np.array([0.97344, 0.97346, -1.0, 9.0])
    assert columns.to_steps(values, 1e-4).tolist() == [9734, 9735, 0, 65535]
    assert columns.to_steps(np.array([1.0, 0.5]), 1 / 255, np.uint8).tolist() == [255, 128]
