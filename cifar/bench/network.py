"""The time that our code adds to the bare network, in one process."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from cifar.bench.rows import Row, relative_cost, total_time
from cifar.bench.turns import time_in_turns
from cifar.data.pictures import Seen
from cifar.evaluation import evaluate
from cifar.evaluation.classifier import classify, to_tensor
from cifar.explain.probes import PROBES, sweeps
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.networks import NETWORKS

BLOCKS = 40  # batches timed on each side: 10,000 images, as in the test split


def network_suite() -> list[Row]:
    """Time one decoded image, a batch of `evaluate` and all probes of an image, in milliseconds.

    The reference is the bare network. Pixels are random, as they do not affect the time.
    """
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    batch = torch.from_numpy(random.integers(0, 256, (evaluate.BATCH, 3, 32, 32), dtype=np.uint8))
    rows = []
    for name in NETWORKS:
        ckpt = checkpoint.load(name)
        inputs = to_tensor(batch.permute(0, 2, 3, 1).numpy())
        one = time_in_turns(
            partial(classify, ckpt, Seen.image(image)),
            bare_network(ckpt, to_tensor(image)),
            f"classify {name}",
            calls=10 * BLOCKS,
        )
        rows.append(relative_cost(f"{name}: classify one image", *one, at_most=1.3))
        many = time_in_turns(
            partial(evaluate.predict, ckpt, batch),
            bare_network(ckpt, inputs.contiguous(memory_format=torch.channels_last)),
            f"evaluate {name}",
            calls=BLOCKS,
        )
        title = f"{name}: evaluate a batch of {evaluate.BATCH}"
        rows.append(relative_cost(title, *many, at_most=1.15))
        count = sum(len(probe.settings) for probe in PROBES.values())
        probes = time_in_turns(
            partial(sweeps, ckpt, image),
            bare_network(ckpt, inputs[:count].contiguous(memory_format=torch.channels_last)),
            f"probes {name}",
            calls=BLOCKS,
        )
        title = f"{name}: what changes its mind, {count} images"
        rows.append(total_time(title, *probes, at_most=500))
    return rows


def bare_network(ckpt: Checkpoint, inputs: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Return a function that runs only the network, on normalized images."""

    @torch.inference_mode()
    def forward() -> torch.Tensor:
        return ckpt.model(inputs)

    return forward
