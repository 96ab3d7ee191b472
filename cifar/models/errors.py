"""What can be wrong with a checkpoint."""

from cifar.files import FileError


class CheckpointError(FileError):
    """The folder is not a checkpoint that can be used; the message names what is wrong with it."""
