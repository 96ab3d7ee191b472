"""Files that the page fetches by address: the components' scripts, packs and sheets of thumbnails.

Packs and sheets are made when they are first asked for, in a folder that lives as long as the
process.
"""

import atexit
import hashlib
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import gradio as gr

COMPONENTS = Path(__file__).resolve().parent / "components"


class Served:
    """A folder of files that are made once, each under a name that changes with its content."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="cifar-lens-"))
        atexit.register(shutil.rmtree, self.path, ignore_errors=True)
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, stem: str, suffix: str, content: bytes) -> str:
        """Write a file, unless it is there; returns its name."""
        name = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
        target = self.path / name
        if not target.exists():
            partial = self.path / f"{name}.{threading.get_ident()}.partial"
            partial.write_bytes(content)
            partial.replace(target)
        return name

    def once(self, key: str, suffix: str, make: Callable[[], bytes]) -> str:
        """The name of the file that `make` gives the content of; made once for each key."""
        with self._lock:  # two visitors at once must not both do the work
            if key not in self._names:
                self._names[key] = self.add(key.split("/")[0], suffix, make())
            return self._names[key]


def address(path: Path) -> str:
    """What a page of the app fetches a file under, relative to the app's own address."""
    return f"gradio_api/file={path.as_posix()}"


SERVED = Served()


def allow() -> None:
    """Let visitors fetch these two folders, and nothing else."""
    gr.set_static_paths([COMPONENTS, SERVED.path])
