"""Calibrated probabilities of 32x32 images from a checkpoint."""

from dataclasses import dataclass

import numpy as np
import torch

from cifar import CLASSES
from cifar.evaluation import metrics
from cifar.models.checkpoint import Checkpoint
from cifar.models.staged import normalize

BATCH = 128  # images per forward pass


@dataclass(frozen=True)
class Answer:
    """A network's answer for one image.

    logits: float32 (10,). probabilities: float64 (10,), after the temperature. features: float32
    (D,), the input of the last layer.
    """

    logits: np.ndarray
    probabilities: np.ndarray
    features: np.ndarray

    @property
    def predicted(self) -> int:
        """The most probable class, 0 to 9."""
        return int(self.logits.argmax())

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
    device = next(checkpoint.model.parameters()).device
    logits = [
        checkpoint.model(part.to(device, memory_format=torch.channels_last)).float().cpu()
        for part in inputs.split(BATCH)
    ]
    return metrics.probabilities(torch.cat(logits).numpy(), checkpoint.temperature)


def classify(checkpoint: Checkpoint, image: np.ndarray) -> Answer:
    """Classify one uint8 (32, 32, 3) image."""
    return classify_all(checkpoint, image[None])[0]


@torch.inference_mode()
def classify_all(checkpoint: Checkpoint, images: np.ndarray) -> list[Answer]:
    """Classify uint8 (N, 32, 32, 3) images in one forward pass."""
    device = next(checkpoint.model.parameters()).device
    features = checkpoint.model.features(to_tensor(images).to(device))
    logits = checkpoint.model.head(features).float().cpu().numpy()
    probabilities = metrics.probabilities(logits, checkpoint.temperature)
    return [
        Answer(*row)
        for row in zip(logits, probabilities, features.float().cpu().numpy(), strict=True)
    ]
