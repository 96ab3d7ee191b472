"""Paths of the figures of checkpoints, and whether they show the current weights."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from cifar import ASSETS
from cifar.models.checkpoint import Checkpoint

# The PNG text field that holds the sha256 of the weights that a figure shows.
WEIGHTS = "weights"
DARK = "-dark"  # ends the names of the figures for dark pages


def figure_path(name: str, kind: str, *, dark: bool = False) -> Path:
    """Return the path of a checkpoint's figure; figures of `resnet` have no prefix.

    dark: whether the figure for a dark page is meant.
    """
    return _path(kind if name == "resnet" else f"{name}-{kind}", dark)


def _path(stem: str, dark: bool) -> Path:
    return ASSETS / f"{stem}{DARK if dark else ''}.png"


def drawn(ckpt: Checkpoint, kind: str, *, dark: bool = False) -> Path | None:
    """Return the path of a checkpoint's figure, or None if it is missing or shows other weights."""
    path = figure_path(ckpt.name, kind, dark=dark)
    return path if ckpt.is_own and weights_of(path) == {ckpt.sha256} else None


def drawn_of_all(
    checkpoints: Iterable[Checkpoint], kind: str, *, dark: bool = False
) -> Path | None:
    """Return the path of a figure of all checkpoints, or None if it is missing or stale."""
    path = _path(kind, dark)
    return path if path.exists() and weights_of(path) <= {c.sha256 for c in checkpoints} else None


def weights_of(path: Path) -> set[str]:
    """Return the sha256 of all weights that a figure shows; empty if there is no figure."""
    try:
        with Image.open(path) as image:
            return set(image.info.get(WEIGHTS, "").split())
    except (FileNotFoundError, UnidentifiedImageError):
        return set()
