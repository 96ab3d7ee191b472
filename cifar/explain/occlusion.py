"""Occlusion maps: the drop of a class's probability when a part of the image is covered.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks",
https://arxiv.org/abs/1311.2901, section 4.2.
"""

import numpy as np

from cifar.data.pictures import SIZE
from cifar.evaluation.classifier import calibrated, to_tensor
from cifar.explain.methods import PATCH, STRIDE
from cifar.models.checkpoint import Checkpoint


def occlusion(
    checkpoint: Checkpoint,
    image: np.ndarray,
    targets: list[int],
    patch: int = PATCH,
    stride: int = STRIDE,
) -> np.ndarray:
    """Measure how far covering parts of a uint8 (32, 32, 3) image lowers targets' probabilities.

    Returns float32 (T, 32 / stride, 32 / stride), -1 to 1 in calibrated probability; negative where
    the class gains. For each cell, a patch x patch square around its center is filled with the mean
    color of the training images, clipped at the border. All of them are one batch.
    Raises ValueError if the cells do not fill the image or patches cannot be centered on them.
    """
    if stride < 1 or SIZE % stride or patch < 1 or (patch - stride) % 2:
        raise ValueError(
            f"Patches of {patch} pixels cannot be centred on every {stride}: choose a stride that "
            f"divides {SIZE} and a patch that differs from it by an even number."
        )
    x = to_tensor(image)
    cells = SIZE // stride
    covered = x.repeat(1 + cells * cells, 1, 1, 1)  # the first stays uncovered
    for row in range(cells):
        for column in range(cells):
            top, left = (stride * place - (patch - stride) // 2 for place in (row, column))
            rows, columns = (slice(max(0, at), at + patch) for at in (top, left))
            covered[1 + row * cells + column, :, rows, columns] = 0  # the mean, normalized
    probabilities = calibrated(checkpoint, covered)[:, targets]
    return (probabilities[0] - probabilities[1:]).T.reshape(-1, cells, cells).astype(np.float32)
