"""Export a checkpoint's network to ONNX, for runtimes other than PyTorch, such as a browser's.

The input are raw pixels, the outputs are enough for predictions and heat maps:

    pixels    uint8 (N, 32, 32, 3), 0 to 255
    logits    float32 (N, 10), before the temperature
    features  float32 (N, D), the input of the head
    maps      float32 (N, D, h, w), the last layer's output; features are the maximum of each map
    weights   float32 (10, D), of the head: the same for every image

Filters are stored as float16 where that is lossless, as in `model.safetensors`, and cast to float32
at run time. The export needs the packages onnx and onnxscript.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from cifar.evaluation.ood import NEAREST, SAME, FeatureBank
from cifar.explain.account import Head, pooled_head
from cifar.files import replace
from cifar.models.checkpoint import Checkpoint
from cifar.models.errors import CheckpointError
from cifar.models.staged import normalize

if TYPE_CHECKING:
    from onnx import ModelProto

INPUT = "pixels"
OUTPUTS = ("logits", "features", "maps", "weights", "averaged")
OPSET = 18


def export(ckpt: Checkpoint, path: Path) -> None:
    """Write a checkpoint's network as ONNX.

    Raises CheckpointError unless its heat maps can be computed from the last layer's output and
    weights that are the same for all images, see `pooled_head`.
    """
    program = torch.onnx.export(
        _WithMaps(ckpt).eval(),
        # Two images: the exporter would fix a batch size of one.
        (torch.zeros(2, 32, 32, 3, dtype=torch.uint8),),
        input_names=[INPUT],
        output_names=OUTPUTS,
        dynamic_shapes={INPUT: {0: torch.export.Dim("images")}},
        opset_version=OPSET,
        dynamo=True,
        # It would merge batch norms into filters, which then do not fit float16.
        optimize=False,
        verbose=False,
    )
    if program is None:
        raise CheckpointError(f"{ckpt.path}: PyTorch exported nothing.")
    content = _shrink(program.model_proto).SerializeToString(deterministic=True)
    replace(path, lambda partial: partial.write_bytes(content))


def export_distance(bank: np.ndarray, path: Path) -> None:
    """Write the distance of features to a feature bank as ONNX: how much unlike CIFAR-10 they are.

    bank: recorded features, float16 (N, D), kept as they are. Input: features float32 (B, D);
    outputs: distance float32 (B,), as `ood.distances`, and nearest int32 (B, 50), as
    `ood.nearest_images`.
    """
    program = torch.onnx.export(
        _Distance(bank).eval(),
        (torch.zeros(2, bank.shape[1]),),
        input_names=["features"],
        output_names=["distance", "nearest"],
        dynamic_shapes={"features": {0: torch.export.Dim("images")}},
        opset_version=OPSET,
        dynamo=True,
        optimize=False,
        verbose=False,
    )
    if program is None:
        raise CheckpointError("PyTorch exported no distance to the feature bank.")
    content = _shrink(program.model_proto).SerializeToString(deterministic=True)
    replace(path, lambda partial: partial.write_bytes(content))


@torch.inference_mode()
def answers(
    ckpt: Checkpoint, bank: np.ndarray, pictures: Sequence[np.ndarray]
) -> list[dict[str, np.ndarray]]:
    """Return what both files answer: the outputs of `export` and `export_distance` by name.

    bank: as for `export_distance`. pictures: the views of each, uint8 (N, 32, 32, 3). distance and
    nearest: float32 (1,) and int32 (1, 50), of the mean of a picture's features.
    """
    network, distance_to = _WithMaps(ckpt), _Distance(bank)
    answered = []
    for views in pictures:
        found = dict(zip(OUTPUTS, network(torch.from_numpy(views)), strict=True))
        distance, nearest = distance_to(found["features"].mean(0, keepdim=True))
        found |= {"distance": distance, "nearest": nearest}
        answered.append({name: values.numpy() for name, values in found.items()})
    return answered


class _Distance(nn.Module):
    """`ood.distances` and `ood.nearest_images` as a network."""

    bank: torch.Tensor

    def __init__(self, bank: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("bank", torch.from_numpy(bank))
        self.length = FeatureBank.of(bank).length
        self.k = min(NEAREST, len(bank) - 1)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        tiny = torch.finfo(torch.float32).tiny
        lengths = features.norm(dim=1).clamp_min(tiny)
        bank = self.bank.float()
        known = bank / bank.norm(dim=1, keepdim=True).clamp_min(tiny)
        cosines = (features / lengths[:, None]) @ known.T
        cosines = cosines.masked_fill(cosines > 1 - SAME, -1)  # the picture itself
        found = cosines.topk(self.k, dim=1)
        distance = (1 - found.values[:, -1]) * (self.length / lengths).clamp_min(1) ** 2
        return distance, found.indices.int()


class _WithMaps(nn.Module):
    """The network from pixels to all outputs of the file."""

    averaged: torch.Tensor

    def __init__(self, ckpt: Checkpoint) -> None:
        super().__init__()
        self.model = ckpt.model
        head = _head(ckpt)
        own = (one for one in self.model.parameters() if torch.equal(one, head.weights))
        self.weights = next(own, nn.Parameter(head.weights, requires_grad=False))  # stored once
        self.register_buffer("averaged", torch.tensor(float(head.averaged)))

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = normalize(pixels.permute(0, 3, 1, 2))
        return *self.model.with_maps(x), self.weights, self.averaged


def _head(ckpt: Checkpoint) -> Head:
    """Return the network's head. Raises CheckpointError for a network with another end."""
    head = pooled_head(ckpt.model)
    if head is None:
        raise CheckpointError(
            f"{ckpt.path}: the static site computes heat maps from the last layer's output, which "
            "is not pooled as a whole before the last weights here: remove this network from "
            "checkpoints/, or deploy without --static."
        )
    return head


def _shrink(proto: "ModelProto") -> "ModelProto":
    """Store filters as float16 and remove metadata, such as paths of this computer; in place."""
    from onnx import TensorProto, helper, numpy_helper

    graph = proto.graph
    del proto.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for node in graph.node:
        del node.metadata_props[:]
        node.name = ""  # optional: edges are named by the outputs
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if np.array_equal(half, values):
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return proto
