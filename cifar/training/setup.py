"""Initialize the weights and build the optimizers of a run."""

import torch

from cifar.models.initialization import dirac_start, whiten_first_layer
from cifar.models.staged import Staged, normalize
from cifar.training.optimizers import Muon
from cifar.training.recipe import Recipe


def initialize(model: Staged, recipe: Recipe, images: torch.Tensor) -> None:
    """Initialize the model as the recipe says.

    images: uint8 (N, 3, 32, 32), the training images on the model's device.
    """
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


def create_optimizers(model: Staged, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Create SGD with Nesterov momentum in three groups and, if `muon_lr` is set, Muon for filters.

    The schedule multiplies each group's `peak_lr`. Weight decay is coupled and divided by the
    group's learning rate factor, so that every group decays at the same rate.
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
    assigned = {id(p) for p in biases + head + muon}
    rest = [p for p in model.parameters() if id(p) not in assigned and p.requires_grad]
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
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.SGD(groups, momentum=recipe.momentum, nesterov=True, fused=fused)
    ]
    if muon:
        optimizers.append(Muon(muon, lr=recipe.muon_lr, momentum=recipe.muon_momentum))
        optimizers[-1].param_groups[0]["peak_lr"] = recipe.muon_lr
    return optimizers
