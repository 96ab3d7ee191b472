"""Bring a network: `python -m cifar add NAME SOURCE` writes an evaluated checkpoint of it.

    python -m cifar add mine my_net.py:Net --weights weights.pt
    python -m cifar add theirs answers.csv

The network is found (`sources`), traced (`trace`), asked what it expects (`conventions`) and
evaluated as the project's own. The checkpoint holds its graph and its weights; the app runs none of
its code. Of a table of answers nothing can be asked: it is compared with the networks.
"""

import hashlib
import json
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import save as serialize

from cifar import CLASSES, LensError
from cifar.add import conventions, onnx_source, sources
from cifar.add.trace import trace
from cifar.data import cifar10
from cifar.evaluation import recorded_answers
from cifar.evaluation.evaluate import evaluate
from cifar.files import fill_folder, read_json, write_json
from cifar.models import checkpoint, graph, onnx_network
from cifar.models.checkpoint import FORMAT_VERSION, Checkpoint
from cifar.models.facts import GRAPH, ONNX, SIZE, TITLES, Layer
from cifar.models.graph import GraphNetwork
from cifar.models.network import Network
from cifar.models.onnx_network import OnnxNetwork
from cifar.models.preprocessing import Preprocessing

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}")
SMALLEST_INPUT, LARGEST_INPUT, LONGEST_TITLE = 8, 1024, 40  # as `records.AddedConfig`
PROBES = 8  # images whose gradients show whether a layer takes part in the answer


@dataclass(frozen=True)
class Wanted:
    """Choices of the user about a network.

    preprocessing: what is known of it. fixed: its mean and deviation are known. layers: names of
    those to explain; features: the name of the layer whose output are the features; both are found
    if left out. title: for people; the name if left out.
    """

    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    fixed: bool = False
    layers: tuple[str, ...] = ()
    features: str = ""
    title: str = ""


@dataclass(frozen=True)
class Found:
    """A network that was found. kind: GRAPH or ONNX. files: contents by name."""

    network: conventions.Brought
    kind: str
    parameters: int
    files: dict[str, bytes]


def add(
    name: str,
    source: str,
    arguments: Sequence[str] = (),
    weights: Path | None = None,
    wanted: Wanted | None = None,
    data: Path | None = None,
    command: str = "",
) -> Checkpoint:
    """Add a network under a name, and return its evaluated checkpoint.

    source, arguments, weights: see `sources.find`; a source may also be an ONNX file, or a
    checkpoint by its folder or its name on the Hub. data: the training images, as for
    `cifar10.load`. command: what the user typed, for the record. Raises LensError; nothing is left
    behind.
    """
    wanted = wanted or Wanted()
    folder = free_folder(name)
    _check_options(source, arguments, weights, wanted)
    val = cifar10.load("val", data)  # first: without it, all of the rest is in vain
    command = command or shlex.join(
        ["python", "-m", "cifar", "add", name, shown(source), *arguments]
    )
    if sources.is_checkpoint(source):
        fill_folder(folder, lambda partial: _copy(source, partial, data, command))
        return checkpoint.read(name)
    found = find(source, arguments, weights, wanted)
    trials = conventions.search(found.network, val, wanted.preprocessing, fixed=wanted.fixed)
    print("It expects", *trials, sep="\n  ")
    found.network.preprocessing = trials[0].preprocessing
    layers = choose_layers(found.network, wanted.layers)
    print("Layers for heat maps:", ", ".join(layer.title for layer in layers) or "none")

    def write(partial: Path) -> None:
        for file, content in found.files.items():
            (partial / file).write_bytes(content)
        config = _config(found, layers, wanted.title or name, shown(source))
        write_json(partial / "config.json", config)
        evaluate(partial, data, command)

    fill_folder(folder, write)
    return checkpoint.read(name)


def add_answers(name: str, table: Path, title: str = "") -> str:
    """Add a table of a network's answers to the test images, to compare with.

    Returns what it was taken for. Raises LensError; nothing is left behind.
    """
    _check_title(title)
    labels, understood = cifar10.load("test").labels.numpy(), []

    def write(partial: Path) -> None:
        understood.append(recorded_answers.save(partial, table, title or name, table.name, labels))

    fill_folder(free_folder(name), write)
    return understood[0]


def _copy(source: str, folder: Path, data: Path | None, command: str) -> None:
    """Copy a checkpoint, and evaluate it if it was not."""
    ckpt = checkpoint.load(source)
    for file in checkpoint.files_of(ckpt.config):
        if (ckpt.path / file).is_file():
            shutil.copyfile(ckpt.path / file, folder / file)
    write_json(folder / "config.json", ckpt.config | {"source": shown(source)})
    if not ckpt.metrics or not (folder / "predictions.npz").is_file():
        evaluate(folder, data, command)


def find(source: str, arguments: Sequence[str], weights: Path | None, wanted: Wanted) -> Found:
    """Find a network. Raises SourceError or TraceError."""
    expected = wanted.preprocessing
    if source.endswith(".onnx"):
        file = onnx_source.read(Path(source), wanted.features)
        expected = replace(expected, size=file.size or expected.size, layout=file.layout)
        onnx = OnnxNetwork(file.content, expected, source, file.layers)
        return Found(onnx, ONNX, file.parameters, {onnx_network.FILE: file.content})
    side = expected.size
    shape = (3, side, side) if expected.layout == "NCHW" else (side, side, 3)
    traced = trace(sources.find(source, arguments, weights), shape, wanted.features)
    graph_network = GraphNetwork(traced.graph, expected, traced.layers)
    graph_network.load_state_dict(traced.weights)
    content = {name: tensor.contiguous() for name, tensor in traced.weights.items()}
    files = {graph.FILE: json.dumps(traced.graph).encode(), "model.safetensors": serialize(content)}
    network = graph_network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return Found(network, GRAPH, traced.parameters, files)


