"""Files that the page fetches by address, and files that visitors send, and when they go.

Packs and sheets of thumbnails are made when they are first asked for, in a folder that lives as
long as the process; what visitors sent goes after two hours.
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
from pathlib import Path

import gradio as gr

from cifar.ui.security.folder import HOME, PREFIX, UPLOADS

COMPONENTS = Path(__file__).resolve().parent.parent / "components"
# How old what a visitor sent, or what was made of it, may get; seconds.
KEEP = 7200
# How often that is looked at; seconds. Gradio's own schedule knows only of uploads that arrived
# whole, and of none that another process left behind.
EVERY = 60
ROOM = 2 * 2**30  # bytes of uploads: beyond them, the oldest go first
SENT = "upload"  # how the names of files begin that are made of what a visitor sent


class Served:
    """A folder of files that are made once, each under a name that changes with its content."""

    def __init__(self, path: Path | None = None):
        self.path = path or Path(tempfile.mkdtemp(prefix="cifar-lens-"))
        self.path.mkdir(exist_ok=True)
        atexit.register(shutil.rmtree, self.path, ignore_errors=True)
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    def add(self, stem: str, suffix: str, content: bytes) -> str:
        """Write a file, unless it is there; returns its name."""
        name = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
        target = self.path / name
        partial = self.path / f"{name}.{threading.get_ident()}.partial"
        partial.write_bytes(content)
        partial.replace(target)  # even if it is there: it is as young as what was asked for
        return name

    def once(self, key: str, suffix: str, make: Callable[[], bytes]) -> str:
        """The name of the file that `make` gives the content of; made once for each key."""
        if key in self._names:
            return self._names[key]
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        # Two visitors at once must not both do the work, nor wait for that of another key.
        with making:
            if key not in self._names:
                self._names[key] = self.add(key.split("/")[0], suffix, make())
            return self._names[key]


def address(path: Path) -> str:
    """What a page of the app fetches a file under, relative to the app's own address."""
    return f"gradio_api/file={path.as_posix()}"


SERVED = Served(HOME / "made")


def allow() -> None:
    """Let visitors fetch these folders, beside what they sent, and nothing else."""
    gr.set_static_paths([COMPONENTS, SERVED.path])


def sweep(now: float) -> None:
    """Remove what is too old or too much, and folders that killed servers left behind.

    now: seconds since the epoch. A server touches its folder here, so one that nobody has touched
    for as long as files are kept belongs to none that runs.
    """
    os.utime(HOME)
    oldest = now - KEEP
    _remove_old(SERVED.path.glob(f"{SENT}-*"), oldest, ROOM)
    _remove_old(UPLOADS.rglob("*"), oldest, ROOM)
    for folder in HOME.parent.glob(f"{PREFIX}*"):
        if folder != HOME and _touched(folder) < oldest:
            shutil.rmtree(folder, ignore_errors=True)  # another user's stays


def sweep_forever() -> None:
    """`sweep` at its times, in a thread that ends with the process."""

    def run():
        while True:
            time.sleep(EVERY)
            try:
                sweep(time.time())
            except OSError as error:  # a disk that fails now may not the next time
                logging.getLogger(__name__).warning("Old files could not be removed: %s", error)

    threading.Thread(target=run, name="sweep", daemon=True).start()


def _remove_old(paths: Iterable[Path], oldest: float, room: int) -> None:
    """Remove files older than `oldest` and, while the others need more than `room`, the oldest of
    them; folders, which are empty or not removed, when they are old too."""
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
        except OSError:  # gone meanwhile, or a folder that holds something
            continue


def _touched(path: Path) -> float:
    """When a file or folder was written last; infinity for one that is gone."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return float("inf")
