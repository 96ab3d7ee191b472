"""What we add to a network's own work, in one process: classifying an image, and the test split."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from cifar.bench.rows import Row, at_most, within
from cifar.bench.turns import in_turns
from cifar.evaluation import evaluate
from cifar.evaluation.classifier import classify, to_tensor
from cifar.explain.probes import PROBES, sweeps
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.networks import NETWORKS

BLOCKS = 40  # batches timed on each side: 10,000 images, as many as the test split has


def network_suite() -> list[Row]:
    """Milliseconds of one decoded image, of a batch of `evaluate` and of all probes of an image,
    beside the bare network's.

    All are random pixels: which ones does not matter for the time.
    """
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    batch = torch.from_numpy(random.integers(0, 256, (evaluate.BATCH, 3, 32, 32), dtype=np.uint8))
    rows = []
    for name in NETWORKS:
        ckpt = checkpoint.load(name)
        inputs = to_tensor(batch.permute(0, 2, 3, 1).numpy())
        one = in_turns(
            partial(classify, ckpt, image),
            bare(ckpt, to_tensor(image)),
            f"classify {name}",
            calls=10 * BLOCKS,
        )
        rows.append(at_most(f"{name}: classify one image", *one, times=1.3))
        many = in_turns(
            partial(evaluate.predict, ckpt, batch),
            bare(ckpt, inputs.contiguous(memory_format=torch.channels_last)),
            f"evaluate {name}",
            calls=BLOCKS,
        )
        what = f"{name}: evaluate a batch of {evaluate.BATCH}"
        rows.append(at_most(what, *many, times=1.15))
        count = sum(len(probe.settings) for probe in PROBES.values())
        changed = in_turns(
            partial(sweeps, ckpt, image),
            bare(ckpt, inputs[:count].contiguous(memory_format=torch.channels_last)),
            f"probes {name}",
            calls=BLOCKS,
        )
        rows.append(within(f"{name}: what changes its mind, {count} images", *changed, at_most=500))
    return rows


def bare(ckpt: Checkpoint, inputs: torch.Tensor) -> Callable[[], torch.Tensor]:
    """The network alone on normalised images."""

    @torch.inference_mode()
    def forward() -> torch.Tensor:
        return ckpt.model(inputs)

    return forward
