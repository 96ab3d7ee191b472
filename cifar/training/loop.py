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

from cifar import files
from cifar.data import cifar10
from cifar.models import checkpoint
from cifar.models.memory import keep_freed_memory
from cifar.models.networks import NETWORKS
from cifar.models.staged import normalize
from cifar.training import distillation
from cifar.training.batches import Plan, plan_epoch
from cifar.training.distributed import once
from cifar.training.recipe import Recipe, of_epoch, refusal
from cifar.training.run_folder import TrainingError, claimed, read_state, stop_requests, writing
from cifar.training.step import Labels, Learner, computes_bfloat16

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
    """A run in progress: a learner, and the counters of the current epoch."""

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
        self.train_split, self.val_split = train_split, val_split
        self.accelerator, self.device = accelerator, accelerator.device
        self.count = count
        images = train_split.images[:count].to(self.device)
        labels = train_split.labels[:count].to(self.device)
        logits = None
        if recipe.teacher:
            logits = once(lambda: self._teacher_logits(images, resume)).to(self.device)
        self.learner = Learner(recipe, images, Labels(labels, logits), accelerator)

        self.epoch = 0  # how many are done
        self.position = 0  # steps done in the current one
        self.step = 0  # steps done in all
        self.history: list[dict] = []
        self.loss_sum = torch.zeros((), device=self.device)
        self.correct = torch.zeros((), device=self.device, dtype=torch.int64)
        self.seconds, self._since = 0.0, time.monotonic()
        self.plan = self._plan()

    def _plan(self) -> Plan:
        return plan_epoch(self.recipe, self.epoch, self.count, self.device)

    def _teacher_logits(self, images: torch.Tensor, resume: bool) -> torch.Tensor:
        """Return the teacher's logits of the images.

        A resumed run keeps those that it began with, whatever has become of the teacher.
        """
        cache = self.run / TEACHER
        if resume:
            return distillation.load_logits(cache).logits
        precision = torch.bfloat16 if computes_bfloat16(self.recipe, self.device) else None
        with (
            torch.autocast(self.device.type, precision, enabled=bool(precision)),
            writing(self.run),
        ):
            return distillation.teacher_logits(self.recipe.teacher, images, cache)

    @property
    def complete(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch == self.recipe.epochs

    @property
    def steps_in_epoch(self) -> int:
        """How many batches an epoch has."""
        return len(self.plan.order) // self.recipe.batch_size

    @property
    def epochs_done(self) -> float:
        """How many epochs are done, with the share of the current one."""
        return self.epoch + self.position / self.steps_in_epoch

    @property
    def size(self) -> int:
        """Side in pixels of the images of the current epoch."""
        return of_epoch(self.recipe.sizes, self.epoch)

    def advance(self) -> None:
        """Do one step: set the learning rates, learn a batch, record what it gave."""
        before, size = self.epochs_done, self.recipe.batch_size
        self.learner.set_learning_rates(before)
        part = self.plan.part(self.position * size, (self.position + 1) * size)
        result = self.learner.learn(part, self.epoch)
        self.step += 1
        self.position += 1
        self.learner.pull(self.step, before)
        self.loss_sum += result.loss
        self.correct += result.correct

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
        self.learner.settle(self.step, self.epoch)
        val_loss, val_accuracy = score(self.learner.model, self.val_split, self.device)
        self._refuse_unless_finite(val_loss)
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
        """Write everything that resuming needs, under a temporary name first.

        Raises TrainingError rather than replace a good state by weights that are not finite.
        """
        for weights in self.learner.model.state_dict().values():
            self._refuse_unless_finite(weights.sum().item())
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
            with partial.open("wb") as stream:  # of a path, PyTorch hides why it cannot be written
                torch.save(state, stream)

        self._write(lambda: files.replace(self.run / "state.pt", write))

    def _write(self, work: Callable[[], None]) -> None:
        """Done by the first process; if the disk is full, a TrainingError in all of them."""

        def attempt() -> None:
            with writing(self.run):
                work()

        once(attempt)

    def _write_history(self) -> None:
        files.write_json_lines(self.run / "history.jsonl", self.history)

    def load(self) -> None:
        """Go back to the saved state, which the main process reads for all."""
        state = once(lambda: read_state(self.run / "state.pt"))
        self.learner.load_state(state)
        self.epoch, self.position = state["epoch"], state["position"]
        self.step, self.history = state["step"], state["history"]
        self.plan = self._plan()
        self.loss_sum.fill_(state["tally"]["loss_sum"])
        self.seconds, self._since = state["tally"]["seconds"], time.monotonic()
        # The other processes start from nothing: the sum over all is what was saved.
        if self.accelerator.is_main_process:
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
            teacher = distillation.load_logits(self.run / TEACHER)
            petaflop += teacher.petaflop
            taught = {"teacher_sha256": teacher.sha256}
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
