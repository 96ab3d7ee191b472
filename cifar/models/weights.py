"""Strict reading and writing of `model.safetensors`, without pickle."""

import reprlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialize
from torch import nn

from cifar.files import replace
from cifar.models import graph, onnx_network
from cifar.models.errors import CheckpointError
from cifar.models.facts import GRAPH, ONNX, added_layers
from cifar.models.graph import GraphNetwork, check_network, read_network
from cifar.models.network import Network
from cifar.models.networks import create_model
from cifar.models.onnx_network import OnnxNetwork
from cifar.models.preprocessing import Preprocessing


def save_weights(path: Path, model: nn.Module) -> None:
    """Write the weights of a network: filters as float16, vectors unchanged."""
    tensors = {
        name: (value.half() if value.ndim > 1 else value).cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    replace(path, lambda partial: partial.write_bytes(serialize(tensors)))


@torch.inference_mode(False)  # whoever needs it first: its weights must be able to take gradients
def load_network(folder: Path, config: dict, device: str | torch.device = "cpu") -> Network:
    """Load the network of a checkpoint folder, as float32 and in evaluation mode.

    config: the content of `config.json`. Raises CheckpointError for a broken file, a missing or
    unknown tensor, a wrong shape or dtype, and a value that is not finite.
    """
    if config["network"] == ONNX:
        preprocessing = Preprocessing.read(config["preprocessing"])
        path = folder / onnx_network.FILE
        return OnnxNetwork(path.read_bytes(), preprocessing, str(path), added_layers(config))
    model = _create(folder, config)
    path = folder / "model.safetensors"
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    _check_tensors(path, tensors, model.state_dict())
    model.load_state_dict(tensors)  # copies float16 into the model's float32
    model.to(device).to(memory_format=torch.channels_last)
    model.eval().requires_grad_(False)
    if isinstance(model, GraphNetwork):
        check_network(folder / graph.FILE, model)
    return model


def _create(folder: Path, config: dict) -> Network:
    """Create the network that `config.json` describes, with any weights."""
    if config["network"] != GRAPH:
        return create_model(config["network"])
    layers = added_layers(config)
    return read_network(folder / graph.FILE, Preprocessing.read(config["preprocessing"]), layers)


def _check_tensors(path: Path, tensors: dict, expected: dict) -> None:
    for problem, names in (
        ("lacks", expected.keys() - tensors.keys()),
        ("has unknown", tensors.keys() - expected.keys()),
    ):
        if names:
            raise CheckpointError(f"{path} {problem} {_first_names(sorted(names))}.")
    for key, value in tensors.items():
        wanted = expected[key]
        if value.shape != wanted.shape:
            raise CheckpointError(
                f"{path}: {key} has shape {tuple(value.shape)} instead of {tuple(wanted.shape)}."
            )
        # Filters are stored in half precision.
        half = torch.float16 if wanted.dtype.is_floating_point else wanted.dtype
        if value.dtype not in (wanted.dtype, half):
            raise CheckpointError(f"{path}: {key} is {value.dtype}, not {wanted.dtype}.")
        if not value.isfinite().all():
            raise CheckpointError(f"{path}: {key} holds NaN or infinity.")


def _first_names(names: list[str]) -> str:
    """Return up to five names for a message; a file may hold many, and long ones."""
    shown = [
        name if name.isprintable() and len(name) < 80 else reprlib.repr(name) for name in names
    ]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(shown[:5]) + more
