"""A teacher's logits on the training images, for a smaller network to learn from.

Distillation after Hinton et al., https://arxiv.org/abs/1503.02531. The teacher sees every image
and its mirror image once, before the run, not each step's shifted and cut view, which would cost
many times the small network's own work.
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
from cifar.models.errors import CheckpointError
from cifar.models.summary import multiply_adds


class TeacherLogits(NamedTuple):
    """Logits, float32 (2, N, 10), the sha256 of the teacher's weights, and their cost in PFLOP."""

    logits: torch.Tensor
    sha256: str
    petaflop: float


def teacher_logits(name: str, images: torch.Tensor, cache: Path) -> torch.Tensor:
    """Return a checkpoint's logits: float32 (2, N, 10), for the images and their mirror images.

    images: uint8 (N, 3, 32, 32). cache: an `.npz` file that keeps them with the sha256 of the
    weights; logits of other weights or of another number of images are computed anew. Raises
    CheckpointError if there is no such checkpoint.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    teacher = checkpoint.load(name, device, measured=False)
    if teacher.origin:
        tqdm.write(teacher.origin, file=sys.stderr)
    if cache.exists():
        found = load_logits(cache)
        if found.sha256 == teacher.sha256 and found.logits.shape[1] == len(images):
            return found.logits
    logits = np.stack(
        [
            predict(teacher, images, label=f"{name} on the images")[0],
            predict(teacher, images, mirrored=True, label="and on their mirror images")[0],
        ]
    )
    # Two operations a multiply-add, as for training; the teacher's own training does not count.
    petaflop = 2 * 2 * len(images) * multiply_adds(teacher.model) / 1e15
    facts = {"logits": logits, "sha256": teacher.sha256, "petaflop": petaflop}
    files.replace(cache, lambda path: _write(path, facts))
    return torch.from_numpy(logits)


def load_logits(cache: Path) -> TeacherLogits:
    """Read what `teacher_logits` keeps. Raises CheckpointError if it is missing or damaged."""
    try:
        with np.load(cache) as found:
            logits = torch.from_numpy(found["logits"])
            return TeacherLogits(logits, str(found["sha256"]), float(found["petaflop"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"The teacher's logits in {cache} cannot be read ({error}): delete the run's folder "
            "and start anew."
        ) from error


def _write(path: Path, facts: dict) -> None:
    with path.open("wb") as stream:  # a name would be given another suffix
        np.savez(stream, **facts)


def distances(logits: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return how far each row's probabilities are from the teacher's: float32 (N,), in nats.

    logits, teacher: float32 (N, 10). The Kullback-Leibler divergence of both softened by
    `temperature`, times its square, so that
    its gradient is of the size of the cross entropy's (section 2.1 of the source).
    """
    ours = F.log_softmax(logits / temperature, dim=1)
    theirs = F.log_softmax(teacher / temperature, dim=1)
    divergence = F.kl_div(ours, theirs, reduction="none", log_target=True).sum(1)
    return temperature**2 * divergence
