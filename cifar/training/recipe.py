"""Everything that decides how a run goes, as one frozen value, and the presets by name."""

from bisect import bisect_left
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal, TypeVar

import tyro

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Recipe:
    """The hyper-parameters of a run. Learning rates are for the mean loss over a batch."""

    # The network to train.
    network: str
    # How often every image is seen. The command line stretches what a preset says epoch by epoch to
    # another number.
    epochs: int
    # Divides 48,000, so that every epoch sees every image once.
    batch_size: int = 500
    # Decides the initial weights, the order and the augmentation.
    seed: int = 0
    # Train on the first so many images only, to compare recipes quickly; 0 takes all.
    images: int = 0
    # Side in pixels of the training images, one number an epoch; the last one repeats. Small
    # images come first: an epoch of them costs a fraction and teaches nearly as much.
    sizes: tuple[int, ...] = (32,)
    # What convolutions compute in; auto: bfloat16 where the hardware multiplies it fast (GPUs, and
    # processors with AMX), float32 elsewhere. Weights are float32 always.
    precision: Literal["auto", "bfloat16", "float32"] = "auto"

    # Learning rate of SGD with Nesterov momentum, for all that Muon does not take.
    lr: float = 0.65
    # Momentum of SGD; lower than the usual 0.9 because short runs must turn quickly.
    momentum: float = 0.85
    # Times the learning rate, this is what a weight loses in a step.
    weight_decay: float = 1.5e-3
    # Batch-norm biases may move this much faster than filters, as long as their scales stay at 1.
    bias_lr_factor: float = 1.0
    # Keep batch-norm scales at 1; the convolution before each makes up for it.
    freeze_norm_scale: bool = False
    # The head starts and learns as if its output were multiplied by this, which keeps the early
    # softmax soft. Folded into its weights, so that the network stays as it is.
    logit_scale: float = 1.0
    # Learning rate of Muon (orthogonalised momentum) for the filters after the first layer;
    # 0 leaves them to SGD.
    muon_lr: float = 0.0
    # Momentum of Muon.
    muon_momentum: float = 0.8

    # The learning rates rise over this share of a schedule, from a fifth of their peak.
    warmup: float = 0.1
    # What they fall to at the end, linearly, as a share of the peak.
    final_lr_factor: float = 0.0
    # The learning rates rise and fall anew from this epoch on, when as many are done; 0: once only.
    restart: int = 0
    # The peak they rise to the second time, as a share of the first.
    restart_lr_factor: float = 0.5
    # Part of the target spread over all classes; the temperature undoes what it does to confidence.
    label_smoothing: float = 0.2
    # Batch-norm statistics forget at this rate: PyTorch's 0.1 remembers too long for a short run.
    norm_momentum: float = 0.4
    # Slow weights follow the fast ones and replace them every so many steps; 0 turns it off.
    lookahead_every: int = 5

    # Start the first filters as a whitening of 3x3 patches, and keep them so.
    whiten: bool = True
    # Start later filters as the identity.
    dirac: bool = True

    # Mirror every image every second epoch, a random half of them starting with the first.
    flip: bool = True
    # Move every image by up to this many pixels each way.
    shift: int = 2
    # Side of a grey square that hides part of every image, one number an epoch; the last one
    # repeats. Short runs do better without; what is known well can be made harder.
    cutout: tuple[int, ...] = (0,)
    # Share of the images of which a square is painted over by another image, whose label then
    # counts as much as its area; these have no cut-out. One number an epoch, as above.
    cutmix: tuple[float, ...] = (0.0,)

    # A checkpoint whose answers are learned too: its name under checkpoints/ or its folder.
    teacher: str = ""
    # Share of the loss that is the distance from the teacher's answers; the rest is the labels'.
    teacher_weight: float = 0.5
    # What both sides' logits are divided by for that distance, one number an epoch; the last one
    # repeats. Above 1 it compares what the teacher takes for alike, below 1 what it is sure of.
    teacher_temperature: tuple[float, ...] = (2.0,)

    # The preset that the recipe was made from, which `stretched` goes by; none if empty.
    preset: Annotated[str, tyro.conf.Suppress] = ""


PRESETS = {
    "resnet": Recipe(
        preset="resnet",
        network="resnet",
        epochs=80,
        sizes=(24,) * 24 + (32,),
        bias_lr_factor=16,
        freeze_norm_scale=True,
        logit_scale=1 / 9,
        muon_lr=0.06,
        shift=4,
        cutout=(12,),
        # The last epochs see whole images, as they will come.
        cutmix=(0.5,) * 72 + (0.0,) * 8,
    ),
    "basenet": Recipe(
        preset="basenet",
        network="basenet",
        epochs=140,
        restart=40,
        sizes=(16,) * 12 + (24,) * 20 + (32,) * 8 + (24,) * 75 + (32,),
        weight_decay=5e-4,
        muon_lr=0.04,
        # A small network underfits: it needs no softer targets than this.
        label_smoothing=0.1,
        shift=4,
        # Mixed images come when it knows whole ones, and leave it the last epochs to see those.
        cutmix=(0.0,) * 40 + (0.5,) * 92 + (0.0,) * 8,
        teacher="resnet",
        teacher_weight=0.9,
        # So the teacher is about as sure as it is right, for its pupil's confidence; at 1 it is
        # hardly ever sure.
        teacher_temperature=(0.45,),
    ),
}


