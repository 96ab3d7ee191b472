"""Three networks as somebody else would write them, to bring with `python -m cifar add`.

    python docs/networks.py PlainCnn --epochs 12

trains one on the CPU in some minutes and saves its weights. Each expects its input on another
scale, as such files do, and says nothing about it.
"""

import argparse
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


class PlainCnn(nn.Module):
    """Two convolutions and three linear layers; expects -1 to 1."""

    mean, std = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 5)
        self.conv2 = nn.Conv2d(width, 2 * width, 5)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(2 * width * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 10)."""
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride > 1 or width_in != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a map of `width` channels."""
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


class ResNet18(nn.Module):
    """Eight blocks in four stages, for 32x32 images; expects a deviation of 0.2."""

    mean, std = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        for stage in range(1, 5):
            before, own = widths[stage - 1], widths[stage]
            blocks = Block(before, own, 1 if stage == 1 else 2), Block(own, own, 1)
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(8 * width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 10)."""
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        return self.linear(x.mean((2, 3)))


class SmallVit(nn.Module):
    """A vision transformer of 8x8 patches and a class token; expects ImageNet's scale."""

    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

    def __init__(self, width: int = 96, depth: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(1, 65, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 10)."""
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, 0]))


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    """Train with AdamW and a one-cycle schedule on mirrored and shifted images."""
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (model.mean, model.std))
    batches = len(images) // 128
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, epochs * batches)
    for epoch in range(epochs):
        started, losses = time.monotonic(), []
        for rows in torch.randperm(len(images))[: batches * 128].view(-1, 128):
            x = (images[rows] / 255 - mean) / std
            x = torch.where(torch.rand(128, 1, 1, 1) < 0.5, x.flip(3), x)
            dy, dx = torch.randint(-3, 4, (2,)).tolist()
            x = x.roll((dy, dx), (2, 3))
            loss = F.cross_entropy(model(x), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        seconds = time.monotonic() - started
        loss = sum(losses) / len(losses)
        print(f"epoch {epoch + 1}: loss {loss:.3f}, {seconds:.0f} s", flush=True)


def main() -> None:
    """Train the network that the command line names, and save its weights."""
    from cifar.data import cifar10

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=("PlainCnn", "ResNet18", "SmallVit"))
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--width", type=int, help="of the first layer")
    parser.add_argument("--out", type=Path, help="the weights, NETWORK.pt if left out")
    options = parser.parse_args()
    torch.manual_seed(0)
    width = {} if options.width is None else {"width": options.width}
    model = globals()[options.network](**width)
    split = cifar10.load("train")
    train(model.train(), split.images, split.labels, options.epochs)
    torch.save(model.state_dict(), options.out or f"{options.network}.pt")


if __name__ == "__main__":
    main()
