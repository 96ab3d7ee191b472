"""Recipe and data in, a run folder out, which can be stopped at any step and resumed.

    python -m cifar train resnet
    python -m cifar train resnet --resume
    torchrun --nproc_per_node 2 -m cifar train resnet     # two processes share every batch

The whole split lives on the device as uint8; batches are cut out of it and augmented there. Order,
augmentation and learning rate are functions of (seed, step) alone, so a resumed run gives bit for
bit the weights of an uninterrupted one (on a CPU, with the same number of threads).
"""

import dataclasses
import json
import pickle
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch.nn import functional as F
from tqdm import tqdm

from cifar import LensError, checkpoint, data
from cifar.batches import batch, epoch_mirrored, epoch_order
from cifar.device import describe
from cifar.model import (
    create_model,
    dirac_start,
    multiply_adds,
    normalize,
    whiten_first_layer,
)
from cifar.optimizer import Lookahead, Muon
from cifar.recipe import Recipe, learning_rate_factor, lookahead_keep

REPORT_EVERY = 5  # steps between two looks at the loss, each of which waits for the device
SAVE_EVERY = 300  # seconds of work that a kill may cost within an epoch


class TrainingError(LensError):
    """The run cannot start or go on; the message says why and what to do."""


def train(
    recipe: Recipe,
    run: Path,
    *,
    resume: bool = False,
    train_split: data.Split | None = None,
    val_split: data.Split | None = None,
    progress: bool = True,
    stop_at_step: int | None = None,
) -> bool:
    """Train until the recipe's last epoch and write the checkpoint to `run`/checkpoint.

    The run folder holds `recipe.json`, `history.jsonl` (a line an epoch) and `state.pt`. Returns
    whether the run is complete: False if it was stopped by Ctrl-C or SIGTERM (or `stop_at_step`),
    after saving its state. Raises TrainingError if the folder holds another run, if there is
    nothing to resume, or if the loss stops being finite (the last good state is kept).
    """
    run = Path(run)
    cuda = torch.cuda.is_available()
    accelerator = Accelerator(cpu=not cuda, mixed_precision="bf16" if cuda else "no")
    if accelerator.is_main_process:
        claim(recipe, run, resume)
    accelerator.wait_for_everyone()
    train_split = data.load("train") if train_split is None else train_split
    val_split = data.load("val") if val_split is None else val_split
    training = Training(recipe, run, train_split, val_split, accelerator)
    if resume:
        training.load()
    bar = tqdm(
        total=training.steps * recipe.batch_size,
        initial=training.step * recipe.batch_size,
        unit="img",
        unit_scale=True,
        smoothing=0.05,
        disable=not (progress and accelerator.is_main_process),
    )
    last_save = time.monotonic()
    with stop_requests() as stop, bar:
        while training.step < training.steps:
            training.advance()
            epoch_ended = training.step % training.steps_per_epoch == 0
            stopping = training.agree(stop.requested) or training.step == stop_at_step
            saving = epoch_ended or stopping or time.monotonic() - last_save > SAVE_EVERY
            bar.update(recipe.batch_size)
            if saving or training.step % REPORT_EVERY == 0:
                bar.set_description(training.describe(), refresh=False)
                bar.set_postfix(training.report())
            if epoch_ended:
                line = training.end_epoch()
                if accelerator.is_main_process:
                    bar.write(json.dumps(line))
            if saving:
                training.save()
                last_save = time.monotonic()
            if stopping and training.step < training.steps:
                if accelerator.is_main_process:
                    bar.write(f"Stopped after step {training.step}; go on with --resume.")
                return False
    training.export()
    return True