def shown(source: str) -> str:
    """Return a source without the folders of this computer."""
    place, colon, rest = source.partition(":")
    return f"{Path(place).name}{colon}{rest}" if Path(place).exists() else source


def _check_options(
    source: str, arguments: Sequence[str], weights: Path | None, wanted: Wanted
) -> None:
    """Raise LensError for options that a source does not take, and for impossible ones."""
    if source.endswith(".onnx") or sources.is_checkpoint(source):
        for given, what in ((weights, "no --weights"), (arguments, "no arguments")):
            if given:
                raise LensError(f"{source} is complete as it is, and takes {what}.")
    std = wanted.preprocessing.std
    if min(std) <= 0:
        raise LensError(f"--std is {' '.join(map(str, std))}: name three numbers above 0.")
    if not SMALLEST_INPUT <= wanted.preprocessing.size <= LARGEST_INPUT:
        raise LensError(
            f"--size is {wanted.preprocessing.size}: choose {SMALLEST_INPUT} to {LARGEST_INPUT}."
        )
    _check_title(wanted.title)


def _check_title(title: str) -> None:
    if len(title) > LONGEST_TITLE:
        raise LensError(f"--title has {len(title)} letters: take at most {LONGEST_TITLE}.")


def free_folder(name: str) -> Path:
    """Return the folder for a new checkpoint.

    Raises LensError for a name that is taken, and for what is no name.
    """
    if not NAME.fullmatch(name):
        raise LensError(
            f"{name!a} is no name: choose up to 30 small letters, digits, - and _, such as my-net."
        )
    if (
        name in ("images", *TITLES)
        or name.startswith("published")
        or name.endswith(("-probabilities", "-channels"))
    ):
        raise LensError(f"{name} is the name of something else here: choose another.")
    folder = checkpoint.ROOT / name
    if folder.exists():
        raise LensError(
            f"There is a checkpoint {name} already: choose another name, or remove it first "
            f"(python -m cifar remove {name})."
        )
    return folder


def remove(name: str) -> None:
    """Remove what `add` or `add_answers` brought. Raises LensError for any other checkpoint."""
    networks, tables = checkpoint.available(), recorded_answers.available()
    if name not in networks + tables:
        known = ", ".join(networks + tables)
        raise LensError(f"There is no checkpoint {name!a} in {checkpoint.ROOT}: there are {known}.")
    if name not in tables and "source" not in read_json(checkpoint.ROOT / name / "config.json"):
        raise LensError(
            f"{name} was not added by this command: delete {checkpoint.ROOT / name} if you mean it."
        )
    shutil.rmtree(checkpoint.ROOT / name)


def choose_layers(network: Network, names: Sequence[str] = ()) -> tuple[Layer, ...]:
    """Return the layers of the given names, or else the last of each map size.

    A layer whose map does not take part in the answer, as tokens after the last attention, cannot
    be explained; one inside a module that makes the map smaller is not the last of a stage. Raises
    LensError for a name that is no layer's, or one that does not take part.
    """
    known = [layer.name for layer in network.layers]
    if unknown := [name for name in names if name not in known]:
        choices = ", ".join(known) or "none"
        raise LensError(f"There is no layer {unknown[0]!a} with a map: choose of {choices}.")
    if names:
        chosen = [layer for layer in network.layers if layer.name in names]
        if useless := [layer.name for layer in chosen if not _takes_part(network, layer)]:
            raise LensError(
                f"The answer does not depend on the map of {useless[0]}: choose others."
            )
        return tuple(chosen)
    last: dict[int, Layer] = {}
    for layer in reversed(network.layers):
        inside = any(
            layer.name.startswith(f"{outer.name}.") and layer.size != outer.size
            for outer in network.layers
        )
        if layer.size not in last and not inside and _takes_part(network, layer):
            last[layer.size] = layer
    return tuple(layer for layer in network.layers if last.get(layer.size) is layer)


def _takes_part(network: Network, layer: Layer) -> bool:
    """Return whether a layer's map changes the answers for random images.

    Of an ONNX network, which has no gradients, the author's word is taken.
    """
    if isinstance(network, OnnxNetwork):
        return True
    images = torch.randn(PROBES, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps, rest = network.cut(images, layer.name)
    with torch.enable_grad():
        maps = maps.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(rest(maps).sum(0)[0], maps)
    return bool(gradient.abs().max() > 0)


def _config(found: Found, layers: tuple[Layer, ...], title: str, source: str) -> dict:
    """Return the content of `config.json`."""
    config = {
        "format_version": FORMAT_VERSION,
        "network": found.kind,
        "title": title,
        "source": source,
        "classes": list(CLASSES),
        "parameters": found.parameters,
        "preprocessing": found.network.preprocessing.record(),
        "layers": [asdict(layer) for layer in layers],
    }
    if found.kind == GRAPH:
        config["graph_sha256"] = hashlib.sha256(found.files[graph.FILE]).hexdigest()
    return config
