"""Teacher logits on the training images, for a smaller network to learn from.

Distillation after Hinton et al., https://arxiv.org/abs/1503.02531. The teacher logits of every
image and its mirror image are computed once, before the run. Computing them for the augmented
images of each step would cost many times the small network's own work.
"""

import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from cifar import files
from cifar.evaluation.evaluate import predict
from cifar.models import checkpoint
from cifar.models.device import fastest_device
from cifar.models.errors import CheckpointError
from cifar.models.summary import multiply_adds


class TeacherLogits(NamedTuple):
    """Teacher logits, float32 (2, N, 10), the sha256 of the teacher's weights, and their PFLOP."""

    logits: torch.Tensor
    sha256: str
    petaflop: float


def teacher_logits(name: str, images: torch.Tensor, cache: Path) -> torch.Tensor:
    """Return the teacher logits of the images and of their mirror images: float32 (2, N, 10).

    name: the teacher's checkpoint. images: uint8 (N, 3, 32, 32). cache: the `.npz` file that keeps
    the logits with the sha256 of the weights; logits of other weights or of another number of
    images are computed anew. Raises CheckpointError if there is no such checkpoint.
    """
    device = fastest_device()
    teacher = checkpoint.load(name, device, measured=False)
    if teacher.origin:
        tqdm.write(teacher.origin, file=sys.stderr)
    if cache.exists():
        cached = load_logits(cache)
        if cached.sha256 == teacher.sha256 and cached.logits.shape[1] == len(images):
            return cached.logits
    logits = np.stack(
        [
            predict(teacher, images, label=f"{name} on the images")[0],
            predict(teacher, images, mirrored=True, label="and on their mirror images")[0],
        ]
    )
    # Two operations per multiply-add, as for training. The teacher's own training is not counted.
    petaflop = 2 * 2 * len(images) * multiply_adds(teacher.model) / 1e15
    arrays = {"logits": logits, "sha256": teacher.sha256, "petaflop": petaflop}
    files.replace(cache, lambda path: _write(path, arrays))
    return torch.from_numpy(logits)


def load_logits(cache: Path) -> TeacherLogits:
    """Read the cache of `teacher_logits`.

    Raises CheckpointError if it is missing or damaged.
    """
    try:
        with np.load(cache) as arrays:
            logits = torch.from_numpy(arrays["logits"])
            return TeacherLogits(logits, str(arrays["sha256"]), float(arrays["petaflop"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"The teacher logits in {cache} cannot be read ({error}): delete the run's folder "
            "and start anew."
        ) from error


def _write(path: Path, arrays: dict) -> None:
    with path.open("wb") as stream:  # numpy would add a suffix to a path
        np.savez(stream, **arrays)


def distances(logits: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the distance of each row's probabilities from the teacher's: float32 (N,), in nats.

    logits, teacher: float32 (N, 10). The distance is the Kullback-Leibler divergence after both are
    divided by `temperature`, times the square of the temperature, so that its gradient is as large
    as that of the cross entropy (section 2.1 of the source).
    """
    ours = F.log_softmax(logits / temperature, dim=1)
    theirs = F.log_softmax(teacher / temperature, dim=1)
    divergence = F.kl_div(ours, theirs, reduction="none", log_target=True).sum(1)
    return temperature**2 * divergence
