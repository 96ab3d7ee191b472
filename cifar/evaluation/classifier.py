"""Calibrated probabilities of pictures from a checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cifar import CLASSES
from cifar.data.pictures import Kind, Seen
from cifar.evaluation import metrics
from cifar.models.checkpoint import Checkpoint
from cifar.models.staged import normalize

BATCH = 128  # images per forward pass


@dataclass(frozen=True)
class Answer:
    """A network's answer for one picture.

    logits: float32 (10,). probabilities: float64 (10,), after the temperature. features: float32
    (D,), the input of the last layer. Of several looks, these are the means over all and their
    mirror images. said: int64 (L, M), the class that each of L looks says: as it is, and mirrored
    if there are several (M = 2, else 1). kind: see `pictures.Seen`.
    """

    logits: np.ndarray
    probabilities: np.ndarray
    features: np.ndarray
    said: np.ndarray
    kind: Kind

    @property
    def predicted(self) -> int:
        """The most probable class, 0 to 9."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """The largest probability, 0 to 1."""
        return float(self.probabilities.max())

    def top(self, k: int) -> list[tuple[str, float]]:
        """Return the k most probable classes with their probabilities.

        Raises ValueError unless k is 1 to 10.
        """
        if not 1 <= k <= len(CLASSES):
            raise ValueError(f"top-k is {k}: choose 1 to {len(CLASSES)}.")
        order = np.argsort(-self.probabilities, kind="stable")[:k]
        return [(CLASSES[i], float(self.probabilities[i])) for i in order]


def to_tensor(images: np.ndarray) -> torch.Tensor:
    """Convert uint8 (N, 32, 32, 3) or (32, 32, 3) to normalized float32 (N, 3, 32, 32)."""
    batch = torch.from_numpy(np.ascontiguousarray(images)).view(-1, *images.shape[-3:])
    return normalize(batch.permute(0, 3, 1, 2))


@torch.inference_mode()
def calibrated(checkpoint: Checkpoint, inputs: torch.Tensor) -> np.ndarray:
    """Compute calibrated probabilities, float64 (N, 10), of normalized float32 (N, 3, 32, 32)."""
    device = checkpoint.model.device
    logits = [
        checkpoint.model(part.to(device, memory_format=torch.channels_last)).float().cpu()
        for part in inputs.split(BATCH)
    ]
    return metrics.probabilities(torch.cat(logits).numpy(), checkpoint.temperature)


def classify(checkpoint: Checkpoint, picture: Seen) -> Answer:
    """Classify one picture."""
    return classify_all(checkpoint, [picture])[0]


def classify_all(checkpoint: Checkpoint, pictures: Sequence[Seen]) -> list[Answer]:
    """Classify pictures, BATCH looks at a time; probabilities as measured for each one's kind."""
    answers = []
    for picture, (logits, features) in zip(pictures, outputs(checkpoint, pictures), strict=True):
        temperature = checkpoint.calibrated_for(picture.kind).temperature
        answers.append(
            Answer(
                logits.mean(0),
                metrics.probabilities(logits, temperature).mean(0),
                features.mean(0),
                logits.argmax(1).reshape(-1, len(picture.views)).T,
                picture.kind,
            )
        )
    return answers


@torch.inference_mode()
def outputs(
    checkpoint: Checkpoint, pictures: Sequence[Seen]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Compute logits float32 (V, 10) and features float32 (V, D) of each picture.

    V: its views, and if there are several, their mirror images after them.
    """
    device = checkpoint.model.device
    inputs = [_inputs(picture) for picture in pictures]
    logits, features = [], []
    for part in torch.cat(inputs).split(BATCH):
        of_part = checkpoint.model.outputs(part.to(device))
        logits.append(of_part[0].float().cpu())
        features.append(of_part[1].float().cpu())
    counts = [len(views) for views in inputs]
    return [
        (own_logits.numpy(), own_features.numpy())
        for own_logits, own_features in zip(
            torch.cat(logits).split(counts), torch.cat(features).split(counts), strict=True
        )
    ]


def _inputs(picture: Seen) -> torch.Tensor:
    """Return the network's inputs: the views, and if there are several their mirror images."""
    views = to_tensor(picture.views)
    return torch.cat([views, views.flip(-1)]) if picture.kind == "looks" else views
