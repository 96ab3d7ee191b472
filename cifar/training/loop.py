"""Train by a recipe into a run folder. A run can be stopped at any step and resumed.

    python -m cifar train resnet
    python -m cifar train resnet --resume
    accelerate launch --multi_gpu --num_processes 2 -m cifar train resnet

The last command shares every batch between two processes, which together train as one would: on two
GPUs, or on a machine without any, where `--multi_gpu` only makes accelerate launch several
processes.

The whole split lies on the device as uint8; batches are taken from it and augmented there. Order,
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

from cifar import files
from cifar.data import cifar10
from cifar.models import checkpoint
from cifar.models.device import fastest_device
from cifar.models.memory import keep_freed_memory
from cifar.models.networks import NETWORKS
from cifar.models.staged import normalize
from cifar.training import distillation
from cifar.training.batches import Plan, plan_epoch
from cifar.training.distributed import on_first_process
from cifar.training.recipe import Recipe, recipe_error, value_at
from cifar.training.run_folder import (
    TrainingError,
    lock_folder,
    read_state,
    reporting_disk_errors,
    stop_requests,
)
from cifar.training.step import Learner, Targets, computes_bfloat16

REPORT_EVERY = 5  # steps between two reports of the loss, each of which waits for the device
TEACHER = "teacher.npz"  # the teacher logits, in the run folder
SAVE_EVERY = 300  # seconds: how much work a killed process may lose
SAVING_SHARE = 0.02  # of the time may go into saving after epochs shorter than SAVE_EVERY
# How long processes wait for the first one, which alone computes the teacher logits: slow on a CPU.
PROCESS_TIMEOUT = timedelta(hours=6)


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

    source: the training images, as in `cifar10.load`; not needed if both splits are given. The run
    folder holds `recipe.json`, `history.jsonl` (a line per epoch) and `state.pt`. Returns whether
    the run is complete: False if Ctrl-C or SIGTERM (or `stop_at_step`) stopped it, after saving its
    state. Raises TrainingError if the recipe is invalid, if the folder holds another run, if
    another process trains there, if there is nothing to resume, if the disk is full, or if the loss
    stops being finite (the last good state is kept); CheckpointError if there is no such teacher,
    or if a resumed run lacks its teacher logits.
    """
    if recipe.network not in NETWORKS:
        raise TrainingError(
            f"There is no network {recipe.network!r}: choose {' or '.join(NETWORKS)}."
        )
    if message := recipe_error(recipe):
        raise TrainingError(message)
    run = Path(run)
    cuda = fastest_device() == "cuda"
    # The recipe chooses the precision, not the launcher's settings.
    accelerator = Accelerator(
        cpu=not cuda,
        mixed_precision="no",
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PROCESS_TIMEOUT)],
    )
    if not cuda:
        keep_freed_memory()
    with lock_folder(recipe, run, resume):
        if train_split is None and accelerator.num_processes > 1:
            # Decode the split once; the other processes then read the result.
            on_first_process(lambda: len(cifar10.load("train", source)))
        train_split = cifar10.load("train", source) if train_split is None else train_split
        val_split = cifar10.load("val", source) if val_split is None else val_split
        training = Training(recipe, run, train_split, val_split, accelerator, resume)
        if resume:
            training.load()
        return _run(training, progress, stop_at_step)


