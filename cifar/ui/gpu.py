"""ZeroGPU: a GPU that a Space borrows for the time of one call; anywhere else, nothing happens.

Source: https://huggingface.co/docs/hub/spaces-zerogpu. The environment says where it is, and only
there `spaces` is imported. Worth a GPU is what sends hundreds of images through a network. A single
answer takes a processor a few milliseconds, far less than asking for a GPU does.
"""

import logging
import os
from collections.abc import Callable
from typing import TypeVar

from cifar import LensError
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint

ZERO = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
# What is asked for, and what a visitor must have left of their share of the day: a cold start of
# CUDA and then some. Shorter requests come sooner.
SECONDS = 15

Found = TypeVar("Found")

if ZERO:
    import gradio as gr
    import spaces

    # ZeroGPU wants networks on "cuda" when the app starts, though the GPU itself is there only
    # within a decorated function. The shared checkpoints stay on the processor.
    ON_GPU = {name: checkpoint.load(name, "cuda") for name in checkpoint.available()}

    @spaces.GPU(duration=SECONDS)
    def borrow(function: Callable, name: str, args: tuple) -> tuple:
        """What the function finds, or what is wrong in a sentence: this runs in another process,
        which hands on no more of an error than the name of its kind."""
        try:
            return function(ON_GPU[name], *args), ""
        except LensError as error:
            return None, str(error)


def compute(function: Callable[..., Found], ckpt: Checkpoint, *args) -> Found:
    """`function(ckpt, *args)`, with the checkpoint's network on a GPU where one can be borrowed.

    function: one that pickle knows by name; args and what it finds are pickled too. ckpt: one of
    those under `checkpoints/`. Where no GPU can be had (the visitor's share of the day is used up,
    too many others wait), the processor finds the same in a second or two.
    """
    if not ZERO:
        return function(ckpt, *args)
    try:
        found, problem = borrow(function, ckpt.name, args)
    except (gr.Error, RuntimeError) as error:
        logging.getLogger(__name__).warning("Computed without a GPU: %s", error)
        return function(ckpt, *args)
    if problem:
        raise LensError(problem)
    return found
