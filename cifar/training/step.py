"""One training step: the network, what moves its weights, and the loss of a batch."""

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
    of_epoch,
    schedule,
)
from cifar.training.setup import create_optimizers, initialize


@dataclass(frozen=True)
class Labels:
    """What is known of the training images, on the device of the network.

    labels: int64 (N,), 0 to 9. teacher_logits: float32 (2, N, 10), for the images and their mirror
    images, if there is a teacher.
    """

    labels: torch.Tensor
    teacher_logits: torch.Tensor | None = None


@dataclass(frozen=True)
class StepResult:
    """What one process found in its share of a batch, still on the device.

    loss: its part of the batch's mean loss, a scalar. correct: how many labels it predicted, int64;
    of a mixed image, the label with the larger share counts.
    """

    loss: torch.Tensor
    correct: torch.Tensor


def computes_bfloat16(recipe: Recipe, device: torch.device) -> bool:
    """Whether a run computes convolutions in bfloat16 on a device; in float32 otherwise."""
    fast = multiplies_bfloat16(device)
    return fast if recipe.precision == "auto" else recipe.precision == "bfloat16"


class Learner:
    """A network in training, with its optimizers and slow weights."""

    def __init__(
        self, recipe: Recipe, images: torch.Tensor, known: Labels, accelerator: Accelerator
    ):
        self.recipe, self.images, self.known = recipe, images, known
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
        # Forward and backward take three times the forward pass, two operations a multiply-add.
        self.flops = {size: 6 * multiply_adds(model, size) for size in set(recipe.sizes)}
        parallel = accelerator.num_processes > 1
        network = synchronize_batch_norms(model) if parallel else model
        self.network = accelerator.prepare(network).train()

    def autocast(self) -> torch.autocast:
        """Return a context in which convolutions compute in the run's precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def set_learning_rates(self, epochs_done: float) -> None:
        """Set every group's learning rate as the schedule says after so many epochs."""
        factor = learning_rate_factor(self.recipe, epochs_done)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak_lr"] * factor

    def learn(self, plan: Plan, epoch: int) -> StepResult:
        """Move the weights by one batch: all visits of a plan. epoch: counted from 0."""
        inputs, kept = batch(self.recipe, self.images[plan.order], plan.mirrored, plan.draws, epoch)
        # Every process makes the same batch and trains on its share of it.
        share = slice(self.accelerator.process_index, None, self.accelerator.num_processes)
        chosen, mirrored, kept = plan.order[share], plan.mirrored[share], kept[share]
        with self.autocast():
            logits = self.network(inputs[share])
        logits = logits.float()
        losses, targets = self._losses(logits, chosen, mirrored, epoch), self.known.labels[chosen]
        if of_epoch(self.recipe.cutmix, epoch):
            before = plan.order.roll(1)[share]
            others = self._losses(logits, before, plan.mirrored.roll(1)[share], epoch)
            losses = torch.lerp(others, losses, kept)
            targets = torch.where(kept < 0.5, self.known.labels[before], targets)
        # Of the gradients the mean over processes is taken, and shares may differ by an image.
        part = len(chosen) * self.accelerator.num_processes / self.recipe.batch_size
        loss = part * losses.mean()
        self.accelerator.backward(loss)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return StepResult(loss.detach(), (logits.argmax(1) == targets).sum())

    def pull(self, step: int, epochs_done: float) -> None:
        """Pull the weights back to the slow ones if it is the step for that.

        epochs_done: before the step.
        """
        if self.lookahead and step % self.recipe.lookahead_every == 0:
            progress, _ = schedule(self.recipe, epochs_done)
            self.lookahead.pull(self.model, keep=lookahead_keep(progress))

    def settle(self, step: int, epoch: int) -> None:
        """Replace the weights by the slow ones at the end of a schedule.

        epoch: how many are done.
        """
        if (
            self.lookahead
            and epoch in (self.recipe.restart, self.recipe.epochs)
            and step >= self.recipe.lookahead_every  # before, they are the initial weights
        ):
            self.lookahead.pull(self.model, keep=1.0)

    def _losses(
        self, logits: torch.Tensor, chosen: torch.Tensor, mirrored: torch.Tensor, epoch: int
    ) -> torch.Tensor:
        """Return the losses of logits (N, 10) for training images, float32 (N,).

        chosen: int64 (N,), which images; mirrored: bool (N,), whether each is mirrored.
        """
        recipe, known = self.recipe, self.known
        losses = F.cross_entropy(
            logits,
            known.labels[chosen],
            label_smoothing=recipe.label_smoothing,
            reduction="none",
        )
        if known.teacher_logits is not None:
            theirs = known.teacher_logits[mirrored.long(), chosen]
            temperature = of_epoch(recipe.teacher_temperature, epoch)
            distances = distillation.distances(logits, theirs, temperature)
            losses = torch.lerp(losses, distances, recipe.teacher_weight)
        return losses

    def state(self) -> dict:
        """Return everything that `load_state` needs to go on."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "slow": self.lookahead.slow if self.lookahead else {},
        }

    def load_state(self, state: dict) -> None:
        """Go back to a saved state."""
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.lookahead:
            slow = state["slow"]
            self.lookahead.slow = {name: value.to(self.device) for name, value in slow.items()}
