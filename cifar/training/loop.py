"""Recipe and data in, a run folder out, which can be stopped at any step and resumed.

    python -m cifar train resnet
    python -m cifar train resnet --resume
    accelerate launch --multi_gpu --num_processes 2 -m cifar train resnet

The last one shares every batch between two processes, which learn what one would: on two GPUs, or
on a machine without any, where `--multi_gpu` only chooses accelerate's launcher of processes.

The whole split lives on the device as uint8; batches are cut out of it and augmented there. Order,
augmentation and learning rate are functions of (seed, step) alone, so a resumed run gives bit for
bit the weights of an uninterrupted one (on a CPU, with the same number of threads).
"""

import dataclasses
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator, InitProcessGroupKwargs
from torch.nn import functional as F
from tqdm import tqdm

from cifar.data import cifar10
from cifar.models import checkpoint
from cifar.models.device import describe, keep_freed_memory, multiplies_bfloat16
from cifar.models.networks import NETWORKS, create_model, multiply_adds, normalize
from cifar.training import distillation
from cifar.training.batches import batch, plan_epoch
from cifar.training.distributed import once, synchronize_batch_norms
from cifar.training.optimizers import Lookahead
from cifar.training.recipe import (
    Recipe,
    learning_rate_factor,
    lookahead_keep,
    of_epoch,
    refusal,
    schedule,
)
from cifar.training.run_folder import TrainingError, claimed, read_state, stop_requests, writing
from cifar.training.setup import create_optimizers, start

REPORT_EVERY = 5  # steps between two looks at the loss, each of which waits for the device
TEACHER = "teacher.npz"  # a teacher's answers, in the run folder
SAVE_EVERY = 300  # seconds of work that a kill may cost
SAVING_SHARE = 0.02  # of the time may go into saving epochs that are shorter than that
# How long processes wait for the first one, which alone asks the teacher: on a CPU that takes long.
PATIENCE = timedelta(hours=6)


def train(
    recipe: Recipe,
    run: Path,
    *,
    resume: bool = False,
    source: Path | None = None,
    train_split: cifar10.Split | None = None,
    val_split: cifar10.Split | None = None,
    progress: bool = True,
    stop_at_step: int | None = None,
) -> bool:
    """Train until the recipe's last epoch and write the checkpoint to `run`/checkpoint.

    source: of the training images, as of `data.load`; none is needed where both splits are given.
    The run folder holds `recipe.json`, `history.jsonl` (a line an epoch) and `state.pt`. Returns
    whether the run is complete: False if it was stopped by Ctrl-C or SIGTERM (or `stop_at_step`),
    after saving its state. Raises TrainingError if no run can be made of the recipe, if the folder
    holds another run, if another process trains there, if there is nothing to resume, if the disk
    is full, or if the loss stops being finite (the last good state is kept); CheckpointError if
    there is no such teacher, or if its answers are gone from a run to be resumed.
    """
    if recipe.network not in NETWORKS:
        raise TrainingError(
            f"There is no network {recipe.network!r}: choose {' or '.join(NETWORKS)}."
        )
    if sentence := refusal(recipe):
        raise TrainingError(sentence)
    run = Path(run)
    cuda = torch.cuda.is_available()
    # The recipe decides on the precision, whatever launched this.
    accelerator = Accelerator(
        cpu=not cuda,
        mixed_precision="no",
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
    )
    if not cuda:
        keep_freed_memory()
    with claimed(recipe, run, resume):
        if train_split is None and accelerator.num_processes > 1:
            once(lambda: len(cifar10.load("train", source)))  # the others find it decoded
        train_split = cifar10.load("train", source) if train_split is None else train_split
        val_split = cifar10.load("val", source) if val_split is None else val_split
        training = Training(recipe, run, train_split, val_split, accelerator, resume)
        if resume:
            training.load()
        return _go_on(training, progress, stop_at_step)


