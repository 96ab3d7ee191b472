"""The networks by name."""

from cifar.models.basenet import BaseNet
from cifar.models.resnet import ResNet
from cifar.models.staged import Staged

NETWORKS: dict[str, type[Staged]] = {"resnet": ResNet, "basenet": BaseNet}


def create_model(network: str) -> Staged:
    """Create a network with PyTorch's initial weights.

    Raises ValueError for an unknown name.
    """
    if network not in NETWORKS:
        raise ValueError(f"There is no network {network!r}: choose {' or '.join(NETWORKS)}.")
    return NETWORKS[network]()
