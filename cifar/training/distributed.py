"""Several processes that train as one: batch norm over the whole batch, and one that decides.

All of it is for processes that share a `torch.distributed` group, whatever its backend and device
(PyTorch's own SyncBatchNorm refuses a CPU).
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import distributed, nn

from cifar import LensError


class _Gather(torch.autograd.Function):
    """The tensors of all processes, which have one shape, stacked in the order of their ranks."""

    @staticmethod
    def forward(ctx, tensor: torch.Tensor) -> torch.Tensor:
        gathered = [torch.empty_like(tensor) for _ in range(distributed.get_world_size())]
        distributed.all_gather(gathered, tensor)
        return torch.stack(gathered)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> torch.Tensor:
        # Every process's loss depends on this tensor; the loss that counts is their sum.
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(gradient)
        return gradient[distributed.get_rank()]


class SyncedBatchNorm(nn.BatchNorm2d):
    """BatchNorm2d that trains on the statistics of the batch of all processes together.

    The shares of the batch may differ in size. Statistics are float32 also where autocast makes
    the input bfloat16. In evaluation mode it is BatchNorm2d and asks no other process.
    """

    momentum: float
    running_mean: torch.Tensor
    running_var: torch.Tensor
    num_batches_tracked: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x)
        values = x.float()
        mean = values.mean((0, 2, 3))
        var = (values - _per_channel(mean)).square().mean((0, 2, 3))
        count = torch.full_like(mean, values.numel() / values.shape[1])

        # The variance of the whole is the mean variance within the shares plus the variance
        # between their means: exact for any means, unlike a mean of squares.
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
    """End this process with success if it is one of several whose work is done; else do nothing.

    At once: while an interpreter is torn down, a thread of the group that still holds a tensor
    aborts the process now and then (https://github.com/pytorch/pytorch/pull/179291), and what
    launched it says that the run failed.
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

    PyTorch's own on GPUs, which they require; SyncedBatchNorm elsewhere.
    """
    if next(model.parameters()).is_cuda:
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncedBatchNorm
    return model


def once(work: Callable[[], Any]) -> Any:
    """What `work()` returns in the first process, in every process; or the LensError it raises.

    So that no process waits for one that gave up. The answer must not lie on a GPU.
    """
    if not distributed.is_initialized():
        return work()
    answer = None
    if distributed.get_rank() == 0:
        try:
            answer = work()
        except LensError as error:
            answer = error
    shared = [answer]
    distributed.broadcast_object_list(shared)
    if isinstance(shared[0], LensError):
        raise shared[0]
    return shared[0]
