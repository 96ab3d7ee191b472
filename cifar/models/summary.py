"""Size of a network: its layer table and its multiply-adds."""

import torch
from torch import nn

from cifar.models import equivariant


def summary(model: nn.Module, size: int = 32) -> str:
    """Return the layer table: each layer's number, output shape and parameters, then the totals.

    MB are 2**20 bytes; the forward/backward pass counts every layer's output twice, in float32.
    """
    rows: list[tuple[str, list[int], int]] = []

    def record(module: nn.Module, _: object, output: torch.Tensor) -> None:
        shape = [-1, *output.shape[1:]]
        parameters = sum(p.numel() for p in module.parameters())
        rows.append((f"{type(module).__name__}-{len(rows) + 1}", shape, parameters))

    leaves = [
        m for m in model.modules() if not list(m.children()) or isinstance(m, equivariant.Norm)
    ]
    hooks = [leaf.register_forward_hook(record) for leaf in leaves]
    was_training = model.training
    try:
        with torch.no_grad():
            device = next(model.parameters()).device
            model.eval()(torch.zeros(1, 3, size, size, device=device))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()

    total = sum(p.numel() for p in model.parameters())
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    input_mb = 3 * size * size * 4 / 2**20
    pass_mb = sum(2 * 4 * torch.Size(shape[1:]).numel() for _, shape, _ in rows) / 2**20
    parameters_mb = total * 4 / 2**20
    rule = "-" * 64
    lines = [rule, f"{'Layer (type)':>20}{'Output shape':>28}{'Param #':>16}", "=" * 64]
    lines += [f"{name:>20}{shape!s:>28}{count:>16,}" for name, shape, count in rows]
    lines += [
        "=" * 64,
        f"Total params: {total:,}",
        f"Trainable params: {trainable:,}",
        f"Non-trainable params: {total - trainable:,}",
        rule,
        f"Input size (MB): {input_mb:.2f}",
        f"Forward/backward pass size (MB): {pass_mb:.2f}",
        f"Params size (MB): {parameters_mb:.2f}",
        f"Estimated total size (MB): {input_mb + pass_mb + parameters_mb:.2f}",
        rule,
    ]
    return "\n".join(lines)


def multiply_adds(model: nn.Module, size: int = 32) -> int:
    """Count the multiply-adds of convolutions and linear layers for one size x size image."""
    from torch.utils.flop_counter import FlopCounterMode

    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, size, size, device=device))
    model.train(was_training)
    return counter.get_total_flops() // 2