# What a field, or each number of a plan, may be, where its type allows more.
ONE_OR_MORE = "1 or more", lambda value: value >= 1
ZERO_OR_MORE = "0 or more", lambda value: value >= 0
POSITIVE = "more than 0", lambda value: value > 0
SHARE = "0 to 1", lambda value: 0 <= value <= 1
BELOW_ONE = "0 or more, and less than 1", lambda value: 0 <= value < 1
BETWEEN = "more than 0 and less than 1", lambda value: 0 < value < 1
ALLOWED = {
    "epochs": ONE_OR_MORE,
    "batch_size": ONE_OR_MORE,
    "seed": ZERO_OR_MORE,
    "images": ZERO_OR_MORE,
    "sizes": ("8, 16, 24 or 32", lambda value: value in (8, 16, 24, 32)),
    "lr": ZERO_OR_MORE,
    "momentum": BETWEEN,
    "weight_decay": ZERO_OR_MORE,
    "bias_lr_factor": POSITIVE,
    "logit_scale": POSITIVE,
    "muon_lr": ZERO_OR_MORE,
    "muon_momentum": BELOW_ONE,
    "warmup": BELOW_ONE,
    "final_lr_factor": ZERO_OR_MORE,
    "restart": ZERO_OR_MORE,
    "restart_lr_factor": ZERO_OR_MORE,
    "label_smoothing": SHARE,
    "norm_momentum": SHARE,
    "lookahead_every": ZERO_OR_MORE,
    "shift": ZERO_OR_MORE,
    "cutout": ZERO_OR_MORE,
    "cutmix": SHARE,
    "teacher_weight": SHARE,
    "teacher_temperature": POSITIVE,
}


def refusal(recipe: Recipe) -> str:
    """Why no run can be made of a recipe, in a sentence that names the field; empty if one can."""
    for name, (words, allowed) in ALLOWED.items():
        value, flag = getattr(recipe, name), f"--{name.replace('_', '-')}"
        values = (value,) if isinstance(value, int | float) else value
        if not values:
            return f"{flag} names no number: give one for each epoch, {words}."
        for value in values:
            if not allowed(value):
                return f"{flag} {value:g} makes no run: choose {words}."
    if recipe.restart and recipe.restart >= recipe.epochs:
        return (
            f"A restart after {recipe.restart} epochs is none within {recipe.epochs}: choose "
            "another --restart."
        )
    return ""


def stretched(recipe: Recipe) -> Recipe:
    """Return a preset whose number of epochs was changed with its plan scaled to that length.

    Values that the preset gives epoch by epoch, and its restart, keep their share of the run; a
    field that was changed too stays as it was given.
    """
    if not recipe.preset or recipe.epochs == PRESETS[recipe.preset].epochs:
        return recipe
    preset = PRESETS[recipe.preset]
    # For each epoch, the preset's epoch that is as far on as its middle.
    like = [int((k + 0.5) * preset.epochs / recipe.epochs) for k in range(recipe.epochs)]
    plan: dict[str, Any] = {}
    for name in (field.name for field in fields(Recipe)):
        value = getattr(recipe, name)
        if isinstance(value, tuple) and len(value) > 1 and value == getattr(preset, name):
            plan[name] = tuple(of_epoch(value, epoch) for epoch in like)
    if recipe.restart == preset.restart:
        # The first epoch like one of the preset's second schedule; none in a very short run.
        plan["restart"] = bisect_left(like, preset.restart) % recipe.epochs
    return replace(recipe, **plan)


def of_epoch(values: tuple[Number, ...], epoch: int) -> Number:
    """What holds in an epoch, counted from 0, of values that are one an epoch."""
    return values[min(epoch, len(values) - 1)]


def schedule(recipe: Recipe, epochs: float) -> tuple[float, bool]:
    """Which share of its schedule a run has done after so many epochs, 0 to 1, and whether that is
    the second one, after a warm restart (Loshchilov & Hutter, https://arxiv.org/abs/1608.03983)."""
    again = 0 < recipe.restart <= epochs
    first, last = (recipe.restart, recipe.epochs) if again else (0, recipe.restart or recipe.epochs)
    return (epochs - first) / (last - first), again


def learning_rate_factor(recipe: Recipe, epochs: float) -> float:
    """What the learning rates are multiplied by after so many epochs."""
    progress, again = schedule(recipe, epochs)
    peak = recipe.restart_lr_factor if again else 1.0
    if progress < recipe.warmup:
        return peak * (0.2 + 0.8 * progress / recipe.warmup)
    left = (1 - progress) / (1 - recipe.warmup)
    return peak * (recipe.final_lr_factor + (1 - recipe.final_lr_factor) * left)


def lookahead_keep(progress: float) -> float:
    """How much of the slow weights stays at a pull: 0 when a schedule starts, 0.77 at its end.

    Early on the fast weights lead; at the end the result is an average over them (Jordan,
    https://arxiv.org/abs/2404.00498). progress: the share of the schedule that is done, 0 to 1.
    """
    return 0.95**5 * progress**3
