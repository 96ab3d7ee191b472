"""A trained network's answers on the training images, for a smaller one to learn from.

Distillation after Hinton et al., https://arxiv.org/abs/1503.02531. The teacher looks at every image
and its mirror image once, before the run, not at each step's shifted and cut view (which would
cost many times the small network's own work).
"""

import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from cifar.evaluation.evaluate import predict
from cifar.models import checkpoint
from cifar.models.checkpoint import CheckpointError
from cifar.models.networks import multiply_adds


def answers(name: str, images: torch.Tensor, cache: Path) -> torch.Tensor:
    """Logits of a checkpoint: float32 (2, N, 10), for the images and for their mirror images.

    images: uint8 (N, 3, 32, 32). They are kept in `cache`, an `.npz` file that says which weights
    gave them; one of other weights or of another number of images is computed anew.
    Raises CheckpointError if there is no such checkpoint.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    teacher = checkpoint.load(name, device, measured=False)
    if teacher.origin:
        tqdm.write(teacher.origin, file=sys.stderr)
    if cache.exists():
        found = kept(cache)
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
    checkpoint.replace(cache, lambda path: _write(path, facts))
    return torch.from_numpy(logits)


class Kept(NamedTuple):
    """A teacher's answers, the sha256 of its weights, and what the answers cost it in PFLOP."""

    logits: torch.Tensor
    sha256: str
    petaflop: float


def kept(cache: Path) -> Kept:
    """What `answers` keeps. Raises CheckpointError if it is missing or damaged."""
    try:
        with np.load(cache) as found:
            logits = torch.from_numpy(found["logits"])
            return Kept(logits, str(found["sha256"]), float(found["petaflop"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"The answers of the teacher in {cache} cannot be read ({error}): delete the run's "
            "folder and start anew."
        ) from error


def _write(path: Path, facts: dict) -> None:
    with path.open("wb") as stream:  # a name would be given another suffix
        np.savez(stream, **facts)


def distances(logits: torch.Tensor, answers: torch.Tensor, temperature: float) -> torch.Tensor:
    """How far each row's probabilities are from the teacher's: float32 (N,), in nats.

    The Kullback-Leibler divergence of both softened by `temperature`, times its square, so that
    its gradient is of the size of the cross entropy's (section 2.1 of the source).
    """
    ours = F.log_softmax(logits / temperature, dim=1)
    theirs = F.log_softmax(answers / temperature, dim=1)
    divergence = F.kl_div(ours, theirs, reduction="none", log_target=True).sum(1)
    return temperature**2 * divergence
