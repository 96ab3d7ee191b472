"""ZeroGPU: a GPU that a Space borrows for one call; without ZeroGPU, calls run on the CPU.

Source: https://huggingface.co/docs/hub/spaces-zerogpu. An environment variable tells that the app
runs on ZeroGPU; only there is `spaces` imported. Only work on hundreds of images goes to the GPU. A
single prediction takes a CPU a few milliseconds, far less than requesting a GPU.
"""

import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

from cifar import LensError
from cifar.explore.page_data import models
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint

ZERO = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
# The GPU time to request: a cold start of CUDA and some more. A visitor's daily quota must have it
# left. Shorter requests are served sooner.
SECONDS = 15

# How messages of ZeroGPU's client begin if it did not get a GPU.
REFUSALS = ("ZeroGPU API", "Error while", "Connection closed", "Unexpected end of stream")

Result = TypeVar("Result")

if ZERO:
    import gradio as gr
    import spaces

    # ZeroGPU needs networks on "cuda" when the app starts, though the GPU is available only
    # within a decorated function. The shared checkpoints stay on the CPU.
    ON_GPU = {name: checkpoint.load(name, "cuda") for name in models()}

    @spaces.GPU(duration=SECONDS)
    def borrow(function: Callable, name: str, args: tuple) -> tuple:
        """Return the function's result, or the message of its LensError.

        It runs in another process, which passes on only the type of an exception.
        """
        try:
            return function(ON_GPU[name], *args), ""
        except LensError as error:
            return None, str(error)


def _is_refusal(error: Exception) -> bool:
    """Return whether ZeroGPU lent no GPU; anything else is an error of what was to be computed.

    ZeroGPU's client tells these apart only by words.
    """
    if isinstance(error, RuntimeError):
        return str(error).startswith(REFUSALS)
    worker_failed = getattr(error, "title", "") == "ZeroGPU worker error"
    return not worker_failed or "aborted" in str(error)


def compute(function: Callable[..., Result], ckpt: Checkpoint, *args: Any) -> Result:
    """Return `function(ckpt, *args)`, computed on a borrowed GPU if there is one.

    function, args and the result must be picklable. ckpt: one of those under `checkpoints/`. If no
    GPU is available (the visitor's daily quota is used up, or too many others wait), the CPU
    computes the same in a second or two. Errors of the function itself are raised.
    """
    if not ZERO:
        return function(ckpt, *args)
    try:
        result, problem = borrow(function, ckpt.name, args)
    except (gr.Error, RuntimeError) as error:
        if not _is_refusal(error):
            raise
        logging.getLogger(__name__).warning("Computed without a GPU: %s", error)
        return function(ckpt, *args)
    if problem:
        raise LensError(problem)
    return result