def _go_on(training: "Training", progress: bool, stop_at_step: int | None) -> bool:
    """Train to the end, or until a stop; returns as `train`."""
    batch_size, is_main = training.recipe.batch_size, training.accelerator.is_main_process
    bar = tqdm(
        total=training.images_at_most,
        initial=training.step * batch_size,
        unit="img",
        unit_scale=True,
        smoothing=0.05,
        disable=not (progress and is_main),
    )
    last_save, took = time.monotonic(), 0.0
    with stop_requests() as stop, bar:
        while not training.complete:
            training.advance()
            epoch_ended = training.position == training.steps_in_epoch
            stopping = training.agree(stop.requested) or training.step == stop_at_step
            wait = took / SAVING_SHARE if epoch_ended else SAVE_EVERY
            due = time.monotonic() - last_save > min(wait, SAVE_EVERY)
            saving = stopping or training.agree(due, at_once=epoch_ended)
            bar.update(batch_size)
            if saving or training.step % REPORT_EVERY == 0:
                bar.set_description(training.describe(), refresh=False)
                bar.set_postfix(training.report())
            if epoch_ended:
                line = training.end_epoch()
                saving = saving or training.complete
                bar.total = training.images_at_most
                if is_main:
                    bar.write(json.dumps(line))
            if saving:
                began = time.monotonic()
                training.save()
                last_save = time.monotonic()
                took = last_save - began
            if stopping and not training.complete:
                if is_main:
                    bar.write(f"Stopped after step {training.step}; go on with --resume.")
                return False
        training.export()
    if is_main:
        written = training.run / "checkpoint"
        print(f"Done: {written}. Measure it: python -m cifar evaluate {written}")
    return True


