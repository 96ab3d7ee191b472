"""Bring a network: `python -m cifar add NAME SOURCE` writes an evaluated checkpoint of it.

    python -m cifar add mine my_net.py:Net --weights weights.pt

The network is found (`sources`), traced (`trace`), asked what it expects (`conventions`) and
evaluated as the project's own. The checkpoint holds its graph and its weights; the app runs none of
its code.
"""

import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save as serialize

from cifar import CLASSES, LensError
from cifar.add import conventions, sources
from cifar.add.trace import Traced, trace
from cifar.data import cifar10
from cifar.evaluation.evaluate import evaluate
from cifar.files import fill_folder, sha256_of, write_json
from cifar.models import checkpoint, graph
from cifar.models.checkpoint import FORMAT_VERSION, Checkpoint
from cifar.models.facts import GRAPH, SIZE, TITLES, Layer
from cifar.models.graph import GraphNetwork
from cifar.models.preprocessing import Preprocessing

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}")
PROBES = 8  # images whose gradients show whether a layer takes part in the answer


@dataclass(frozen=True)
class Wanted:
    """What the user says about a network. preprocessing: what is known of it. fixed: its mean and
    deviation are known. layers: names of those to explain; features: the name of the layer whose
    output are the features; both are found if left out. title: for people; the name if left out.
    """

    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    fixed: bool = False
    layers: tuple[str, ...] = ()
    features: str = ""
    title: str = ""


def add(
    name: str,
    source: str,
    arguments: Sequence[str] = (),
    weights: Path | None = None,
    wanted: Wanted = Wanted(),
    data: Path | None = None,
) -> Checkpoint:
    """Add a network under a name, and return its evaluated checkpoint.

    source, arguments, weights: see `sources.find`. data: the training images, as for
    `cifar10.load`. Raises LensError; nothing is left behind.
    """
    folder = free_folder(name)
    val = cifar10.load("val", data)  # first: without it, all of the rest is in vain
    module = sources.find(source, arguments, weights)
    traced = _trace(module, wanted)
    network = _network(traced, wanted.preprocessing, traced.layers)
    trials = conventions.search(network, val, wanted.preprocessing, fixed=wanted.fixed)
    print("It expects", *trials, sep="\n  ")
    network.preprocessing = trials[0].preprocessing
    layers = choose_layers(network, wanted.layers)
    print("Layers for heat maps:", ", ".join(layer.title for layer in layers) or "none")

    def write(partial: Path) -> None:
        _save(partial, traced, trials[0].preprocessing, layers, wanted.title or name, source)
        words = ["python", "-m", "cifar", "add", name, source, *arguments]
        evaluate(partial, data, shlex.join(words))

    fill_folder(folder, write)
    return checkpoint.read(name)


def free_folder(name: str) -> Path:
    """Return the folder for a new checkpoint.

    Raises LensError for a name that is taken, and for what is no name.
    """
    if not NAME.fullmatch(name):
        raise LensError(
            f"{name!a} is no name: choose up to 30 small letters, digits, - and _, such as my-net."
        )
    folder = checkpoint.ROOT / name
    if folder.exists():
        raise LensError(
            f"There is a checkpoint {name} already: choose another name, or remove it first "
            f"(python -m cifar remove {name})."
        )
    return folder


def remove(name: str) -> None:
    """Remove a brought network. Raises LensError for another checkpoint."""
    if name not in checkpoint.available():
        known = ", ".join(checkpoint.available())
        raise LensError(f"There is no checkpoint {name!a} in {checkpoint.ROOT}: there are {known}.")
    if name in TITLES:
        raise LensError(f"{name} is part of the project: delete checkpoints/{name} if you mean it.")
    shutil.rmtree(checkpoint.ROOT / name)


def _trace(module: torch.nn.Module, wanted: Wanted) -> Traced:
    side = wanted.preprocessing.size
    shapes = {"NCHW": (3, side, side), "NHWC": (side, side, 3)}
    return trace(module, shapes[wanted.preprocessing.layout], wanted.features)


def _network(
    traced: Traced, preprocessing: Preprocessing, layers: tuple[Layer, ...]
) -> GraphNetwork:
    network = GraphNetwork(traced.graph, preprocessing, layers)
    network.load_state_dict(traced.weights)
    return network.eval().requires_grad_(False)


def choose_layers(network: GraphNetwork, names: Sequence[str] = ()) -> tuple[Layer, ...]:
    """Return the layers of the given names, or else the last of each map size.

    A layer whose map does not take part in the answer, as tokens after the last attention, cannot
    be explained. Raises LensError for a name that is no layer's, or one that does not take part.
    """
    takes_part = {layer.name: layer for layer in network.layers}
    if unknown := [name for name in names if name not in takes_part]:
        known = ", ".join(takes_part) or "none"
        raise LensError(f"There is no layer {unknown[0]!a} with a map: choose of {known}.")
    if names:
        chosen = [layer for layer in network.layers if layer.name in names]
        if useless := [layer.name for layer in chosen if not _takes_part(network, layer)]:
            raise LensError(
                f"The answer does not depend on the map of {useless[0]}: choose others."
            )
        return tuple(chosen)
    last: dict[int, Layer] = {}
    for layer in reversed(network.layers):
        if layer.size not in last and _takes_part(network, layer):
            last[layer.size] = layer
    return tuple(layer for layer in network.layers if last.get(layer.size) is layer)


def _takes_part(network: GraphNetwork, layer: Layer) -> bool:
    """Return whether a layer's map changes the answers for random images."""
    images = torch.randn(PROBES, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps, rest = network.cut(images, layer.name)
    with torch.enable_grad():
        maps = maps.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(rest(maps).sum(0)[0], maps)
    return bool(gradient.abs().max() > 0)


def _save(
    folder: Path,
    traced: Traced,
    preprocessing: Preprocessing,
    layers: tuple[Layer, ...],
    title: str,
    source: str,
) -> None:
    """Write graph, weights and config of a checkpoint."""
    write_json(folder / graph.FILE, traced.graph)
    weights = {name: tensor.contiguous() for name, tensor in traced.weights.items()}
    (folder / "model.safetensors").write_bytes(serialize(weights))
    config = {
        "format_version": FORMAT_VERSION,
        "network": GRAPH,
        "title": title,
        "source": source,
        "classes": list(CLASSES),
        "parameters": traced.parameters,
        "preprocessing": preprocessing.record(),
        "layers": [asdict(layer) for layer in layers],
        "graph_sha256": sha256_of(folder / graph.FILE),
    }
    write_json(folder / "config.json", config)
