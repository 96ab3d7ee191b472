"""CIFAR Lens: train a small ResNet on CIFAR-10, then look at what it sees and why it is wrong."""

from pathlib import Path

__version__ = "0.2.0"

PACKAGE = Path(__file__).resolve().parent
# The folder with app.py, assets/ and checkpoints/: that of the clone, or, where the package is
# installed, one within it.
PROJECT = PACKAGE / "project" if (PACKAGE / "project").is_dir() else PACKAGE.parent
ASSETS = PROJECT / "assets"  # the data that the project ships, and the pictures of README

# In the order of the dataset's own labels, 0 to 9.
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


class LensError(Exception):
    """A problem that the reader of its message can mend.

    The message says in a sentence what is wrong and what to do. The command line prints it without
    a traceback, the app shows it as it is.
    """
