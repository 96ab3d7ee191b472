"""The folder of a server: what visitors upload, what is made for them, and when it is removed.

Packs and sheets of thumbnails are made when they are first asked for, and live as long as the
process; uploads are removed after two hours.
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

from cifar import PACKAGE

PREFIX = "cifar-lens-server-"
COMPONENTS = PACKAGE / "ui" / "components"
# The age at which uploads, and what was made of them, are removed; seconds.
KEEP = 7200
# The interval of removals; seconds. Gradio's own removals know only of uploads that arrived whole,
# and of none that another process left behind.
EVERY = 60
ROOM = 2 * 2**30  # bytes of uploads: beyond them, the oldest are removed first
SENT = "upload"  # prefix of the names of files that are made of an upload


class Served:
    """A folder of files that are made once, each under a name that changes with its content."""

    def __init__(self, path: Path):
        self.path = path
        self.path.mkdir(exist_ok=True)
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    def add(self, stem: str, suffix: str, content: bytes) -> str:
        """Write a file and return its name."""
        name = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
        partial = self.path / f"{name}.{threading.get_ident()}.partial"
        partial.write_bytes(content)
        # Also if the file exists already, so that removal counts from the last request.
        partial.replace(self.path / name)
        return name

    def once(self, key: str, suffix: str, make: Callable[[], bytes]) -> str:
        """Return the name of the file with the content of `make`, which is called once a key."""
        if key in self._names:
            return self._names[key]
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        # Two visitors at once must not both do the work, nor wait for that of another key.
        with making:
            if key not in self._names:
                self._names[key] = self.add(key.split("/")[0], suffix, make())
            return self._names[key]


class ServerFolder:
    """The folder of one server process.

    uploads: the files that visitors send. made: the files that are made for them.
    """

    def __init__(self, path: Path):
        self.path, self.uploads = path, path / "uploads"
        self.uploads.mkdir()
        self.made = Served(path / "made")


@cache
def server_folder() -> ServerFolder:
    """Create the folder of this process, once, and make it Gradio's place for uploads.

    It lies in GRADIO_TEMP_DIR if that is set, can be read by this user only, and is removed when
    the process ends.
    """
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=os.environ.get("GRADIO_TEMP_DIR")))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    folder = ServerFolder(path)
    os.environ["GRADIO_TEMP_DIR"] = str(folder.uploads)
    mcp.DEFAULT_TEMP_DIR = str(folder.uploads)  # read from the environment when it was imported
    return folder


def address(path: Path) -> str:
    """Return the address of a file for the page, relative to that of the app."""
    return f"gradio_api/file={path.as_posix()}"


def allow() -> None:
    """Let visitors fetch the page's scripts and what is made for them, beside their uploads."""
    gr.set_static_paths([COMPONENTS, server_folder().made.path])


def sweep(now: float) -> None:
    """Remove old and excess uploads, and the folders of servers that were killed.

    now: seconds since the epoch. A server touches its folder here, so a folder that was not touched
    for KEEP seconds belongs to no running server.
    """
    folder, oldest = server_folder(), now - KEEP
    os.utime(folder.path)
    _remove_old(folder.made.path.glob(f"{SENT}-*"), oldest, ROOM)
    _remove_old(folder.uploads.rglob("*"), oldest, ROOM)
    for other in folder.path.parent.glob(f"{PREFIX}*"):
        if other != folder.path and _touched(other) < oldest:
            shutil.rmtree(other, ignore_errors=True)  # another user's folder stays


def sweep_forever() -> None:
    """Start a thread that calls `sweep` every EVERY seconds until the process ends."""

    def run() -> None:
        while True:
            time.sleep(EVERY)
            try:
                sweep(time.time())
            except OSError as error:  # a disk that fails now may work the next time
                logging.getLogger(__name__).warning("Old files could not be removed: %s", error)

    threading.Thread(target=run, name="sweep", daemon=True).start()


def _remove_old(paths: Iterable[Path], oldest: float, room: int) -> None:
    """Remove files older than `oldest` and, while the others need more than `room`, the oldest.

    Folders are removed when they are empty and old.
    """
    total = 0
    for path in sorted(paths, key=_touched, reverse=True):
        try:
            if path.is_dir():
                if _touched(path) < oldest:
                    path.rmdir()
                continue
            total += path.stat().st_size
            if _touched(path) < oldest or total > room:
                path.unlink()
        except OSError:  # removed meanwhile, or a folder that is not empty
            continue


def _touched(path: Path) -> float:
    """Return when a file or folder was last written; infinity if it does not exist."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return float("inf")
