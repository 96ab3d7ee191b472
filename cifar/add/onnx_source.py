"""Read a network from an ONNX file, and let it return its features too."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx
from onnx import helper

from cifar import CLASSES
from cifar.add.sources import SourceError
from cifar.models.facts import Layer

Layout = Literal["NCHW", "NHWC"]
LINEAR = ("Gemm", "MatMul", "MatMulInteger")


@dataclass(frozen=True)
class OnnxFile:
    """An ONNX network. content: the file's, with logits, features and maps as its outputs.

    size, layout: of its input, see `Preprocessing`; size is 0 if it takes any. parameters: the
    number of its weights. layers: the outputs that are maps.
    """

    content: bytes
    size: int
    layout: Layout
    parameters: int
    layers: tuple[Layer, ...]


def read(path: Path, features: str = "") -> OnnxFile:
    """Read an ONNX file. features: the name of the result to use as features; the input of the last
    linear layer if left out. Raises SourceError for another file.
    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:  # of protobuf, onnx and the disk, without a common base
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise SourceError(
            f"{path} cannot be read as ONNX: {lines[0][:200].rstrip('.')}."
        ) from error
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise SourceError(f"{path} takes {len(inputs)} inputs instead of a batch of images.")
    size, layout = _shape(path, inputs[0])
    output = _output(path, model)
    chosen = features or _features(graph) or output.name
    results = {name for node in graph.node for name in node.output}
    if chosen not in results:
        raise SourceError(f"{path} has no result {chosen!a}: choose one of {', '.join(results)}.")
    maps = [value for value in graph.output if _side(value)]
    del graph.output[:]
    same = helper.make_node("Identity", [chosen], ["lens_features"])  # may be the output itself
    graph.node.append(same)
    graph.output.extend([output, helper.make_empty_tensor_value_info("lens_features"), *maps])
    layers = tuple(Layer(value.name, value.name, _side(value)) for value in maps)
    count = sum(math.prod(tensor.dims) for tensor in graph.initializer)
    return OnnxFile(model.SerializeToString(), size, layout, count, layers)


def _shape(path: Path, value: onnx.ValueInfoProto) -> tuple[int, Layout]:
    """Return side and layout of the images that a network takes."""
    dims = [dim.dim_value or dim.dim_param or "N" for dim in value.type.tensor_type.shape.dim]
    free = [isinstance(dim, str) for dim in dims]
    if len(dims) == 4:
        layouts: tuple[tuple[Layout, int, int, int], ...] = (("NCHW", 1, 2, 3), ("NHWC", 3, 1, 2))
        for layout, channel, height, width in layouts:
            square = dims[height] == dims[width] or (free[height] and free[width])
            if dims[channel] == 3 and square:
                return (0 if free[height] else int(dims[height])), layout
    shown = ", ".join(map(str, dims))
    raise SourceError(
        f"{path} takes ({shown}) instead of square images of three colors, (N, 3, S, S) or "
        "(N, S, S, 3)."
    )


def _side(value: onnx.ValueInfoProto) -> int:
    """Return the side of an output (N, C, h, w) that is a map; 0 for any other."""
    dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    return dims[2] if len(dims) == 4 and dims[2] == dims[3] > 1 else 0


def _output(path: Path, model: onnx.ModelProto) -> onnx.ValueInfoProto:
    """Return the first output that can be logits."""
    shapes = []
    for value in model.graph.output:
        dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if len(dims) == 2 and dims[1] == len(CLASSES):
            return value
        shapes.append("(" + ", ".join(str(dim or "N") for dim in dims) + ")")
    raise SourceError(
        f"{path} returns {' and '.join(shapes)} instead of (N, {len(CLASSES)}): its last layer "
        "must have ten outputs, one a class."
    )


def _features(graph: onnx.GraphProto) -> str:
    """Return the name of the last linear layer's input; empty if there is none."""
    results = {name for node in graph.node for name in node.output}
    linear = [node for node in graph.node if node.op_type in LINEAR and node.input[0] in results]
    if not linear:
        return ""
    (source,) = (node for node in graph.node if linear[-1].input[0] in node.output)
    # As it is before it becomes an integer, where that is done for each batch.
    return source.input[0] if source.op_type == "DynamicQuantizeLinear" else linear[-1].input[0]
