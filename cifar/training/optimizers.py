"""Optimizers beyond SGD: Muon for filters, and Lookahead's slow weights."""

from collections.abc import Callable, Iterable

import torch
from torch import nn


def orthogonalize(matrix: torch.Tensor, steps: int = 3) -> torch.Tensor:
    """Bring the singular values of a (rows, columns) matrix near 1 by Newton-Schulz iterations.

    The quintic's coefficients are those of Jordan et al., "Muon",
    https://kellerjordan.github.io/posts/muon/. They trade exactness for speed: the singular values
    end up roughly between 0.7 and 1.2.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum with an orthogonalized update for each filter bank (same source).

    A bank of shape (out, in, k, k) is treated as a matrix (out, in*k*k). Before each step it is
    scaled to a Frobenius norm of sqrt(out). The batch norm that follows cancels the scale, but the
    norm fixes how far a learning rate turns the bank.
    """

    def __init__(self, params: Iterable[torch.Tensor], lr: float, momentum: float) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every filter bank that has a gradient. closure: ignored."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["velocity"] = torch.zeros_like(p)
                velocity = state["velocity"].mul_(group["momentum"]).add_(p.grad)
                direction = p.grad.add(velocity, alpha=group["momentum"])
                p.mul_(len(p) ** 0.5 / p.norm())
                update = orthogonalize(direction.reshape(len(p), -1)).view_as(p)
                p.add_(update, alpha=-group["lr"])


class Lookahead:
    """Slow weights that the fast ones are pulled back to every few steps.

    They cover parameters and batch-norm statistics. Source: Zhang et al.,
    https://arxiv.org/abs/1907.08610.
    """

    def __init__(self, model: nn.Module) -> None:
        self.slow = {
            name: value.clone()
            for name, value in model.state_dict().items()
            if value.is_floating_point()
        }

    @torch.no_grad()
    def pull(self, model: nn.Module, keep: float) -> None:
        """Move the slow weights to keep * slow + (1 - keep) * model, and copy them to the model."""
        for name, value in model.state_dict().items():
            if name in self.slow:
                self.slow[name].lerp_(value, 1 - keep)
                value.copy_(self.slow[name])
