"""A trained network's answers on the training images, for a smaller one to learn from.

Distillation after Hinton et al., https://arxiv.org/abs/1503.02531. The teacher looks at every image
and its mirror image once, before the run, not at each step's shifted and cut view (which would
cost many times the small network's own work).
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from cifar import checkpoint
from cifar.evaluate import predict
from cifar.model import multiply_adds


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
    if cache.exists() and weights(cache) == teacher.sha256:
        with np.load(cache) as kept:
            if kept["logits"].shape[1] == len(images):
                return torch.from_numpy(kept["logits"])
    logits = np.stack(
        [
            predict(teacher, images, label=f"{name} on the images")[0],
            predict(teacher, images, mirrored=True, label="and on their mirror images")[0],
        ]
    )
    checkpoint.replace(cache, lambda path: _write(path, logits, teacher.sha256))
    return torch.from_numpy(logits)


def weights(cache: Path) -> str:
    """sha256 of the weights that gave the answers in `cache`."""
    with np.load(cache) as kept:
        return str(kept["sha256"])


def petaflop(name: str, images: int) -> float:
    """What answers on so many images and their mirror images cost the teacher, in PFLOP.

    Two operations a multiply-add, as for training; the teacher's own training does not count.
    """
    return 2 * 2 * images * multiply_adds(checkpoint.load(name, measured=False).model) / 1e15


def _write(path: Path, logits: np.ndarray, sha256: str) -> None:
    with path.open("wb") as stream:  # a name would be given another suffix
        np.savez(stream, logits=logits, sha256=sha256)


def distances(logits: torch.Tensor, answers: torch.Tensor, temperature: float) -> torch.Tensor:
    """How far each row's probabilities are from the teacher's: float32 (N,), in nats.

    The Kullback-Leibler divergence of both softened by `temperature`, times its square, so that
    its gradient is of the size of the cross entropy's (section 2.1 of the source).
    """
    ours = F.log_softmax(logits / temperature, dim=1)
    theirs = F.log_softmax(answers / temperature, dim=1)
    divergence = F.kl_div(ours, theirs, reduction="none", log_target=True).sum(1)
    return temperature**2 * divergence
