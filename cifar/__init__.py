"""CIFAR Lens: train a small ResNet on CIFAR-10, then look at what it sees and why it is wrong."""

from pathlib import Path

__version__ = "0.1.0"

PROJECT = Path(__file__).resolve().parent.parent
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
    """A problem that its reader can mend: the message says in a sentence what is wrong and what
    to do. The command line prints it without a traceback, the app shows it as it is."""
