"""Measures us against a reference in the same run, and says whether the bar was held.

    python -m cifar bench train
    python -m cifar bench train --json

A suite is a function that returns rows; each row is one figure of ours beside the reference's.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import torch
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision import transforms
from tqdm import tqdm

from cifar import data
from cifar.device import describe, keep_freed_memory
from cifar.model import MEAN, STD, create_model
from cifar.recipe import PRESETS
from cifar.train import Accelerator, Training

BLOCKS = 5  # timed on each side, in turns, so that both meet the same disturbances
STEPS = {"resnet": 1, "basenet": 8}  # of a block: some seconds on two cores


@dataclass(frozen=True)
class Row:
    """One figure: ours and the reference's, both in `unit` and medians of `n` timed blocks.

    ratio: how many times faster we are; bound: the bar in words; ok: whether it was held.
    """

    row: str
    ours: float
    reference: float
    ratio: float
    unit: str
    n: int
    bound: str
    ok: bool


def throughput(row: str, ours: list[float], reference: list[float], at_least: float) -> Row:
    """The row of two lists of images a second, a number a block, and the ratio that is asked."""
    ratio = round(median(ours) / median(reference), 2)
    return Row(
        row,
        round(median(ours), 1),
        round(median(reference), 1),
        ratio,
        "images/s",
        len(ours),
        f">= {at_least}",
        ratio >= at_least,
    )


def measure(suite: str) -> dict:
    """Run a suite: {"suite", "hardware", "rows"}, as plain values that JSON can hold."""
    rows = [asdict(row) for row in SUITES[suite]()]
    return {"suite": suite, "hardware": describe(_device()), "rows": rows}


def held(report: dict) -> bool:
    """Whether every row of a report held its bar."""
    return all(row["ok"] for row in report["rows"])


def as_json(report: dict) -> str:
    return json.dumps(report, indent=2)


def as_table(report: dict) -> str:
    """The report for people: a line a row, numbers flush right."""
    lines = [("", "ours", "reference", "ratio", "unit", "n", "bound", "ok")]
    for row in report["rows"]:
        shown = {**row, "ratio": f"{row['ratio']:.2f}", "ok": "yes" if row["ok"] else "NO"}
        lines.append(tuple(str(shown[name or "row"]) for name in lines[0]))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligns = "<>>><><<"
    table = [
        "  ".join(
            f"{cell:{a}{w}}" for cell, a, w in zip(line, aligns, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([f"{report['suite']}, on {report['hardware']}", "", *table])


def train_suite() -> list[Row]:
    """Images a second of our training step and of a tutorial's, at 32x32 and our batch size."""
    data.load("train")  # downloaded and decoded here, not by two processes at once
    return [training_row(network) for network in PRESETS]


def training_row(network: str) -> Row:
    batch_size, steps = PRESETS[network].batch_size, STEPS[network]
    with (
        in_own_process(our_training, network, steps) as ours,
        in_own_process(tutorial_training, network, steps) as reference,
    ):
        seconds = take_turns((ours, reference), BLOCKS, f"train {network}")
    rates = [[steps * batch_size / s for s in side] for side in seconds]
    name = f"{network}, {steps} step{'s' * (steps > 1)} of {batch_size} images a block"
    return throughput(name, *rates, at_least=1.3)


def take_turns(
    sides: tuple[Callable[[], float], ...], blocks: int, name: str
) -> tuple[list[float], ...]:
    """What each side returned for each of its blocks."""
    results = tuple([] for _ in sides)
    with tqdm(total=blocks * len(sides), desc=name, unit="block") as bar:
        for _ in range(blocks):
            for side, found in zip(sides, results, strict=True):
                found.append(side())
                bar.update()
    return results


@contextmanager
def in_own_process(make: Callable, *arguments) -> Iterator[Callable[[], float]]:
    """Within the block, a function that runs make(*arguments)() and returns how many seconds it
    took, after a first time that is not counted.

    A process each, because how freed memory is kept is decided for a whole process.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        process.submit(_prepare, make, arguments).result()
        yield lambda: process.submit(_seconds).result()


def _prepare(make: Callable, arguments: tuple) -> None:
    global _block
    _block = make(*arguments)
    _block()


def _seconds() -> float:
    began = time.perf_counter()
    _block()
    return time.perf_counter() - began


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def our_training(network: str, steps: int) -> Callable[[], None]:
    """A function that lets our training go on by so many steps, at full image size."""
    cuda = _device().type == "cuda"
    if not cuda:
        keep_freed_memory()
    # A teacher's answers cost nothing to look up, but it would take minutes to make them first.
    recipe = replace(PRESETS[network], sizes=(32,), teacher="")
    accelerator = Accelerator(cpu=not cuda, mixed_precision="bf16" if cuda else "no")
    split = data.load("train")
    training = Training(recipe, Path(), split, split, accelerator)

    def block() -> None:
        for _ in range(steps):
            training.advance()
        training.loss_sum.item()  # waits for the device

    return block


class Pictures(Dataset):
    """(picture, label) of a split, read the way of torchvision.datasets.CIFAR10."""

    def __init__(self, split: data.Split, transform: Callable):
        self.pixels = split.images.permute(0, 2, 3, 1).contiguous().numpy()
        self.labels = split.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pixels[index])), self.labels[index]


def tutorial_training(network: str, steps: int, workers: int = 2) -> Callable[[], None]:
    """A function that trains the same network at the same batch size the way of a tutorial.

    It takes an epoch of `steps` batches, so that nothing is read ahead while the other side is
    timed.
    """
    device = _device()
    pictures = Pictures(
        data.load("train"),
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


SUITES: dict[str, Callable[[], list[Row]]] = {"train": train_suite}
