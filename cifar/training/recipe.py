"""The settings of a training run as one frozen value, and the presets by name."""

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
    # How often every image is seen. The command line stretches the values that a preset gives per
    # epoch to another number.
    epochs: int
    # Images in a step; 500 divides 48,000, so that every epoch sees every image once.
    batch_size: int = 500
    # Seed of the initial weights, the order of the images and the augmentation.
    seed: int = 0
    # Train on this many images only, the first ones, to compare recipes quickly; 0 takes all.
    images: int = 0
    # Side in pixels of the training images, one number per epoch; the last one repeats. Small
    # images come first: an epoch of them costs a fraction and teaches nearly as much.
    sizes: tuple[int, ...] = (32,)
    # Precision of the convolutions; auto: bfloat16 where the hardware multiplies it fast (GPUs, and
    # processors with AMX), float32 elsewhere. Weights are always float32.
    precision: Literal["auto", "bfloat16", "float32"] = "auto"

    # Learning rate of SGD with Nesterov momentum, for all weights that Muon does not train.
    lr: float = 0.65
    # Momentum of SGD; lower than the usual 0.9 because short runs must turn quickly.
    momentum: float = 0.85
    # Weight decay: a step shrinks each weight by this share, times the learning rate.
    weight_decay: float = 1.5e-3
    # Learning rate of batch-norm biases, as a multiple of the filters'; it may be large as long as
    # the batch-norm scales stay at 1.
    bias_lr_factor: float = 1.0
    # Keep batch-norm scales at 1; the convolution before each makes up for it.
    freeze_norm_scale: bool = False
    # The head starts and learns as if its logits were multiplied by this, which keeps the early
    # softmax soft. The factor is part of its weights, so the network's structure does not change.
    logit_scale: float = 1.0
    # Learning rate of Muon (orthogonalized momentum) for the filters after the first layer; with 0,
    # SGD trains them.
    muon_lr: float = 0.0
    # Momentum of Muon.
    muon_momentum: float = 0.8

    # Share of a schedule during which the learning rates rise, from a fifth of their peak.
    warmup: float = 0.1
    # Learning rates at the end of a schedule, as a share of the peak; they fall linearly.
    final_lr_factor: float = 0.0
    # Warm restart: after this many epochs the learning rates rise and fall again; 0: no restart.
    restart: int = 0
    # Peak of the learning rates after the restart, as a share of the first peak.
    restart_lr_factor: float = 0.5
    # Share of the target that is spread over all classes; the temperature corrects its effect on
    # confidence.
    label_smoothing: float = 0.2
    # Share of a new batch in the batch-norm statistics: PyTorch's 0.1 remembers too long for a
    # short run.
    norm_momentum: float = 0.4
    # Lookahead: steps after which the slow weights follow the fast ones and replace them; 0 turns
    # it off.
    lookahead_every: int = 5

    # Initialize the first filters as a whitening of 3x3 patches, and do not train them.
    whiten: bool = True
    # Initialize later filters as the identity.
    dirac: bool = True

    # Mirror every image every second epoch: a random half of them in the first, the rest in the
    # next.
    flip: bool = True
    # Move every image by up to this many pixels in each direction.
    shift: int = 2
    # Side in pixels of a gray square that hides part of every image, one number per epoch; the last
    # one repeats. Short runs do better without; images that are known well can be made harder.
    cutout: tuple[int, ...] = (0,)
    # Share of the images in which a square of another image is pasted, whose label then counts as
    # much as its area; these have no cut-out. One number per epoch; the last one repeats.
    cutmix: tuple[float, ...] = (0.0,)

    # Checkpoint whose logits are learned too (distillation): a name under checkpoints/ or a folder.
    teacher: str = ""
    # Share of the loss that is the distance from the teacher logits; the labels have the rest.
    teacher_weight: float = 0.5
    # Temperature that divides both networks' logits for that distance, one number per epoch; the
    # last one repeats. Above 1, it compares which classes the teacher finds similar; below 1, what
    # the teacher is sure of.
    teacher_temperature: tuple[float, ...] = (2.0,)

    # Name of the preset that the recipe was made from, for `stretched`; empty if none.
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
        # The last epochs see whole images, as in use.
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
        # A small network underfits, so it needs little smoothing.
        label_smoothing=0.1,
        shift=4,
        # Mixed images start when it knows whole ones; the last epochs see whole images again.
        cutmix=(0.0,) * 40 + (0.5,) * 92 + (0.0,) * 8,
        teacher="resnet",
        teacher_weight=0.9,
        # Makes the teacher about as confident as it is accurate, for the student's confidence; at 1
        # it is hardly ever sure.
        teacher_temperature=(0.45,),
    ),
}


