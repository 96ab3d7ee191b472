"""Images per second of our training step and of the loop that a tutorial would write."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import torch
from accelerate import Accelerator
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision import transforms

from cifar.bench.rows import Row, throughput
from cifar.bench.turns import take_turns
from cifar.data import cifar10
from cifar.models.device import fastest_device
from cifar.models.facts import MEAN, STD
from cifar.models.memory import keep_freed_memory
from cifar.models.networks import create_model
from cifar.training.loop import Training
from cifar.training.recipe import PRESETS

BLOCKS = 5  # timed on each side, in turns, so that both meet the same disturbances
STEPS = {"resnet": 1, "basenet": 4}  # in a block: some seconds on two cores


def train_suite() -> list[Row]:
    """Compare our training step with a tutorial's, at 32x32 pixels and our batch size."""
    cifar10.load("train")  # download and decode it before two processes do so at once
    return [training_row(network) for network in PRESETS]


def training_row(network: str) -> Row:
    """Measure one network's training, in images per second."""
    batch_size, steps = PRESETS[network].batch_size, STEPS[network]
    with (
        in_own_process(our_training, network, steps) as ours,
        in_own_process(tutorial_training, network, steps) as reference,
    ):
        times = take_turns(ours, reference, BLOCKS, f"train {network}")
    our_rates, reference_rates = ([steps * batch_size / s for s in side] for side in times)
    name = f"{network}, {steps} step{'s' * (steps > 1)} of {batch_size} images a block"
    return throughput(name, our_rates, reference_rates, at_least=1.3)


@contextmanager
def in_own_process(make: Callable, *arguments: object) -> Iterator[Callable[[], float]]:
    """Yield a function that runs make(*arguments)() in its own process and returns the seconds.

    A first run is not timed. Each side has its own process because the handling of freed memory is
    set for a whole process.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        process.submit(_prepare, make, arguments).result()
        yield lambda: process.submit(_seconds).result()


_blocks: list[Callable[[], object]] = []  # in a process of its own: the function that it times


def _prepare(make: Callable, arguments: tuple) -> None:
    _blocks.append(make(*arguments))
    _blocks[0]()


def _seconds() -> float:
    began = time.perf_counter()
    _blocks[0]()
    return time.perf_counter() - began


def _device() -> torch.device:
    return torch.device(fastest_device())


def our_training(network: str, steps: int) -> Callable[[], None]:
    """Return a function that continues our training by `steps`, at full image size."""
    cuda = _device().type == "cuda"
    if not cuda:
        keep_freed_memory()
    # Looking up teacher logits costs nothing, but computing them first would take minutes.
    recipe = replace(PRESETS[network], sizes=(32,), teacher="")
    split = cifar10.load("train")
    accelerator = Accelerator(cpu=not cuda, mixed_precision="no")
    training = Training(recipe, Path(), split, split, accelerator)

    def block() -> None:
        for _ in range(steps):
            training.advance()
        training.loss_sum.item()  # waits for the device

    return block


class Pictures(Dataset):
    """Pairs (picture, label) of a split, read as torchvision.datasets.CIFAR10 does."""

    def __init__(self, split: cifar10.Split, transform: Callable) -> None:
        self.pixels = split.images.permute(0, 2, 3, 1).contiguous().numpy()
        self.labels = split.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


def tutorial_training(network: str, steps: int, workers: int = 2) -> Callable[[], None]:
    """Return a function that trains the same network at the same batch size as a tutorial would.

    An epoch has `steps` batches, so that no batch is read ahead while the other side is timed. Two
    workers are the faster reference: compared with none, a tutorial's other choice, they gave 6%
    more images per second with basenet and 1% with resnet on an otherwise idle two-core machine.
    """
    device = _device()
    pictures = Pictures(
        cifar10.load("train"),
        transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        ),
    )
    batch_size = PRESETS[network].batch_size
    loader = DataLoader(
        pictures,
        batch_size=batch_size,
        sampler=RandomSampler(pictures, num_samples=steps * batch_size),
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    model = create_model(network).to(device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    running_loss = 0.0

    def epoch() -> None:
        nonlocal running_loss
        model.train()
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()

    return epoch