class Training:
    """A run in progress: the network, what moves it, and the counters of the current epoch."""

    def __init__(
        self,
        recipe: Recipe,
        run: Path,
        train_split: data.Split,
        val_split: data.Split,
        accelerator: Accelerator,
    ):
        if len(train_split) < recipe.batch_size:
            raise TrainingError(
                f"A batch of {recipe.batch_size} is more than the {len(train_split)} training "
                "images: choose a smaller --batch-size."
            )
        self.recipe, self.run = recipe, run
        self.accelerator = accelerator
        self.device = accelerator.device
        self.train_split, self.val_split = train_split, val_split
        self.images = train_split.images.to(self.device)
        self.labels = train_split.labels.to(self.device)

        torch.manual_seed(recipe.seed)
        model = create_model(recipe.network).to(self.device, memory_format=torch.channels_last)
        start(model, recipe, self.images)
        self.model = model
        self.optimizers = create_optimizers(model, recipe)
        self.lookahead = Lookahead(model) if recipe.lookahead_every else None
        # Forward and backward take three times the forward pass, two operations a multiply-add.
        self.flops = {size: 6 * multiply_adds(model, size) for size in set(recipe.sizes)}
        self.network = self.accelerator.prepare(model).train()

        self.steps_per_epoch = len(train_split) // recipe.batch_size
        self.steps = recipe.epochs * self.steps_per_epoch
        self.step = 0
        self.history: list[dict] = []
        self.loss_sum = torch.zeros((), device=self.device)
        self.correct = torch.zeros((), device=self.device, dtype=torch.int64)
        self.seconds, self._since = 0.0, time.monotonic()
        self._planned_epoch = -1

    @property
    def size(self) -> int:
        """Side in pixels of the images of the epoch that the last step belonged to."""
        epoch = max(0, self.step - 1) // self.steps_per_epoch
        return self.recipe.sizes[min(epoch, len(self.recipe.sizes) - 1)]

    def advance(self) -> None:
        """One step: cut a batch, augment it, and move the weights."""
        recipe = self.recipe
        epoch, position = divmod(self.step, self.steps_per_epoch)
        if epoch != self._planned_epoch:
            count = len(self.labels)
            self._order = epoch_order(recipe, epoch, count).to(self.device)
            self._mirrored = epoch_mirrored(recipe, epoch, count).to(self.device)
            self._planned_epoch = epoch
        factor = learning_rate_factor(recipe, self.step, self.steps)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * factor
        self.step += 1

        chosen = self._order[position * recipe.batch_size :][: recipe.batch_size]
        inputs = batch(
            recipe, self.images[chosen], self._mirrored[chosen], self.step - 1, self.size
        )
        # Every process makes the same batch and trains on its share of it.
        share = slice(self.accelerator.process_index, None, self.accelerator.num_processes)
        targets = self.labels[chosen][share]
        with self.accelerator.autocast():
            logits = self.network(inputs[share])
        loss = F.cross_entropy(logits.float(), targets, label_smoothing=recipe.label_smoothing)
        self.accelerator.backward(loss)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if self.lookahead and self.step % recipe.lookahead_every == 0:
            self.lookahead.pull(self.model, keep=lookahead_keep(self.step / self.steps))
        with torch.no_grad():
            self.loss_sum += loss
            self.correct += (logits.argmax(1) == targets).sum()

    def agree(self, wish: bool) -> bool:
        """Whether any process wishes it: all of them must stop after the same step."""
        if self.accelerator.num_processes == 1:
            return wish
        return bool(self.accelerator.reduce(torch.tensor([wish], device=self.device).float())[0])

    def _elapsed(self) -> float:
        """Seconds spent on the current epoch, over all sittings, validation left out."""
        return self.seconds + time.monotonic() - self._since

    def describe(self) -> str:
        epoch = -(-self.step // self.steps_per_epoch)
        return f"epoch {epoch}/{self.recipe.epochs} at {self.size}x{self.size}"

    def report(self) -> dict:
        """Mean loss and accuracy over the epoch so far. Raises TrainingError if not finite."""
        done = (self.step - 1) % self.steps_per_epoch + 1
        loss = self.loss_sum.item() / done
        self._refuse_unless_finite(loss)
        seen = done * (self.recipe.batch_size // self.accelerator.num_processes)
        return {"loss": f"{loss:.3f}", "accuracy": f"{self.correct.item() / seen:.1%}"}

    def _refuse_unless_finite(self, number: float) -> None:
        if not np.isfinite(number):
            raise TrainingError(
                f"The loss is no longer a finite number at step {self.step}: lower the learning "
                f"rate. A state saved before that is kept in {self.run}."
            )

    def end_epoch(self) -> dict:
        """Score `val`, add a line to the history, and start counting anew."""
        loss = self.accelerator.reduce(self.loss_sum, "mean").item() / self.steps_per_epoch
        correct = self.accelerator.reduce(self.correct, "sum").item()
        seconds = self._elapsed()  # after the reading above, which waits for the device
        if self.step == self.steps and self.lookahead:
            self.lookahead.pull(self.model, keep=1.0)
        val_loss, val_accuracy = score(self.model, self.val_split, self.device)
        self._refuse_unless_finite(val_loss)
        self.network.train()
        images = self.steps_per_epoch * self.recipe.batch_size
        line = {
            "epoch": self.step // self.steps_per_epoch,
            "size": self.size,
            "train_loss": round(loss, 4),
            "train_accuracy": round(correct / images, 4),
            "val_loss": round(val_loss, 4),
            "val_accuracy": round(val_accuracy, 4),
            "seconds": round(seconds, 1),
            "images_per_second": round(images / seconds, 1),
            "petaflop": round(self.flops[self.size] * images / 1e15, 5),
        }
        self.history.append(line)
        if self.accelerator.is_main_process:
            checkpoint.write_history(self.run / "history.jsonl", self.history)
        self.loss_sum.zero_()
        self.correct.zero_()
        self.seconds, self._since = 0.0, time.monotonic()
        return line

    def save(self) -> None:
        """Write everything that resuming needs, under a temporary name first.

        Raises TrainingError rather than replace a good state by weights that are not finite.
        """
        if not self.accelerator.is_main_process:
            return
        for weights in self.model.state_dict().values():
            self._refuse_unless_finite(weights.sum().item())
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "slow": self.lookahead.slow if self.lookahead else {},
            "step": self.step,
            "history": self.history,
            "tally": {
                "loss_sum": self.loss_sum.item(),
                "correct": self.correct.item(),
                "seconds": self._elapsed(),
            },
        }
        checkpoint.replace(self.run / "state.pt", lambda path: torch.save(state, path))

    def load(self) -> None:
        """Go back to the saved state."""
        path = self.run / "state.pt"
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise TrainingError(
                f"{path} is damaged and cannot be resumed ({error}): start anew in another --run."
            ) from error
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.lookahead:
            self.lookahead.slow = state["slow"]
        self.step, self.history = state["step"], state["history"]
        self.loss_sum.fill_(state["tally"]["loss_sum"])
        self.correct.fill_(state["tally"]["correct"])
        self.seconds, self._since = state["tally"]["seconds"], time.monotonic()
        # A kill between two writes may have left a line that this state does not know.
        checkpoint.write_history(self.run / "history.jsonl", self.history)

    def export(self) -> None:
        """Write the finished network as a checkpoint, with what the run cost."""
        if not self.accelerator.is_main_process:
            return
        checkpoint.save(
            self.run / "checkpoint",
            self.model,
            network=self.recipe.network,
            recipe=dataclasses.asdict(self.recipe),
            history=self.history,
            training={
                "images": len(self.train_split),
                "official": self.train_split.official,
                "epochs": self.recipe.epochs,
                "seconds": round(sum(line["seconds"] for line in self.history)),
                "petaflop": round(sum(line["petaflop"] for line in self.history), 4),
                "val_accuracy": self.history[-1]["val_accuracy"],
                "hardware": describe(self.device),
                "processes": self.accelerator.num_processes,
                "torch": torch.__version__,
            },
        )


def start(model: torch.nn.Module, recipe: Recipe, images: torch.Tensor) -> None:
    """Initialise as the recipe says. images: uint8, the training images on the model's device."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = recipe.norm_momentum
            module.weight.requires_grad_(not recipe.freeze_norm_scale)
    if recipe.whiten:
        whiten_first_layer(model, normalize(images[:5000]))
        model.prep.conv.weight.requires_grad_(False)
    if recipe.dirac:
        dirac_start(model)
    with torch.no_grad():
        model.head.weight.mul_(recipe.logit_scale)
        model.head.bias.mul_(recipe.logit_scale)


def create_optimizers(model: torch.nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """SGD with Nesterov momentum in three groups, and Muon for filter banks where it is asked for.

    Each group's `peak_lr` is what the schedule multiplies. Weight decay is coupled and divided by
    the group's learning rate factor, so that every group decays alike.
    """
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    biases = [norm.bias for norm in norms]
    head = list(model.head.parameters())
    banks = [
        m.weight
        for m in model.modules()
        if isinstance(m, torch.nn.Conv2d) and m is not model.prep.conv and m.groups == 1
    ]
    muon = banks if recipe.muon_lr else []
    taken = {id(p) for p in biases + head + muon}
    rest = [p for p in model.parameters() if id(p) not in taken and p.requires_grad]
    groups = []
    for params, factor in (
        (rest, 1.0),
        (biases, recipe.bias_lr_factor),
        (head, recipe.logit_scale**2),
    ):
        if params:
            lr = recipe.lr * factor
            decay = recipe.weight_decay / factor
            groups.append({"params": params, "lr": lr, "peak_lr": lr, "weight_decay": decay})
    fused = next(model.parameters()).is_cuda
    optimizers = [torch.optim.SGD(groups, momentum=recipe.momentum, nesterov=True, fused=fused)]
    if muon:
        optimizers.append(Muon(muon, lr=recipe.muon_lr, momentum=recipe.muon_momentum))
        optimizers[-1].param_groups[0]["peak_lr"] = recipe.muon_lr
    return optimizers


@torch.no_grad()
def score(model: torch.nn.Module, split: data.Split, device: torch.device) -> tuple[float, float]:
    """Mean cross entropy and accuracy (0 to 1) on a split, with the model in evaluation mode."""
    model.eval()
    loss, correct = 0.0, 0
    for i in range(0, len(split), 500):
        logits = model(normalize(split.images[i : i + 500].to(device)))
        labels = split.labels[i : i + 500].to(device)
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        correct += (logits.argmax(1) == labels).sum().item()
    return loss / len(split), correct / len(split)


def claim(recipe: Recipe, run: Path, resume: bool) -> None:
    """Make the run folder this recipe's, or refuse."""
    recipe_path, state_path = run / "recipe.json", run / "state.pt"
    wanted = json.loads(json.dumps(dataclasses.asdict(recipe)))
    if not resume:
        if state_path.exists():
            raise TrainingError(
                f"{run} already holds a run: continue it with --resume, or choose another --run."
            )
        run.mkdir(parents=True, exist_ok=True)
        checkpoint.write_json(recipe_path, wanted)
        return
    if not state_path.exists():
        raise TrainingError(f"There is nothing to resume in {run}: leave out --resume.")
    try:
        stored = json.loads(recipe_path.read_text())
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{recipe_path} cannot be read ({error}): start anew in another --run."
        ) from error
    different = [key for key in wanted if wanted[key] != stored.get(key)]
    if different:
        raise TrainingError(
            f"{run} was started with another recipe ({', '.join(different)} differ): give the same "
            "options as at its start, or choose another --run."
        )


class _Stop:
    requested = False


@contextmanager
def stop_requests() -> Iterator[_Stop]:
    """Within the block, Ctrl-C and SIGTERM ask for a stop after the current step."""
    stop = _Stop()

    def ask(signum, frame):
        stop.requested = True

    before = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
