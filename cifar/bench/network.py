"""The time that our code adds to the bare network, in one process."""

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchvision.models import resnet18

from cifar.add.trace import trace
from cifar.bench.rows import Row, relative_cost, total_time
from cifar.bench.turns import time_in_turns
from cifar.data.pictures import Seen
from cifar.evaluation import evaluate
from cifar.evaluation.classifier import classify, to_tensor
from cifar.explain.probes import PROBES, sweeps
from cifar.models import checkpoint
from cifar.models.checkpoint import Checkpoint
from cifar.models.facts import GRAPH, SIZE
from cifar.models.graph import GraphNetwork
from cifar.models.networks import NETWORKS
from cifar.models.preprocessing import Preprocessing

BROUGHT = 10  # batches of the brought network
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
    return [*rows, brought_network(batch)]


def brought_network(batch: torch.Tensor) -> Row:
    """Time a batch of `evaluate` with a network of the size of ResNet-18 as `add` keeps it.

    The reference is torchvision's module on prepared images.
    """
    module = resnet18(num_classes=10)
    module.conv1, module.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    module = module.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    traced = trace(copy.deepcopy(module), (3, SIZE, SIZE))
    network = GraphNetwork(traced.graph, Preprocessing(std=(0.2, 0.2, 0.2)), traced.layers)
    network.load_state_dict(traced.weights)
    network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    ckpt = Checkpoint(Path("brought"), {"network": GRAPH}, {}, "", module=network)
    inputs = to_tensor(batch.permute(0, 2, 3, 1).numpy())
    inputs = inputs.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def bare() -> torch.Tensor:
        return module(inputs)

    times = time_in_turns(
        partial(evaluate.predict, ckpt, batch), bare, "evaluate a brought network", calls=BROUGHT
    )
    title = f"a brought ResNet-18: evaluate a batch of {len(batch)}"
    return relative_cost(title, *times, at_most=1.15)


def bare_network(ckpt: Checkpoint, inputs: torch.Tensor) -> Callable[[], torch.Tensor]:
    """Return a function that runs only the network, on normalized images."""

    @torch.inference_mode()
    def forward() -> torch.Tensor:
        return ckpt.model(inputs)

    return forward
