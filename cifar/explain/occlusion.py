"""What a class loses when a part of the image is covered: evidence that needs no layer.

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
    """How far covering each part of a uint8 (32, 32, 3) image lowers the probability of targets.

    Returns float32 (T, 32 / stride, 32 / stride), -1 to 1 in calibrated probability; negative where
    the class gains. A cell is a square of patch x patch pixels around the cell's centre, cut off at
    the border and filled with the mean colour of the training images. All of it is one batch.
    Raises ValueError where cells do not fill the image or patches cannot be centred on them.
    """
    if stride < 1 or SIZE % stride or patch < 1 or (patch - stride) % 2:
        raise ValueError(
            f"Patches of {patch} pixels cannot be centred on every {stride}: choose a stride that "
            f"divides {SIZE} and a patch that differs from it by an even number."
        )
    x = to_tensor(image)
    cells = SIZE // stride
    covered = x.repeat(1 + cells * cells, 1, 1, 1)  # the first stays whole
    for row in range(cells):
        for column in range(cells):
            top, left = (stride * place - (patch - stride) // 2 for place in (row, column))
            rows, columns = (slice(max(0, at), at + patch) for at in (top, left))
            covered[1 + row * cells + column, :, rows, columns] = 0  # the mean, normalised
    found = calibrated(checkpoint, covered)[:, targets]
    return (found[0] - found[1:]).T.reshape(-1, cells, cells).astype(np.float32)