def _run(training: "Training", progress: bool, stop_at_step: int | None) -> bool:
    """Train to the end, or until a stop; return whether the run is complete."""
    recipe, is_main = training.recipe, training.accelerator.is_main_process
    batch_size = recipe.batch_size
    bar = tqdm(
        total=recipe.epochs * training.steps_in_epoch * batch_size,
        initial=training.step * batch_size,
        unit="img",
        unit_scale=True,
        smoothing=0.05,
        disable=not (progress and is_main),
    )
    last_save, saving_took = time.monotonic(), 0.0
    with stop_requests() as stop, bar:
        while not training.complete:
            training.advance()
            epoch_ended = training.position == training.steps_in_epoch
            stopping = training.any_process(stop.requested) or training.step == stop_at_step
            wait = saving_took / SAVING_SHARE if epoch_ended else SAVE_EVERY
            due = time.monotonic() - last_save > min(wait, SAVE_EVERY)
            saving = stopping or training.any_process(due, now=epoch_ended)
            bar.update(batch_size)
            if saving or training.step % REPORT_EVERY == 0:
                bar.set_description(training.describe(), refresh=False)
                bar.set_postfix(training.report())
            if epoch_ended:
                line = training.end_epoch()
                saving = saving or training.complete
                if is_main:
                    bar.write(json.dumps(line))
            if saving:
                began = time.monotonic()
                training.save()
                last_save = time.monotonic()
                saving_took = last_save - began
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
    """A run in progress: the learner, the history, and the counters of the current epoch."""

    def __init__(
        self,
        recipe: Recipe,
        run: Path,
        train_split: cifar10.Split,
        val_split: cifar10.Split,
        accelerator: Accelerator,
        resume: bool = False,
    ) -> None:
        count = min(recipe.images or len(train_split), len(train_split))
        if count < recipe.batch_size:
            raise TrainingError(
                f"A batch of {recipe.batch_size} is more than the {count} training images: "
                "choose a smaller --batch-size."
            )
        self.recipe, self.run = recipe, run
        self.train_split, self.val_split = train_split, val_split
        self.accelerator, self.device = accelerator, accelerator.device
        self.count = count
        images = train_split.images[:count].to(self.device)
        labels = train_split.labels[:count].to(self.device)
        logits = None
        if recipe.teacher:
            logits = on_first_process(lambda: self._teacher_logits(images, resume))
            logits = logits.to(self.device)
        self.learner = Learner(recipe, images, Targets(labels, logits), accelerator)

        self.epoch = 0  # epochs done
        self.position = 0  # steps done in the current one
        self.step = 0  # steps done in the whole run
        self.history: list[dict] = []
        self.loss_sum = torch.zeros((), device=self.device)
        self.correct = torch.zeros((), device=self.device, dtype=torch.int64)
        self.seconds, self._since = 0.0, time.monotonic()
        self.plan = self._plan()

    def _plan(self) -> Plan:
        return plan_epoch(self.recipe, self.epoch, self.count, self.device)

    def _teacher_logits(self, images: torch.Tensor, resume: bool) -> torch.Tensor:
        """Return the teacher logits of the images.

        A resumed run keeps those of its start, even if the teacher has changed since.
        """
        cache = self.run / TEACHER
        if resume:
            return distillation.load_logits(cache).logits
        precision = torch.bfloat16 if computes_bfloat16(self.recipe, self.device) else None
        with (
            torch.autocast(self.device.type, precision, enabled=bool(precision)),
            reporting_disk_errors(self.run),
        ):
            return distillation.teacher_logits(self.recipe.teacher, images, cache)

    @property
    def complete(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch == self.recipe.epochs

    @property
    def steps_in_epoch(self) -> int:
        """Number of batches in an epoch."""
        return len(self.plan.order) // self.recipe.batch_size

    @property
    def epochs_done(self) -> float:
        """Number of epochs done, including the finished share of the current one."""
        return self.epoch + self.position / self.steps_in_epoch

    @property
    def size(self) -> int:
        """Side in pixels of the images of the current epoch."""
        return value_at(self.recipe.sizes, self.epoch)

    def advance(self) -> None:
        """Do one step: set the learning rates, train on a batch, and record the result."""
        before, size = self.epochs_done, self.recipe.batch_size
        self.learner.set_learning_rates(before)
        batch = self.plan.part(self.position * size, (self.position + 1) * size)
        result = self.learner.learn(batch, self.epoch)
        self.step += 1
        self.position += 1
        self.learner.pull(self.step, before)
        self.loss_sum += result.loss
        self.correct += result.correct

    def any_process(self, flag: bool, now: bool = False) -> bool:
        """Return whether `flag` is true in any process, so that all act after the same step.

        Asking waits for the device. Several GPUs therefore ask only every `REPORT_EVERY` steps and
        return False in between, unless `now` is true in all processes.
        """
        if self.accelerator.num_processes == 1:
            return flag
        if self.device.type != "cpu" and self.step % REPORT_EVERY and not now:
            return False
        return bool(self.accelerator.reduce(torch.tensor(float(flag), device=self.device)))

    def _tally(self) -> tuple[float, int]:
        """Return the sum of the steps' mean losses and the number of correct predictions so far.

        Both are of the current epoch, over all processes.
        """
        loss_sum = self.accelerator.reduce(self.loss_sum, "mean").item()
        return loss_sum, self.accelerator.reduce(self.correct, "sum").item()

    def _elapsed(self) -> float:
        """Return the seconds spent on this epoch, also before a resume, without validation."""
        return self.seconds + time.monotonic() - self._since

    def describe(self) -> str:
        """Return the current epoch and image size in words, for the progress bar."""
        return f"epoch {self.epoch + 1}/{self.recipe.epochs} at {self.size}x{self.size}"

    def report(self) -> dict:
        """Return the mean loss and accuracy of the epoch so far, formatted for the progress bar.

        Raises TrainingError if the loss is not finite.
        """
        loss_sum, correct = self._tally()
        loss = loss_sum / self.position
        self._check_finite(loss)
        seen = self.position * self.recipe.batch_size
        return {"loss": f"{loss:.3f}", "accuracy": f"{correct / seen:.1%}"}

    def _check_finite(self, number: float) -> None:
        if not np.isfinite(number):
            raise TrainingError(
                f"The loss is no longer a finite number at step {self.step}: lower the learning "
                f"rate. A state saved before that is kept in {self.run}."
            )

    def end_epoch(self) -> dict:
        """Score `val`, add a line to the history, plan the next epoch, and return the line."""
        steps, size = self.steps_in_epoch, self.size
        images = steps * self.recipe.batch_size
        loss_sum, correct = self._tally()
        loss = loss_sum / steps
        seconds = self._elapsed()  # after `_tally`, which waits for the device
        self.epoch += 1
        self.learner.end_schedule(self.step, self.epoch)
        val_loss, val_accuracy = score(self.learner.model, self.val_split, self.device)
        self._check_finite(val_loss)
        self.learner.network.train()
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
            "hardware": self.learner.hardware,
            "torch": str(torch.__version__),
        }
        self.history.append(line)
        self._write(self._write_history)
        self.loss_sum.zero_()
        self.correct.zero_()
        self.seconds, self._since = 0.0, time.monotonic()
        self.position = 0
        self.plan = self._plan()
        return line

    def _petaflop(self, size: int, images: int) -> float:
        return self.learner.flops[size] * images / 1e15

    def save(self) -> None:
        """Write the state to resume from, under a temporary name first.

        Raises TrainingError if weights are not finite; the last good state is then kept.
        """
        for weights in self.learner.model.state_dict().values():
            self._check_finite(weights.sum().item())
        loss_sum, correct = self._tally()
        state = {
            **self.learner.state(),
            "epoch": self.epoch,
            "position": self.position,
            "step": self.step,
            "history": self.history,
            "tally": {
                "loss_sum": loss_sum,
                "correct": correct,
                "seconds": self._elapsed(),
            },
        }

        def write(partial: Path) -> None:
            with partial.open("wb") as stream:  # given a path, PyTorch hides why writing fails
                torch.save(state, stream)

        self._write(lambda: files.replace(self.run / "state.pt", write))

    def _write(self, work: Callable[[], None]) -> None:
        """Do the work in the first process; a full disk raises TrainingError in all of them."""

        def attempt() -> None:
            with reporting_disk_errors(self.run):
                work()

        on_first_process(attempt)

    def _write_history(self) -> None:
        files.write_json_lines(self.run / "history.jsonl", self.history)

    def load(self) -> None:
        """Restore the saved state, which the first process reads for all."""
        state = on_first_process(lambda: read_state(self.run / "state.pt"))
        self.learner.load_state(state)
        self.epoch, self.position = state["epoch"], state["position"]
        self.step, self.history = state["step"], state["history"]
        self.plan = self._plan()
        self.loss_sum.fill_(state["tally"]["loss_sum"])
        self.seconds, self._since = state["tally"]["seconds"], time.monotonic()
        # The saved number is the sum over all processes, so the others start from 0.
        if self.accelerator.is_main_process:
            self.correct.fill_(state["tally"]["correct"])
        # A process killed between two writes may have left a line that this state lacks.
        self._write(self._write_history)

    def export(self) -> None:
        """Write the finished network as a checkpoint, with the cost of the run."""
        self._write(self._export)

    def _export(self) -> None:
        petaflop = sum(self._petaflop(line["size"], line["images"]) for line in self.history)
        teacher_facts = {}
        if self.recipe.teacher:
            teacher = distillation.load_logits(self.run / TEACHER)
            petaflop += teacher.petaflop
            teacher_facts = {"teacher_sha256": teacher.sha256}
        checkpoint.save(
            self.run / "checkpoint",
            self.learner.model,
            network=self.recipe.network,
            recipe=dataclasses.asdict(self.recipe) | {"teacher": self._teacher_name},
            history=self.history,
            training={
                "images": self.count,
                "official": self.train_split.official,
                "epochs": self.recipe.epochs,
                "seconds": round(sum(line["seconds"] for line in self.history)),
                "petaflop": float(f"{petaflop:.5g}"),
                "val_accuracy": self.history[-1]["val_accuracy"],
                # A run may have been resumed on other machines.
                "hardware": self._distinct("hardware"),
                "processes": self.accelerator.num_processes,
                "torch": self._distinct("torch"),
                **teacher_facts,
            },
        )

    @property
    def _teacher_name(self) -> str:
        """The teacher's name without a local path, as the checkpoint may be published."""
        return checkpoint.name_for_others(self.recipe.teacher)

    def _distinct(self, key: str) -> str:
        """Join the distinct values of a key in the history."""
        return "; ".join(dict.fromkeys(line[key] for line in self.history))


@torch.no_grad()
def score(
    model: torch.nn.Module, split: cifar10.Split, device: torch.device
) -> tuple[float, float]:
    """Return mean cross entropy and accuracy (0 to 1) on a split, after `model.eval()`."""
    model.eval()
    loss, correct = 0.0, 0
    for i in range(0, len(split), 500):
        logits = model(normalize(split.images[i : i + 500].to(device)))
        labels = split.labels[i : i + 500].to(device)
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        correct += (logits.argmax(1) == labels).sum().item()
    return loss / len(split), correct / len(split)
