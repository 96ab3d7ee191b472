"""Tables in files of many kinds, as columns of numbers or words.

    .npy .npz        one array, or one named logits, probabilities or predictions
    .pt .pth         one tensor, or one so named in a dict
    .csv .tsv .txt   columns between commas, semicolons, tabs or spaces, with or without a header
    .json            a list of rows, or a dict of columns
    .parquet         columns

Nothing is unpickled but tensors, and what a compressed file holds is limited.
"""

import csv
import json
import math
import pickle
import reprlib
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cifar.evaluation.predictions import UNREADABLE

MAX_BYTES = 20_000_000
# Numbers in a table; a compressed file of a few kB can hold any number of equal ones.
MAX_NUMBERS = 2_000_000
MAX_COLUMNS = 100
ARRAYS = ("logits", "probabilities", "predictions", "probs")
READ_ERRORS = (*UNREADABLE, csv.Error, pickle.UnpicklingError, RecursionError, struct.error)


@dataclass(frozen=True)
class Table:
    """Columns of one length, each float64 (N,) or of strings (N,); names: of a header, or None."""

    columns: list[np.ndarray]
    names: list[str] | None = None

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.columns[0]) if self.columns else 0


def read_table(path: Path) -> Table:
    """Read a table by the suffix of its file. Raises one of READ_ERRORS, most often ValueError."""
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise ValueError(f"it is no file of one of the kinds {', '.join(READERS)}")
    _check_size(path.stat().st_size)
    return read(path)


def _of_array(array: np.ndarray) -> Table:
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        shape = " x ".join(map(str, array.shape)) or "a single number"
        raise ValueError(f"it holds {shape} instead of rows and columns")
    _check_shape(*array.shape)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    if array.dtype.kind not in "fiubU":
        raise ValueError(f"it holds {array.dtype} instead of numbers")
    if array.dtype.kind != "U":
        array = array.astype(np.float64)
    return Table(list(array.T))


def _read_npy(path: Path) -> Table:
    with path.open("rb") as stream:
        return _of_array(np.lib.format.read_array(stream, allow_pickle=False))


def _read_npz(path: Path) -> Table:
    with zipfile.ZipFile(path) as archive:
        arrays = {item.filename.removesuffix(".npy"): item for item in archive.infolist()}
        item = arrays[_one_of(arrays, "arrays")]
        _check_size(item.file_size)  # against zip bombs
        with archive.open(item) as stream:
            return _of_array(np.lib.format.read_array(stream, allow_pickle=False))


def _read_pt(path: Path) -> Table:
    import torch  # slow to import

    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            _check_size(sum(item.file_size for item in archive.infolist()))
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (IndexError, TypeError, AttributeError, AssertionError) as error:
        raise ValueError("it is no file of tensors") from error
    if isinstance(content, dict):
        tensors = {name: one for name, one in content.items() if isinstance(one, torch.Tensor)}
        content = tensors[_one_of(tensors, "tensors")]
    if not isinstance(content, torch.Tensor):
        raise ValueError(f"it holds a {type(content).__name__} instead of a tensor")
    if content.layout != torch.strided or content.is_quantized or content.device.type != "cpu":
        raise ValueError("its tensor is sparse, quantized or without values")
    _check_shape(content.numel(), 1)
    if content.is_floating_point():
        content = content.double()
    return _of_array(content.detach().numpy())


def _one_of(things: dict[str, Any], what: str) -> str:
    named = [name for name in ARRAYS if name in things]
    if not named and len(things) != 1:
        raise ValueError(f"of its {len(things)} {what} none is named {', '.join(ARRAYS)}")
    return named[0] if named else next(iter(things))


def _read_text(path: Path) -> Table:
    text = path.read_text(encoding="utf-8-sig")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError("it is empty")
    delimiter = next((mark for mark in "\t;," if mark in lines[0]), " ")
    cells = [
        [cell.strip() for cell in row]
        for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    ]
    width = len(cells[0])
    uneven = next((k for k, row in enumerate(cells, 1) if len(row) != width), None)
    if uneven:
        raise ValueError(f"row {uneven} has {len(cells[uneven - 1])} columns, the first {width}")
    if delimiter == ";":  # where a comma is the decimal point
        cells = [[cell.replace(",", ".") for cell in row] for row in cells]
    has_header = _is_header(cells)
    return _of_rows(cells[has_header:], cells[0] if has_header else None)


