"""Atomic writes of files, and strict reading of JSON."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from cifar import LensError


class FileError(LensError):
    """File that is missing, broken or cannot be written; the message names it."""


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Replace a file atomically: readers see the old file or the new one.

    write: writes the temporary file that is then renamed to `path`.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        write(partial)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())  # the rename must not reach the disk before the content
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def fill_folder(folder: Path, write: Callable[[Path], object]) -> None:
    """Create a folder atomically.

    folder: must be empty or not exist. write: fills the temporary folder that is then renamed to
    `folder`. Nothing is left behind if writing fails. Raises FileError if the folder is not empty
    or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileError(f"{folder} is not empty: name an empty folder, or a new one.")
    partial = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        write(partial)
        partial.chmod(0o755)  # mkdtemp makes folders for the owner only
        if folder.exists():
            folder.rmdir()
        os.replace(partial, folder)
    except OSError as error:
        raise FileError(f"{folder} cannot be written: {error.strerror}.") from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's content as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def folder_hash(folder: Path) -> str:
    """Return 12 hexadecimal digits that depend on the names and the content of all files below."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def read_json(path: Path) -> dict:
    """Return the JSON object in a file.

    Raises FileError if it is missing or broken.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise FileError(f"{path} holds no JSON object.")
    return content


def read_json_lines(path: Path) -> list[dict]:
    """Return the JSON objects in a `.jsonl` file.

    Raises FileError if it is missing, broken or empty.
    """
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"{path} cannot be read: {error}.") from error
    if not lines:
        raise FileError(f"{path} holds no line.")
    if not all(isinstance(line, dict) for line in lines):
        raise FileError(f"{path} has a line that is no JSON object.")
    return lines


def write_json(path: Path, content: dict) -> None:
    """Write a JSON object, indented."""
    replace_text(path, json.dumps(content, indent=2) + "\n")


def write_json_lines(path: Path, objects: list[dict]) -> None:
    """Write a `.jsonl` file: one JSON object a line."""
    replace_text(path, "".join(json.dumps(line) + "\n" for line in objects))


def replace_text(path: Path, text: str) -> None:
    """Replace a text file atomically."""
    replace(path, lambda partial: partial.write_text(text, encoding="utf-8"))
