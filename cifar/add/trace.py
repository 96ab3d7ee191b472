"""Trace a PyTorch module to the content of `graph.json`, see `models.graph`.

torch.export runs the module once with tensors that hold no values, and records every operation.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.export import Dim, ExportedProgram, export

from cifar import CLASSES, LensError
from cifar.models.facts import Layer
from cifar.models.graph import COUNT, INPUT, OPERATIONS, OTHERS, WEIGHTS

EXAMPLES = 2  # images of the traced call; a single one would be taken for a constant
LINEAR = ("linear", "addmm", "mm", "matmul")  # operations of a last layer
SMALLEST = 2  # cells a side of a map that is worth to look at
MOST_TOKENS = 5  # tokens of a transformer that are no part of the picture: of class, registers


class TraceError(LensError):
    """Module that cannot be traced, or is no classifier of ten classes; the message says why."""


@dataclass(frozen=True)
class Traced:
    """A traced module.

    graph: content of `graph.json`. weights: tensors by their name in `GraphNetwork`. layers: every
    layer that has a map and that all of the rest depends on, first to last.
    """

    graph: dict
    weights: dict[str, torch.Tensor]
    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        """The number of trained weights."""
        return sum(math.prod(one["shape"]) for one in self.graph["tensors"] if one["trained"])


def trace(module: nn.Module, shape: tuple[int, int, int], features: str = "") -> Traced:
    """Trace a module on images of a shape, (3, S, S) or (S, S, 3).

    features: the name of the layer whose output are the features; the input of the last linear
    layer if left out. Raises TraceError if it cannot be traced, or does not return ten numbers an
    image.
    """
    module = module.eval().float().requires_grad_(False)
    try:
        with torch.no_grad():
            images = torch.zeros(EXAMPLES, *shape)
            program = export(module, (images,), dynamic_shapes=({0: Dim.DYNAMIC},))
            program = program.run_decompositions({})
    except Exception as error:  # whatever the code of the network raises
        if "specialized it to be a constant" in str(error):
            raise TraceError(
                "The network works for one number of images alone, as by len(x) or a fixed number "
                "in view or reshape: write x.shape[0] there."
            ) from error
        raise TraceError(
            f"The network cannot be traced on images of shape {shape} ({_first_line(error)}). It "
            "must be a torch.nn.Module that takes a batch of images and returns logits, without "
            "decisions that depend on their values."
        ) from error
    return _Recorder(program, features).traced()


class _Recorder:
    """Converts the graph of an exported program."""

    def __init__(self, program: ExportedProgram, features: str) -> None:
        signature = program.graph_signature
        stored = {**program.state_dict, **program.constants}
        self.tensors = {
            **signature.inputs_to_parameters,
            **signature.inputs_to_buffers,
            **signature.inputs_to_lifted_tensor_constants,
        }
        self.trained = set(signature.inputs_to_parameters.values())
        self.stored = {name: stored[name] for name in self.tensors.values()}
        nodes = list(program.graph.nodes)
        (self.input,) = [node for node in nodes if node.name in signature.user_inputs]
        self.batch = self.input.meta["val"].shape[0]
        self.output = self._output(nodes[-1])
        self.ends = {path: node for node in nodes for path in _modules(node)}
        used = _ancestors(self.output, None)
        self.nodes = [node for node in nodes if node in used]
        self.features = features

    def traced(self) -> Traced:
        """Return graph, weights and layers."""
        named = {self._layer_name(node): node for node in self._cuts()}
        grids = {name: _grid(node.meta["val"].shape) for name, node in named.items()}
        layers = tuple(
            Layer(name, name, grid["side"]) for name, grid in grids.items() if grid is not None
        )
        names = {self.tensors[node.name] for node in self.nodes if node.name in self.tensors}
        weights = {name: self.stored[name].detach().clone() for name in sorted(names)}
        graph = {
            "steps": [
                self._step(node)
                for node in self.nodes
                if node.op == "call_function" and not self._is_count(node)
            ],
            "output": self.output.name,
            "features": self._features().name,
            "layers": {layer.name: named[layer.name].name for layer in layers},
            "grids": {layer.name: grids[layer.name] for layer in layers},
            "tensors": [
                {
                    "name": name,
                    "shape": list(tensor.shape),
                    "dtype": str(tensor.dtype).removeprefix("torch."),
                    "trained": name in self.trained,
                }
                for name, tensor in weights.items()
            ],
        }
        if not self.trained & weights.keys():
            raise TraceError("The network has no weights: name the one that was trained.")
        stored = {f"{WEIGHTS}.{name}": value for name, value in weights.items()}
        return Traced(graph, stored, layers)

    def _output(self, last: fx.Node) -> fx.Node:
        """Return the first output that has the shape of logits."""
        outputs = [
            node for node in last.all_input_nodes if isinstance(node.meta["val"], torch.Tensor)
        ]
        shapes = [tuple(node.meta["val"].shape) for node in outputs]
        for node, shape in zip(outputs, shapes, strict=True):
            if len(shape) == 2 and shape[0] == self.batch and shape[1] == len(CLASSES):
                return node
        found = " and ".join(str(("N", *shape[1:])) for shape in shapes) or "nothing"
        raise TraceError(
            f"The network returns {found.replace(chr(39), '')} for N images instead of "
            f"(N, {len(CLASSES)}): its last layer must have ten outputs, one a class."
        )

    def _features(self) -> fx.Node:
        """Return the result whose values are the features."""
        if self.features:
            if self.features not in self.ends:
                known = ", ".join(sorted(filter(None, self.ends)))
                raise TraceError(f"There is no layer {self.features!r}: choose one of {known}.")
            return self.ends[self.features]
        for node in reversed(self.nodes):
            if node.op == "call_function" and _operation(node).partition(".")[0] in LINEAR:
                tensors = [arg for arg in node.args if isinstance(arg, fx.Node)]
                for arg in tensors:
                    shape = arg.meta["val"].shape
                    if len(shape) == 2 and shape[0] == self.batch:
                        return arg
        return self.output

    def _cuts(self) -> Iterator[fx.Node]:
        """Yield the results with a map that all of the rest depends on.

        Those inside a module are left out, but not the last one, which is the module's own result.
        Tokens are only taken from there: other tables of numbers look the same.
        """
        for node in self.nodes:
            value = node.meta.get("val")
            if (
                node.op == "call_function"
                and isinstance(value, torch.Tensor)
                and value.dtype.is_floating_point
                and value.ndim
                and value.shape[0] == self.batch
                and _grid(value.shape)
                and (self._ended(node) or (value.ndim == 4 and not any(_modules(node))))
                and self.input not in _ancestors(self.output, node, self._is_count)
            ):
                yield node

    def _layer_name(self, node: fx.Node) -> str:
        """Return the outermost module whose last result this is, or else the name of the result."""
        return next(iter(self._ended(node)), node.name)

    def _ended(self, node: fx.Node) -> list[str]:
        """Return the modules whose last result this is, outermost first."""
        return [path for path in _modules(node) if path and self.ends[path] is node]

    def _is_count(self, node: fx.Node) -> bool:
        """Return whether a result is the number of images."""
        value = node.meta.get("val")
        return isinstance(value, torch.SymInt) and value.node.expr == self.batch.node.expr

    def _step(self, node: fx.Node) -> dict:
        return {
            "name": node.name,
            "operation": _operation(node),
            "arguments": [self._argument(item) for item in node.args],
            "keywords": {key: self._argument(item) for key, item in node.kwargs.items()},
        }

    def _argument(self, item: Any) -> Any:
        """Convert an argument to JSON, see `graph.Step`."""
        if isinstance(item, fx.Node):
            if item is self.input:
                return {"name": INPUT}
            if item.name in self.tensors:
                return {"tensor": self.tensors[item.name]}
            return {"name": COUNT if self._is_count(item) else item.name}
        if isinstance(item, list | tuple):
            return [self._argument(part) for part in item]
        if isinstance(item, float) and not math.isfinite(item):
            return {"float": str(item)}
        if isinstance(item, torch.device):
            return {"device": ""}
        if isinstance(item, torch.dtype | torch.memory_format | torch.layout):
            return {"torch": str(item).removeprefix("torch.")}
        if item is None or isinstance(item, bool | int | float | str):
            return item
        raise TraceError(f"The network uses a {type(item).__name__}, which cannot be recorded.")


def _ancestors(node: fx.Node, cut: fx.Node | None, skip: Any = lambda _: False) -> set[fx.Node]:
    """Return the results that one depends on, with itself, without those before a cut."""
    found: set[fx.Node] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current in found or current is cut or skip(current):
            continue
        found.add(current)
        waiting += current.all_input_nodes
    return found


def _modules(node: fx.Node) -> list[str]:
    """Return the paths of the modules that a result is computed in, outermost first."""
    stack = node.meta.get("nn_module_stack") or {}
    return [path for path, _ in stack.values()]


def _operation(node: fx.Node) -> str:
    """Return an operation's name, see `graph.operation`."""
    target = node.target
    name = getattr(target, "__name__", str(target))
    is_aten = isinstance(target, torch._ops.OpOverload) and target.namespace == "aten"
    if name not in (OPERATIONS if is_aten else OTHERS):
        raise TraceError(f"The network uses the operation {name}, which cannot be recorded.")
    return name


def _grid(shape: torch.Size) -> dict | None:
    """Return the layout of a layer's output, see `graph._as_map`; None if it holds no map."""
    sizes = tuple(shape[1:])
    if len(sizes) == 3 and sizes[1] == sizes[2] >= SMALLEST:
        return {"kind": "map", "side": sizes[1]}
    if len(sizes) == 3 and sizes[0] == sizes[1] >= SMALLEST:
        return {"kind": "last", "side": sizes[0]}
    if len(sizes) == 2 and sizes[1] > 1:
        for first in range(min(MOST_TOKENS, sizes[0]) + 1):
            side = math.isqrt(sizes[0] - first)
            if side >= SMALLEST and side**2 == sizes[0] - first:
                return {"kind": "tokens", "side": side, "first": first}
    return None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
