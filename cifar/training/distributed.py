"""Training in several processes: batch norm over the whole batch, and work for the first only.

The processes share a `torch.distributed` group of any backend and device (PyTorch's own
SyncBatchNorm does not support CPUs).
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import distributed, nn

from cifar import LensError


class _Gather(torch.autograd.Function):
    """The tensors of all processes, all of one shape, stacked in the order of the ranks."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor) -> torch.Tensor:
        gathered = [torch.empty_like(tensor) for _ in range(distributed.get_world_size())]
        distributed.all_gather(gathered, tensor)
        return torch.stack(gathered)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        # The loss of every process depends on this tensor, and the total loss is their sum.
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(gradient)
        return gradient[distributed.get_rank()]


class SyncedBatchNorm(nn.BatchNorm2d):
    """BatchNorm2d that trains on the statistics of the whole batch, over all processes.

    The processes' shares of the batch may differ in size. Statistics are float32 even where
    autocast makes the input bfloat16. In evaluation mode it equals BatchNorm2d and does not
    communicate.
    """

    momentum: float
    running_mean: torch.Tensor
    running_var: torch.Tensor
    num_batches_tracked: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize (N, C, H, W), float32 or bfloat16; returns the same shape and dtype."""
        if not self.training:
            return super().forward(x)
        values = x.float()
        mean = values.mean((0, 2, 3))
        var = (values - _per_channel(mean)).square().mean((0, 2, 3))
        count = torch.full_like(mean, values.numel() / values.shape[1])

        # The variance of the whole batch is the mean variance within the shares plus the variance
        # of their means. Unlike a mean of squares, this is exact for any means.
        counts, means, variances = _Gather.apply(torch.stack([count, mean, var])).unbind(1)
        total = counts.sum(0)
        mean = (counts * means).sum(0) / total
        var = (counts * (variances + (means - mean).square())).sum(0) / total

        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * total / (total - 1), self.momentum)
            self.num_batches_tracked.add_(1)
        scale = self.weight * (var + self.eps).rsqrt()
        shifted = values * _per_channel(scale) + _per_channel(self.bias - mean * scale)
        return shifted.to(x.dtype)


def _per_channel(vector: torch.Tensor) -> torch.Tensor:
    return vector.view(-1, 1, 1)


def end_process() -> None:
    """End this process with exit code 0 if it is one of several; do nothing if it is the only one.

    It skips the interpreter's teardown: there, a thread of the group that still holds a tensor
    sometimes aborts the process (https://github.com/pytorch/pytorch/pull/179291), and the launcher
    reports a failed run.
    """
    if not distributed.is_initialized():
        return
    distributed.barrier()
    distributed.destroy_process_group()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def synchronize_batch_norms(model: nn.Module) -> nn.Module:
    """Return the model with batch norms that train on the statistics of all processes.

    On GPUs they are PyTorch's own, which require one; elsewhere SyncedBatchNorm.
    """
    if next(model.parameters()).is_cuda:
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncedBatchNorm
    return model


def on_first_process(work: Callable[[], Any]) -> Any:
    """Call `work()` in the first process, and return its result in every process.

    A LensError that it raises is raised in every process, so that none waits for one that gave up.
    The result must not lie on a GPU.
    """
    if not distributed.is_initialized():
        return work()
    result = None
    if distributed.get_rank() == 0:
        try:
            result = work()
        except LensError as error:
            result = error
    shared = [result]
    distributed.broadcast_object_list(shared)
    if isinstance(shared[0], LensError):
        raise shared[0]
    return shared[0]
