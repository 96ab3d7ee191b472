"""Errors of checkpoints."""

from cifar.files import FileError


class CheckpointError(FileError):
    """Unusable checkpoint; the message names what is wrong with it."""