def _is_header(cells: list[list[str]]) -> bool:
    """Return whether the first row names the columns: it has a word where the others do not.

    The numbers 0 to 9 in order over other numbers are names too.
    """
    first, rest = cells[0], cells[1:]
    for k, cell in enumerate(first):
        if not _is_number(cell) and all(_is_number(row[k]) for row in rest):
            return True
    if first[-10:] == [str(label) for label in range(10)]:
        return True
    # Words over words: a name that does not come again.
    return len(rest) > 1 and not _is_number(first[-1]) and first[-1] not in {r[-1] for r in rest}


def _is_number(cell: object) -> bool:
    try:
        float(str(cell))
    except ValueError:
        return False
    return True


def _of_rows(rows: Sequence[Sequence[object]], names: list[str] | None) -> Table:
    width = len(names) if names else len(rows[0]) if rows else 0
    columns = [_column([row[k] for row in rows], k + 1) for k in range(width)]
    return Table(columns, names)


def _column(cells: list[object], number: int) -> np.ndarray:
    """Return float64 (N,) if all cells are numbers, strings (N,) if most are words."""
    others = [row for row, cell in enumerate(cells, start=1) if not _is_number(cell)]
    if not others:
        return np.array([float(str(cell)) for cell in cells], dtype=np.float64)
    if len(others) < len(cells) / 2 or not all(isinstance(cell, str) for cell in cells):
        raise ValueError(
            f"column {number} of row {others[0]} holds {reprlib.repr(cells[others[0] - 1])} "
            "instead of a number"
        )
    return np.array(cells, dtype=np.str_)


def _read_json(path: Path) -> Table:
    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, dict):
        named = next((name for name in ARRAYS if name in content), None)
        if named is None and all(isinstance(column, list) for column in content.values()):
            return _of_columns(content)
        content = content[named] if named else content
    if not isinstance(content, list) or not content:
        raise ValueError("it holds no list of rows")
    if isinstance(content[0], dict):
        names = list(content[0])
        if any(not isinstance(row, dict) or list(row) != names for row in content):
            raise ValueError("its rows do not all have the same names")
        return _of_rows([list(row.values()) for row in content], names)
    return _of_lists(content)


def _of_lists(content: list) -> Table:
    rows = [row if isinstance(row, list) else [row] for row in content]
    uneven = next((k for k, row in enumerate(rows, 1) if len(row) != len(rows[0])), None)
    if uneven:
        raise ValueError(f"row {uneven} has {len(rows[uneven - 1])} numbers, not {len(rows[0])}")
    return _of_rows(rows, None)


def _of_columns(content: dict[str, list]) -> Table:
    lengths = {len(column) for column in content.values()}
    if len(lengths) != 1:
        raise ValueError("its columns are not of one length")
    columns = [_column(column, k) for k, column in enumerate(content.values(), 1)]
    return Table(columns, list(content))


def _read_parquet(path: Path) -> Table:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            facts = file.metadata
            groups = [facts.row_group(k) for k in range(facts.num_row_groups)]
            _check_size(sum(group.total_byte_size for group in groups))
            numbers = [
                group.column(k).num_values for group in groups for k in range(facts.num_columns)
            ]
            _check_shape(sum(numbers), 1)
            _check_shape(facts.num_rows, facts.num_columns)
            content = file.read().to_pydict()
    except (pyarrow.ArrowException, pyarrow.ArrowInvalid) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from error
    columns = list(content.values())
    if len(columns) == 1 and columns[0] and isinstance(columns[0][0], list):
        return _of_lists(columns[0])
    return _of_columns(content)


def _check_shape(rows: int, columns: int) -> None:
    if columns > MAX_COLUMNS or rows > MAX_NUMBERS or rows * columns > MAX_NUMBERS:
        raise ValueError(
            f"it holds {rows} rows of {columns} columns, and at most {MAX_NUMBERS:,} numbers in "
            f"{MAX_COLUMNS} columns can be"
        )


def _check_size(size: float) -> None:
    if size > MAX_BYTES or math.isnan(size):
        raise ValueError(f"it holds {size / 1e6:.0f} MB, and at most {MAX_BYTES / 1e6:.0f} can be")


READERS = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
    ".json": _read_json,
    ".parquet": _read_parquet,
    ".pt": _read_pt,
    ".pth": _read_pt,
}