# The allowed values of a field, or of each number in a tuple: in words, and as a test.
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


def recipe_error(recipe: Recipe) -> str:
    """Return why a recipe is invalid, in a sentence that names the field; empty if it is valid."""
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
            f"--restart {recipe.restart} is not before the end of the {recipe.epochs} epochs: "
            "choose a smaller one."
        )
    return ""


def stretched(recipe: Recipe) -> Recipe:
    """Scale the per-epoch values of a preset whose number of epochs was changed to that length.

    They and the restart keep their share of the run. A field that was changed too stays as given.
    """
    if not recipe.preset or recipe.epochs == PRESETS[recipe.preset].epochs:
        return recipe
    preset = PRESETS[recipe.preset]
    # For each epoch, the preset's epoch at the same share of the run, measured at its middle.
    sources = [int((k + 0.5) * preset.epochs / recipe.epochs) for k in range(recipe.epochs)]
    changes: dict[str, Any] = {}
    for name in (field.name for field in fields(Recipe)):
        value = getattr(recipe, name)
        if isinstance(value, tuple) and len(value) > 1 and value == getattr(preset, name):
            changes[name] = tuple(value_at(value, epoch) for epoch in sources)
    if recipe.restart == preset.restart:
        # The first epoch that maps into the preset's second schedule; a very short run has none.
        changes["restart"] = bisect_left(sources, preset.restart) % recipe.epochs
    return replace(recipe, **changes)


def value_at(values: tuple[Number, ...], epoch: int) -> Number:
    """Return the value for an epoch, counted from 0; the last value repeats."""
    return values[min(epoch, len(values) - 1)]


def schedule(recipe: Recipe, epochs: float) -> tuple[float, bool]:
    """Return the share of its schedule that a run has done after `epochs`, 0 to 1.

    Also returns whether that schedule is the second one, after a warm restart (Loshchilov & Hutter,
    https://arxiv.org/abs/1608.03983).
    """
    restarted = 0 < recipe.restart <= epochs
    first, last = 0, recipe.restart or recipe.epochs
    if restarted:
        first, last = recipe.restart, recipe.epochs
    return (epochs - first) / (last - first), restarted


def learning_rate_factor(recipe: Recipe, epochs: float) -> float:
    """Return the factor of the peak learning rates after `epochs`."""
    progress, restarted = schedule(recipe, epochs)
    peak = recipe.restart_lr_factor if restarted else 1.0
    if progress < recipe.warmup:
        return peak * (0.2 + 0.8 * progress / recipe.warmup)
    left = (1 - progress) / (1 - recipe.warmup)
    return peak * (recipe.final_lr_factor + (1 - recipe.final_lr_factor) * left)


def lookahead_keep(progress: float) -> float:
    """Return the share of the slow weights that a pull keeps: from 0 at a schedule's start to 0.77.

    Early on the fast weights lead; at the end the result is an average of them (Jordan,
    https://arxiv.org/abs/2404.00498). progress: the share of the schedule that is done, 0 to 1.
    """
    return 0.95**5 * progress**3