class Training:
    """A run in progress: the network, what moves it, and the counters of the current epoch."""

    def __init__(
        self,
        recipe: Recipe,
        run: Path,
        train_split: cifar10.Split,
        val_split: cifar10.Split,
        accelerator: Accelerator,
        resume: bool = False,
    ):
        count = min(recipe.images or len(train_split), len(train_split))
        if count < recipe.batch_size:
            raise TrainingError(
                f"A batch of {recipe.batch_size} is more than the {count} training images: "
                "choose a smaller --batch-size."
            )
        self.recipe, self.run = recipe, run
        self.accelerator = accelerator
        self.device = accelerator.device
        fast = multiplies_bfloat16(self.device)
        self.bfloat16 = fast if recipe.precision == "auto" else recipe.precision == "bfloat16"
        self.hardware = describe(self.device) + (", bfloat16" if self.bfloat16 else "")
        self.train_split, self.val_split = train_split, val_split
        self.images = train_split.images[:count].to(self.device)
        self.labels = train_split.labels[:count].to(self.device)
        if recipe.teacher:
            self.answers = once(lambda: self._ask_teacher(resume)).to(self.device)

        torch.manual_seed(recipe.seed)
        model = create_model(recipe.network).to(self.device, memory_format=torch.channels_last)
        start(model, recipe, self.images)
        self.model = model
        self.optimizers = create_optimizers(model, recipe)
        self.lookahead = Lookahead(model) if recipe.lookahead_every else None
        # Forward and backward take three times the forward pass, two operations a multiply-add.
        self.flops = {size: 6 * multiply_adds(model, size) for size in set(recipe.sizes)}
        if accelerator.num_processes > 1:
            synchronize_batch_norms(model)
        self.network = accelerator.prepare(model).train()

        self.epoch = 0  # how many are done
        self.position = 0  # steps done in the current one
        self.step = 0  # steps done in all
        # Each image's loss when it was last visited, up to the last epoch and in the current one.
        self.losses = torch.zeros(count, device=self.device)
        self.fresh_losses = torch.zeros(count, device=self.device)
        self.history: list[dict] = []
        self.loss_sum = torch.zeros((), device=self.device)
        self.correct = torch.zeros((), device=self.device, dtype=torch.int64)
        self.seconds, self._since = 0.0, time.monotonic()
        self.plan = plan_epoch(recipe, 0, self.losses)

    @property
    def complete(self) -> bool:
        return self.epoch == self.recipe.epochs

    @property
    def steps_in_epoch(self) -> int:
        return len(self.plan.order) // self.recipe.batch_size

    @property
    def epochs_done(self) -> float:
        """How many epochs are done, with the share of the current one."""
        return self.epoch + self.position / self.steps_in_epoch

    @property
    def images_at_most(self) -> int:
        """How many images the whole run will have visited; fewer if later epochs skip some."""
        left = (self.steps_in_epoch - self.position) * self.recipe.batch_size
        later = (self.recipe.epochs - self.epoch - 1) * len(self.labels)
        return self.step * self.recipe.batch_size + (0 if self.complete else left + later)

    @property
    def size(self) -> int:
        """Side in pixels of the images of the current epoch."""
        return of_epoch(self.recipe.sizes, self.epoch)

    def _ask_teacher(self, resume: bool) -> torch.Tensor:
        """Its answers to the images. A resumed run goes on with those that it began with, whatever
        has become of the teacher."""
        cache = self.run / TEACHER
        if resume:
            return distillation.kept(cache).logits
        with self.autocast(), writing(self.run):
            return distillation.answers(self.recipe.teacher, self.images, cache)

    def autocast(self) -> torch.autocast:
        """Within the block, convolutions compute in the run's precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def advance(self) -> None:
        """One step: cut a batch, augment it, and move the weights."""
        recipe = self.recipe
        progress, _ = schedule(recipe, self.epochs_done)
        factor = learning_rate_factor(recipe, self.epochs_done)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * factor

        here = slice(self.position * recipe.batch_size, (self.position + 1) * recipe.batch_size)
        chosen = self.plan.order[here]
        mirrored = self.plan.mirrored[here]
        draws = self.plan.draws[here]
        inputs, kept = batch(recipe, self.images[chosen], mirrored, draws, self.epoch)
        self.step += 1
        self.position += 1
        # Every process makes the same batch and trains on its share of it.
        share = slice(self.accelerator.process_index, None, self.accelerator.num_processes)
        before, chosen = chosen.roll(1)[share], chosen[share]
        kept = kept[share]
        with self.autocast():
            logits = self.network(inputs[share])
        logits = logits.float()
        losses, targets = self._losses(logits, chosen, mirrored[share]), self.labels[chosen]
        if of_epoch(recipe.cutmix, self.epoch):
            others = self._losses(logits, before, mirrored.roll(1)[share])
            losses = torch.lerp(others, losses, kept)
            targets = torch.where(kept < 0.5, self.labels[before], targets)
        # Of the gradients the mean over processes is taken, and shares may differ by an image.
        part = len(chosen) * self.accelerator.num_processes / recipe.batch_size
        loss = part * (losses * self.plan.weights[here][share]).mean()
        self.accelerator.backward(loss)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if self.lookahead and self.step % recipe.lookahead_every == 0:
            self.lookahead.pull(self.model, keep=lookahead_keep(progress))
        with torch.no_grad():
            self.fresh_losses[chosen] = losses
            self.loss_sum += part * losses.mean()
            self.correct += (logits.argmax(1) == targets).sum()

    def _losses(
        self, logits: torch.Tensor, chosen: torch.Tensor, mirrored: torch.Tensor
    ) -> torch.Tensor:
        """How far logits (N, 10) are from what is known of training images, float32 (N,).

        chosen: int64 (N,), which images; mirrored: bool (N,), which way round.
        """
        recipe = self.recipe
        losses = F.cross_entropy(
            logits,
            self.labels[chosen],
            label_smoothing=recipe.label_smoothing,
            reduction="none",
        )
        if recipe.teacher:
            answers = self.answers[mirrored.long(), chosen]
            temperature = of_epoch(recipe.teacher_temperature, self.epoch)
            distances = distillation.distances(logits, answers, temperature)
            losses = torch.lerp(losses, distances, recipe.teacher_weight)
        return losses

    def agree(self, wish: bool, at_once: bool = False) -> bool:
        """Whether any process wishes it: all of them must do the same after the same step.

        The answer waits for the device, so several GPUs ask each other every few steps only, unless
        all of them want it at once.
        """
        if self.accelerator.num_processes == 1:
            return wish
        if self.device.type != "cpu" and self.step % REPORT_EVERY and not at_once:
            return False
        return bool(self.accelerator.reduce(torch.tensor(float(wish), device=self.device)))

    def _tally(self) -> tuple[float, int]:
        """The sum of the steps' mean losses and the count of right answers in this epoch so far."""
        loss_sum = self.accelerator.reduce(self.loss_sum, "mean").item()
        return loss_sum, self.accelerator.reduce(self.correct, "sum").item()

    def _elapsed(self) -> float:
        """Seconds spent on the current epoch, over all sittings, validation left out."""
        return self.seconds + time.monotonic() - self._since

    def describe(self) -> str:
        return f"epoch {self.epoch + 1}/{self.recipe.epochs} at {self.size}x{self.size}"

    def report(self) -> dict:
        """Mean loss and accuracy over the epoch so far. Raises TrainingError if not finite."""
        loss_sum, correct = self._tally()
        loss = loss_sum / self.position
        self._refuse_unless_finite(loss)
        seen = self.position * self.recipe.batch_size
        return {"loss": f"{loss:.3f}", "accuracy": f"{correct / seen:.1%}"}

    def _refuse_unless_finite(self, number: float) -> None:
        if not np.isfinite(number):
            raise TrainingError(
                f"The loss is no longer a finite number at step {self.step}: lower the learning "
                f"rate. A state saved before that is kept in {self.run}."
            )

    def end_epoch(self) -> dict:
        """Score `val`, add a line to the history, and plan the next epoch."""
        steps, size = self.steps_in_epoch, self.size
        images = steps * self.recipe.batch_size
        loss_sum, correct = self._tally()
        loss = loss_sum / steps
        seconds = self._elapsed()  # after the reading above, which waits for the device
        self.epoch += 1
        if (
            self.lookahead
            and self.epoch in (self.recipe.restart, self.recipe.epochs)
            and self.step >= self.recipe.lookahead_every  # before, they are the initial weights
        ):
            self.lookahead.pull(self.model, keep=1.0)
        val_loss, val_accuracy = score(self.model, self.val_split, self.device)
        self._refuse_unless_finite(val_loss)
        self.network.train()
        line = {
            "epoch": self.epoch,
            "size": size,
            "images": images,
            "train_loss": round(loss, 4),
            "train_accuracy": round(correct / images, 4),
            "val_loss": round(val_loss, 4),
            "val_accuracy": round(val_accuracy, 4),
            "seconds": round(seconds, 3),
            "images_per_second": round(images / seconds, 1),
            "petaflop": float(f"{self._petaflop(size, images):.5g}"),
            "hardware": self.hardware,
            "torch": str(torch.__version__),
        }
        self.history.append(line)
        self._write(self._write_history)
        visited = self.plan.order
        self.losses[visited] = self.accelerator.reduce(self.fresh_losses, "sum")[visited]
        self.fresh_losses.zero_()
        self.loss_sum.zero_()
        self.correct.zero_()
        self.seconds, self._since = 0.0, time.monotonic()
        self.position = 0
        self.plan = plan_epoch(self.recipe, self.epoch, self.losses)
        return line

    def _petaflop(self, size: int, images: int) -> float:
        return self.flops[size] * images / 1e15

    def save(self) -> None:
        """Write everything that resuming needs, under a temporary name first.

        Raises TrainingError rather than replace a good state by weights that are not finite.
        """
        for weights in self.model.state_dict().values():
            self._refuse_unless_finite(weights.sum().item())
        fresh_losses = self.accelerator.reduce(self.fresh_losses, "sum")
        loss_sum, correct = self._tally()
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "slow": self.lookahead.slow if self.lookahead else {},
            "epoch": self.epoch,
            "position": self.position,
            "step": self.step,
            "losses": self.losses,
            "fresh_losses": fresh_losses,
            "history": self.history,
            "tally": {
                "loss_sum": loss_sum,
                "correct": correct,
                "seconds": self._elapsed(),
            },
        }

        def write(partial: Path) -> None:
            with partial.open("wb") as stream:  # of a path, PyTorch hides why it cannot be written
                torch.save(state, stream)

        self._write(lambda: checkpoint.replace(self.run / "state.pt", write))

    def _write(self, work: Callable[[], None]) -> None:
        """Done by the first process; if the disk is full, a TrainingError in all of them."""

        def attempt() -> None:
            with writing(self.run):
                work()

        once(attempt)

    def _write_history(self) -> None:
        checkpoint.write_lines(self.run / "history.jsonl", self.history)

    def load(self) -> None:
        """Go back to the saved state, which the main process reads for all."""
        state = once(lambda: read_state(self.run / "state.pt"))
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.lookahead:
            slow = state["slow"]
            self.lookahead.slow = {name: value.to(self.device) for name, value in slow.items()}
        self.epoch, self.position = state["epoch"], state["position"]
        self.step, self.history = state["step"], state["history"]
        self.losses = state["losses"].to(self.device)
        self.plan = plan_epoch(self.recipe, self.epoch, self.losses)
        self.loss_sum.fill_(state["tally"]["loss_sum"])
        self.seconds, self._since = state["tally"]["seconds"], time.monotonic()
        # The other processes start from nothing: the sum over all is what was saved.
        if self.accelerator.is_main_process:
            self.fresh_losses = state["fresh_losses"].to(self.device)
            self.correct.fill_(state["tally"]["correct"])
        # A kill between two writes may have left a line that this state does not know.
        self._write(self._write_history)

    def export(self) -> None:
        """Write the finished network as a checkpoint, with what the run cost."""
        self._write(self._export)

    def _export(self) -> None:
        petaflop = sum(self._petaflop(line["size"], line["images"]) for line in self.history)
        taught = {}
        if self.recipe.teacher:
            kept = distillation.kept(self.run / TEACHER)
            petaflop += kept.petaflop
            taught = {"teacher_sha256": kept.sha256}
        checkpoint.save(
            self.run / "checkpoint",
            self.model,
            network=self.recipe.network,
            recipe=dataclasses.asdict(self.recipe) | {"teacher": self._teacher_name},
            history=self.history,
            training={
                "images": len(self.labels),
                "official": self.train_split.official,
                "epochs": self.recipe.epochs,
                "seconds": round(sum(line["seconds"] for line in self.history)),
                "petaflop": float(f"{petaflop:.5g}"),
                "val_accuracy": self.history[-1]["val_accuracy"],
                # A run may have been resumed on other machines.
                "hardware": self._each("hardware"),
                "processes": self.accelerator.num_processes,
                "torch": self._each("torch"),
                **taught,
            },
        )

    @property
    def _teacher_name(self) -> str:
        """The teacher as a checkpoint says it, which may be published: no path of this computer."""
        return checkpoint.name_for_others(self.recipe.teacher)

    def _each(self, fact: str) -> str:
        """What the lines of the history say of it, each once."""
        return "; ".join(dict.fromkeys(line[fact] for line in self.history))


@torch.no_grad()
def score(
    model: torch.nn.Module, split: cifar10.Split, device: torch.device
) -> tuple[float, float]:
    """Mean cross entropy and accuracy (0 to 1) on a split, with the model in evaluation mode."""
    model.eval()
    loss, correct = 0.0, 0
    for i in range(0, len(split), 500):
        logits = model(normalize(split.images[i : i + 500].to(device)))
        labels = split.labels[i : i + 500].to(device)
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        correct += (logits.argmax(1) == labels).sum().item()
    return loss / len(split), correct / len(split)
