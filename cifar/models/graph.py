"""A network as a list of PyTorch operations: `graph.json`, beside the weights.

A brought network is kept without its code, which nobody has to run again. Every step is an
operation of `torch.ops.aten` by name, with its arguments: numbers, and the names of weights and of
earlier steps. Only OPERATIONS are run. They compute tensors from tensors; a file from elsewhere may
give wrong answers, be slow or fail, but it reads and writes nothing else. `cifar.add.trace` makes
the file.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cifar import CLASSES
from cifar.files import read_json
from cifar.models import records
from cifar.models.errors import CheckpointError
from cifar.models.facts import SIZE, Layer
from cifar.models.network import Network, Rest
from cifar.models.preprocessing import Preprocessing

FILE = "graph.json"
# What PyTorch and Python raise for a graph that does not fit together.
UNUSABLE = (
    ArithmeticError, AttributeError, IndexError, KeyError, MemoryError, RuntimeError, TypeError,
    ValueError, AssertionError,
)  # fmt: skip
INPUT, COUNT = "$input", "$count"  # the images, and how many: names that no step has
WEIGHTS = "weights"  # the module that holds the weights, so that their names clash with nothing
LARGEST = 2**31  # of the integers that shapes are computed with
# The operations of aten that are run. All compute new tensors from tensors and numbers alone.
OPERATIONS = frozenset(Path(__file__).with_name("operations.txt").read_text("utf-8").split())
# A view of a tensor in another memory layout would fail.
SAME = {"view": "reshape", "_unsafe_view": "reshape"}
DTYPES = {str(value).removeprefix("torch."): value for value in vars(torch).values()
          if isinstance(value, torch.dtype)}  # fmt: skip


CONSTANTS: dict[str, Any] = DTYPES | {
    str(value).removeprefix("torch."): value
    for value in (torch.strided, torch.contiguous_format, torch.preserve_format,
                  torch.channels_last)
}  # fmt: skip


def _of_integers(compute: Callable[..., int]) -> Callable[..., int]:
    """Return a function of integers that refuses anything else, and results without bounds."""

    def checked(*values: object) -> int:
        # Symbols stand for integers while the network is exported.
        if not all(type(value) in (int, torch.SymInt) for value in values):
            raise TypeError("a shape is computed from something that is no integer")
        result = compute(*values)
        if type(result) is int and abs(result) > LARGEST:
            raise ValueError(f"a shape has {result:,} places")
        return result

    return checked


def _item(values: object, place: object) -> object:
    """Return one of several results of an operation."""
    if not isinstance(values, tuple | list) or type(place) is not int:
        raise TypeError("an item is taken of something that is no list of results")
    return values[place]


# What is computed with the number of images, and what takes one of several results.
INTEGERS = {
    name: _of_integers(getattr(operator, name)) for name in ("add", "sub", "mul", "floordiv")
}
OTHERS: dict[str, Callable] = INTEGERS | {"getitem": _item}


@dataclass(frozen=True)
class Step:
    """An operation. name: of its result. inputs: names of the earlier results that it takes."""

    name: str
    run: Callable
    arguments: list
    keywords: dict
    inputs: frozenset[str]

    def __call__(self, results: dict[str, Any], weights: dict[str, torch.Tensor]) -> Any:
        """Compute the result from those of earlier steps and the weights."""
        arguments = [_value(item, results, weights) for item in self.arguments]
        keywords = {key: _value(item, results, weights) for key, item in self.keywords.items()}
        return self.run(*arguments, **keywords)


def read_network(
    path: Path, preprocessing: Preprocessing, layers: tuple[Layer, ...]
) -> "GraphNetwork":
    """Read a network from `graph.json`; its weights are uninitialized.

    Raises FileError or CheckpointError for an invalid file.
    """
    content = read_json(path)
    records.check(path, content, records.Graph)
    for layer in layers:
        if content["grids"].get(layer.name, {}).get("side") != layer.size:
            raise CheckpointError(
                f"{path} has no layer {layer.name!a} of {layer.size} cells a side."
            )
    try:
        return GraphNetwork(content, preprocessing, layers)
    except (*UNUSABLE, CheckpointError) as error:
        raise CheckpointError(f"{path} cannot be used: {_described(error)}") from error


@torch.inference_mode()
def check_network(path: Path, network: "GraphNetwork") -> None:
    """Run a network on two images, whole and cut at every layer.

    path: of its graph. Raises CheckpointError if it fails, or has outputs of another shape.
    """
    images = torch.zeros(2, 3, SIZE, SIZE, device=network.device)
    shapes: dict[str, tuple[torch.Tensor, tuple[int, ...]]] = {}
    try:
        shapes["the logits"] = network(images), (2, len(CLASSES))
        for layer in network.layers:
            maps, rest = network.cut(images, layer.name)
            shapes[layer.name] = maps.mean(1), (2, layer.size, layer.size)
            shapes[f"the rest after {layer.name}"] = rest(maps), (2, len(CLASSES))
    except (*UNUSABLE, CheckpointError) as error:
        raise CheckpointError(f"{path} cannot be run: {_described(error)}") from error
    for name, (values, wanted) in shapes.items():
        if values.shape != wanted:
            raise CheckpointError(f"{path}: {name} has shape {tuple(values.shape)}, not {wanted}.")


def _described(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[0][:200].rstrip('.')}."


class GraphNetwork(Network):
    """A network that runs the steps of `graph.json`.

    content: of the file. preprocessing: what it expects. layers: those to explain, of the file's.
    Weights are uninitialized until they are loaded. Raises CheckpointError for a step that is no
    operation of this PyTorch, or that is not run.
    """

    def __init__(
        self, content: dict, preprocessing: Preprocessing, layers: tuple[Layer, ...]
    ) -> None:
        super().__init__()
        self.layers = layers
        self.preprocessing = preprocessing
        self.results = {"output": content["output"], "features": content["features"]}
        self.at = content["layers"]  # the steps of the layers
        self.grids = content["grids"]  # how each holds its map
        self.names = [tensor["name"] for tensor in content["tensors"]]
        self.weights = nn.Module()
        for tensor in content["tensors"]:
            _register(self.weights, tensor)
        self.steps = [_step(item) for item in content["steps"]]
        names = {step.name for step in self.steps}
        if len(names) < len(self.steps) or names & {INPUT, COUNT}:
            raise CheckpointError(f"{FILE}: Two steps have one name.")
        for target in (*self.results.values(), *(self.at[layer.name] for layer in layers)):
            if target not in names:
                raise CheckpointError(f"{FILE}: There is no step {target!a}.")
            self.check(self.needed([target], {INPUT}), {INPUT})

    def outputs(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (N, 10) and features (N, D)."""
        wanted = [self.results["output"], self.results["features"]]
        output, features = self._run(self._all, {INPUT: self.preprocessing.images(x)}, wanted)
        return self.preprocessing.logits(output), features.flatten(1)

    def with_maps(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return logits (N, 10), features (N, D) and the last layer's output (N, C, h, w)."""
        name = self.layers[-1].name
        wanted = [*self.results.values(), self.at[name]]
        given = {INPUT: self.preprocessing.images(x)}
        output, features, maps = self._run(self.needed(wanted, {INPUT}), given, wanted)
        to_map, _ = _as_map(maps, self.grids[name])
        return self.preprocessing.logits(output), features.flatten(1), to_map(maps)

    def cut(self, x: torch.Tensor, name: str) -> tuple[torch.Tensor, Rest]:
        """Return the output of a layer, (N, C, h, w), and a function that computes the rest.

        The tokens of a transformer become a map, without a class token, which stays as it is.
        """
        at = self.at[self.layer(name).name]
        before, after = self._parts[at]
        (value,) = self._run(before, {INPUT: self.preprocessing.images(x)}, [at])
        to_map, from_map = _as_map(value, self.grids[name])

        def rest(maps: torch.Tensor) -> torch.Tensor:
            (output,) = self._run(after, {at: from_map(maps)}, [self.results["output"]])
            return self.preprocessing.logits(output)

        return to_map(value), rest

    def needed(self, targets: Sequence[str], given: set[str]) -> list[Step]:
        """Return the steps, in order, that compute the targets from given results."""
        wanted, chosen = set(targets) - given, []
        for step in reversed(self.steps):
            if step.name in wanted:
                chosen.append(step)
                wanted |= step.inputs - given
        return chosen[::-1]

    def check(self, steps: Sequence[Step], given: set[str]) -> None:
        """Raise CheckpointError unless each step takes only what is given or computed before."""
        known = {COUNT, *given}
        for step in steps:
            if missing := step.inputs - known:
                raise CheckpointError(
                    f"{FILE}: the step {step.name!a} takes {min(missing)!a}, which nothing before "
                    "it computes."
                )
            known.add(step.name)

    @cached_property
    def _all(self) -> list[Step]:
        return self.needed(list(self.results.values()), {INPUT})

    @cached_property
    def _parts(self) -> dict[str, tuple[list[Step], list[Step]]]:
        """The steps before each layer's output and after it."""
        parts = {}
        for at in self.at.values():
            parts[at] = self.needed([at], {INPUT}), self.needed([self.results["output"]], {at})
            self.check(parts[at][1], {at})
        return parts

    def _run(self, steps: list[Step], given: dict[str, torch.Tensor], wanted: list[str]) -> list:
        """Run steps, and forget results after their last use."""
        last = {name: step for step in steps for name in step.inputs}
        results: dict[str, Any] = given | {COUNT: next(iter(given.values())).shape[0]}
        weights = {name: self._weight(name) for name in self.names}
        for step in steps:
            results[step.name] = step(results, weights)
            for name in step.inputs:
                if last[name] is step and name not in wanted:
                    del results[name]
        return [results[name] for name in wanted]

    def _weight(self, name: str) -> torch.Tensor:
        owner, _, own_name = name.rpartition(".")
        return getattr(self.weights.get_submodule(owner), own_name)


def _register(root: nn.Module, tensor: dict) -> None:
    """Add an uninitialized parameter or buffer, with modules for the parts of its name."""
    *path, name = tensor["name"].split(".")
    module = root
    for part in path:
        if part not in module._modules:
            module.add_module(part, nn.Module())
        module = module.get_submodule(part)
    value = torch.empty(tensor["shape"], dtype=DTYPES[tensor["dtype"]])
    if tensor["trained"]:
        module.register_parameter(name, nn.Parameter(value))
    else:
        module.register_buffer(name, value)


def _step(item: dict) -> Step:
    arguments, keywords = item["arguments"], item["keywords"]
    inputs = frozenset(_names([arguments, list(keywords.values())]))
    return Step(item["name"], operation(item["operation"]), arguments, keywords, inputs)


def operation(name: str) -> Callable:
    """Return an operation by name, such as "conv2d.default".

    Raises CheckpointError if it is none that is run.
    """
    if name in OTHERS:
        return OTHERS[name]
    base, _, overload = name.partition(".")
    if name not in OPERATIONS:
        raise CheckpointError(f"{FILE}: There is no operation {name!a} that may be run.")
    packet = getattr(torch.ops.aten, SAME.get(base, base), None)
    found = getattr(packet, "default" if base in SAME else overload, None)
    if found is None:
        raise CheckpointError(f"{FILE}: This version of PyTorch has no operation {name!a}.")
    return found


def _names(item: Any) -> Iterable[str]:
    """Return the names of the results in an argument."""
    if isinstance(item, list):
        for part in item:
            yield from _names(part)
    elif isinstance(item, dict) and "name" in item:
        yield item["name"]


def _value(item: Any, results: dict[str, Any], weights: dict[str, torch.Tensor]) -> Any:
    """Return an argument's value."""
    if isinstance(item, list):
        return [_value(part, results, weights) for part in item]
    if not isinstance(item, dict):
        return item
    ((kind, content),) = item.items()
    if kind == "name":
        return results[content]
    if kind == "tensor":
        return weights[content]
    if kind == "device":
        return next(iter(weights.values())).device
    return float(content) if kind == "float" else CONSTANTS[content]  # a dtype or a layout


def _as_map(
    value: torch.Tensor, grid: dict
) -> tuple[Callable[[torch.Tensor], torch.Tensor], Callable[[torch.Tensor], torch.Tensor]]:
    """Return functions that convert a layer's output to a map (N, C, h, w), and back.

    grid: kind is "map"; "last" for an output (N, h, w, C); or "tokens" for one of (N, T, C), of
    which the first have no place in the map, whose side is given.
    """
    if grid["kind"] == "map":
        return lambda maps: maps, lambda maps: maps
    if grid["kind"] == "last":
        return lambda maps: maps.permute(0, 3, 1, 2), lambda maps: maps.permute(0, 2, 3, 1)
    first, side = grid["first"], grid["side"]
    before = value[:, :first]

    def to_map(tokens: torch.Tensor) -> torch.Tensor:
        return tokens[:, first:].transpose(1, 2).unflatten(2, (side, side))

    def from_map(maps: torch.Tensor) -> torch.Tensor:
        tokens = maps.flatten(2).transpose(1, 2)
        return torch.cat([before.expand(len(maps), -1, -1), tokens], dim=1)

    return to_map, from_map
