"""The temporary folder of a server: uploads, generated files, and their removal.

Packs and sheets of thumbnails are generated at the first request, and kept until the process ends;
uploads are removed after two hours.
"""

import atexit
import hashlib
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import gradio as gr
from gradio import mcp

from cifar import LensError

PREFIX = "cifar-lens-server-"
# The age at which uploads, and files generated from them, are removed; seconds.
KEEP = 7200
# The interval of removals; seconds. Gradio's own removals miss incomplete uploads, and files that
# another process left behind.
EVERY = 60
MAX_UPLOAD_BYTES = 2 * 2**30  # of all uploads: beyond it, the oldest are removed
UPLOAD_PREFIX = "upload"  # of the names of files that are generated from an upload


class FileCache:
    """A folder of files that are generated once, each named by a hash of its content."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.mkdir(exist_ok=True)
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()
        self._key_locks: dict[str, threading.Lock] = {}

    def add(self, stem: str, suffix: str, content: bytes) -> str:
        """Write a file and return its name."""
        name = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
        partial = self.path / f"{name}.{threading.get_ident()}.partial"
        partial.write_bytes(content)
        # Even if the file exists, so that its age counts from the last request.
        partial.replace(self.path / name)
        return name

    def once(self, key: str, suffix: str, make: Callable[[], bytes]) -> str:
        """Return the name of the file with the content of `make`, which runs once per key."""
        if key in self._names:
            return self._names[key]
        with self._lock:
            key_lock = self._key_locks.setdefault(key, threading.Lock())
        # Concurrent requests run `make` once per key, and do not wait for other keys.
        with key_lock:
            if key not in self._names:
                self._names[key] = self.add(key.split("/")[0], suffix, make())
            return self._names[key]


class ServerFolder:
    """The folder of one server process.

    uploads: the files from visitors. made: the files generated for them.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.uploads = path, path / "uploads"
        self.uploads.mkdir()
        self.made = FileCache(path / "made")


@cache
def server_folder() -> ServerFolder:
    """Create the folder of this process, once, and make Gradio store uploads there.

    It is in GRADIO_TEMP_DIR if that is set, readable only by this user, and removed when the
    process ends. Raises LensError if the folder cannot be written to.
    """
    parent = os.environ.get("GRADIO_TEMP_DIR") or None
    try:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
    except (OSError, ValueError) as error:
        raise LensError(
            f"GRADIO_TEMP_DIR is {parent!a}, where no folder can be made "
            f"({getattr(error, 'strerror', error)}): name a folder that you may write to."
        ) from error
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    folder = ServerFolder(path)
    os.environ["GRADIO_TEMP_DIR"] = str(folder.uploads)
    mcp.DEFAULT_TEMP_DIR = str(folder.uploads)  # it read the environment at import
    return folder


def address(path: Path) -> str:
    """Return the address of a file for the page, relative to the app's address."""
    return f"gradio_api/file={path.as_posix()}"


def allow() -> None:
    """Let Gradio serve the generated files, beside uploads."""
    gr.set_static_paths([server_folder().made.path])


def sweep(now: float) -> None:
    """Remove old and excess uploads, and the folders of servers that were killed.

    now: seconds since the epoch. Every server touches its folder here, so a folder that was not
    touched for KEEP seconds belongs to a server that ended.
    """
    folder, oldest = server_folder(), now - KEEP
    os.utime(folder.path)
    _remove_old(folder.made.path.glob(f"{UPLOAD_PREFIX}-*"), oldest, MAX_UPLOAD_BYTES)
    _remove_old(folder.uploads.rglob("*"), oldest, MAX_UPLOAD_BYTES)
    for other in folder.path.parent.glob(f"{PREFIX}*"):
        if other != folder.path and _touched(other) < oldest:
            shutil.rmtree(other, ignore_errors=True)  # fails for another user's folder


def sweep_forever() -> None:
    """Start a thread that calls `sweep` every EVERY seconds until the process ends."""

    def run() -> None:
        while True:
            time.sleep(EVERY)
            try:
                sweep(time.time())
            except OSError as error:  # may be temporary
                logging.getLogger(__name__).warning("Old files could not be removed: %s", error)

    threading.Thread(target=run, name="sweep", daemon=True).start()


def _remove_old(paths: Iterable[Path], oldest: float, max_bytes: int) -> None:
    """Remove files older than `oldest`, then the oldest until the rest is at most `max_bytes`.

    Folders are removed if they are empty and old.
    """
    total = 0
    for path in sorted(paths, key=_touched, reverse=True):
        try:
            if path.is_dir():
                if _touched(path) < oldest:
                    path.rmdir()
                continue
            total += path.stat().st_size
            if _touched(path) < oldest or total > max_bytes:
                path.unlink()
        except OSError:  # already removed, or a folder that is not empty
            continue


def _touched(path: Path) -> float:
    """Return when a file or folder was last written; infinity if it does not exist."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return float("inf")
