"""One training step: the network, its optimizers, and the loss of a batch."""

from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch.nn import functional as F

from cifar.models.device import describe, multiplies_bfloat16
from cifar.models.networks import create_model
from cifar.models.summary import multiply_adds
from cifar.training import distillation
from cifar.training.batches import Plan, batch
from cifar.training.distributed import synchronize_batch_norms
from cifar.training.optimizers import Lookahead
from cifar.training.recipe import (
    Recipe,
    learning_rate_factor,
    lookahead_keep,
    schedule,
    value_at,
)
from cifar.training.setup import create_optimizers, initialize


@dataclass(frozen=True)
class Targets:
    """The targets of the training images, on the device of the network.

    labels: int64 (N,), 0 to 9. teacher_logits: float32 (2, N, 10), for the images and their mirror
    images; None without a teacher.
    """

    labels: torch.Tensor
    teacher_logits: torch.Tensor | None = None


@dataclass(frozen=True)
class StepResult:
    """The result of one process's share of a batch, still on the device.

    loss: a scalar, its part of the batch's mean loss. correct: int64, the number of correct
    predictions; for a mixed image, the label with the larger share counts.
    """

    loss: torch.Tensor
    correct: torch.Tensor


def computes_bfloat16(recipe: Recipe, device: torch.device) -> bool:
    """Return whether a run computes convolutions in bfloat16 on a device, otherwise in float32."""
    fast = multiplies_bfloat16(device)
    return fast if recipe.precision == "auto" else recipe.precision == "bfloat16"


class Learner:
    """A network in training, with its optimizers and slow weights."""

    def __init__(
        self, recipe: Recipe, images: torch.Tensor, targets: Targets, accelerator: Accelerator
    ) -> None:
        self.recipe, self.images, self.targets = recipe, images, targets
        self.accelerator, self.device = accelerator, accelerator.device
        self.bfloat16 = computes_bfloat16(recipe, self.device)
        self.hardware = describe(self.device) + (", bfloat16" if self.bfloat16 else "")

        torch.manual_seed(recipe.seed)
        model = create_model(recipe.network).to(self.device)
        model.to(memory_format=torch.channels_last)
        initialize(model, recipe, images)
        self.model = model
        self.optimizers = create_optimizers(model, recipe)
        self.lookahead = Lookahead(model) if recipe.lookahead_every else None
        # Forward and backward cost three forward passes, with two operations per multiply-add.
        self.flops = {size: 6 * multiply_adds(model, size) for size in set(recipe.sizes)}
        parallel = accelerator.num_processes > 1
        network = synchronize_batch_norms(model) if parallel else model
        self.network = accelerator.prepare(network).train()

    def autocast(self) -> torch.autocast:
        """Return a context in which convolutions compute in the run's precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def set_learning_rates(self, epochs_done: float) -> None:
        """Set every group's learning rate to the schedule's value after `epochs_done`."""
        factor = learning_rate_factor(self.recipe, epochs_done)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * factor

    def learn(self, plan: Plan, epoch: int) -> StepResult:
        """Train on one batch, all images of a plan. epoch: counted from 0."""
        inputs, kept = batch(self.recipe, self.images[plan.order], plan.mirrored, plan.draws, epoch)
        # Every process builds the same batch and trains on its share of it.
        share = slice(self.accelerator.process_index, None, self.accelerator.num_processes)
        chosen, mirrored, kept = plan.order[share], plan.mirrored[share], kept[share]
        with self.autocast():
            logits = self.network(inputs[share])
        logits = logits.float()
        losses, labels = self._losses(logits, chosen, mirrored, epoch), self.targets.labels[chosen]
        if value_at(self.recipe.cutmix, epoch):
            before = plan.order.roll(1)[share]
            others = self._losses(logits, before, plan.mirrored.roll(1)[share], epoch)
            losses = torch.lerp(others, losses, kept)
            labels = torch.where(kept < 0.5, self.targets.labels[before], labels)
        # Gradients are averaged over processes, whose shares may differ in size by an image.
        part = len(chosen) * self.accelerator.num_processes / self.recipe.batch_size
        loss = part * losses.mean()
        self.accelerator.backward(loss)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return StepResult(loss.detach(), (logits.argmax(1) == labels).sum())

    def pull(self, step: int, epochs_done: float) -> None:
        """Pull the weights back to the slow ones after every `lookahead_every` steps.

        epochs_done: before the step.
        """
        if self.lookahead and step % self.recipe.lookahead_every == 0:
            progress, _ = schedule(self.recipe, epochs_done)
            self.lookahead.pull(self.model, keep=lookahead_keep(progress))

    def end_schedule(self, step: int, epoch: int) -> None:
        """Replace the weights by the slow ones if a schedule has just ended.

        step, epoch: the numbers of steps and epochs that are done.
        """
        if (
            self.lookahead
            and epoch in (self.recipe.restart, self.recipe.epochs)
            and step >= self.recipe.lookahead_every  # before, the slow ones are the initial weights
        ):
            self.lookahead.pull(self.model, keep=1.0)

    def _losses(
        self, logits: torch.Tensor, chosen: torch.Tensor, mirrored: torch.Tensor, epoch: int
    ) -> torch.Tensor:
        """Return the losses of logits (N, 10) for training images: float32 (N,).

        chosen: int64 (N,), which images; mirrored: bool (N,), whether each is mirrored.
        """
        recipe, targets = self.recipe, self.targets
        losses = F.cross_entropy(
            logits,
            targets.labels[chosen],
            label_smoothing=recipe.label_smoothing,
            reduction="none",
        )
        if targets.teacher_logits is not None:
            teacher_logits = targets.teacher_logits[mirrored.long(), chosen]
            temperature = value_at(recipe.teacher_temperature, epoch)
            distances = distillation.distances(logits, teacher_logits, temperature)
            losses = torch.lerp(losses, distances, recipe.teacher_weight)
        return losses

    def state(self) -> dict:
        """Return the weights and the optimizers' state, for `load_state`."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "slow": self.lookahead.slow if self.lookahead else {},
        }

    def load_state(self, state: dict) -> None:
        """Restore what `state` returned."""
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.lookahead:
            slow = state["slow"]
            self.lookahead.slow = {name: value.to(self.device) for name, value in slow.items()}
