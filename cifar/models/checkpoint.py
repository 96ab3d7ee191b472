"""Checkpoint folders: a network's `model.safetensors`, `config.json`, metrics and predictions.

The folder is local, or USER/NAME@REVISION names one on the Hugging Face Hub. Reading is strict:
another format version, network, class list, normalization, tensor name or shape, or a broken file
raises an error that names it. Nothing is unpickled. PyTorch is imported only when the network
itself is needed.
"""

import math
import os
import reprlib
import shlex
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cifar import CLASSES, PROJECT
from cifar.files import (
    FileError,
    read_json,
    read_json_lines,
    sha256_of,
    write_json,
    write_json_lines,
)
from cifar.models import hub, records
from cifar.models.errors import CheckpointError
from cifar.models.facts import GRAPH, LAYERS, MEAN, ONNX, SIZE, STD, TITLES, Layer, added_layers
from cifar.models.hub import Snapshot

if TYPE_CHECKING:
    from cifar.models.network import Network
    from cifar.models.staged import Staged

FORMAT_VERSION = 1
# What the networks of this project expect of images.
OWN_PREPROCESSING = {"mean": list(MEAN), "std": list(STD), "input_size": SIZE}
ROOT = PROJECT / "checkpoints"
ANY_FOLDER = "FOLDER"  # replaces a local path in published text
# The files of a checkpoint; the first two are required.
FILES = (
    "config.json",
    "model.safetensors",
    "graph.json",
    "network.onnx",
    "history.jsonl",
    "metrics.json",
    "predictions.npz",
    "neighbors.parquet",
    "README.md",
)


@dataclass(frozen=True)
class Checkpoint:
    """A network with its config and metrics.

    config, metrics: the contents of `config.json` and `metrics.json`; metrics are empty before the
    first evaluation. sha256: of the weights file, to which metrics and predictions are bound.
    snapshot: its source on the Hub; None for a local folder. device: of the network. module: the
    network, if it is in memory already.
    """

    path: Path
    config: dict
    metrics: dict
    sha256: str
    snapshot: Snapshot | None = None
    device: str = "cpu"
    module: "Network | None" = None

    @cached_property
    def model(self) -> "Network":
        """The network in evaluation mode with float32 weights, read on first use.

        Raises CheckpointError for weights that do not fit the network.
        """
        from cifar.models.weights import load_network

        if self.module is not None:
            return self.module
        weights = self.path / weights_file(self.config)
        if _sha256(weights) != self.sha256:
            raise CheckpointError(f"{weights} has changed since it was read: start again.")
        model = load_network(self.path, self.config, self.device)
        if self.network != ONNX:
            count = sum(parameter.numel() for parameter in model.parameters())
            _expect(self.path / "config.json", self.config, "parameters", count)
        return model

    @property
    def network(self) -> str:
        """A key of NETWORKS, or GRAPH or ONNX for a brought network."""
        return self.config["network"]

    @property
    def title(self) -> str:
        """The network's name for people: 'ResNet'."""
        return title(self.config)

    @property
    def training(self) -> dict | None:
        """Facts about the training run, as `records.Run`; None for a brought network."""
        return self.config.get("training")

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of the network, first to last."""
        if self.network in LAYERS:
            return LAYERS[self.network]
        return added_layers(self.config)

    @property
    def temperature(self) -> float:
        """The divisor of the logits; 1 (no calibration) before the first evaluation."""
        return self.metrics.get("temperature", 1.0)

    def calibrated_for(self, kind: str) -> "Checkpoint":
        """Return the network with the temperature and thresholds for a kind of `pictures.Seen`.

        Those measured on photographs are for pictures that were cut or scaled. For images of 32x32
        pixels, and if the checkpoint was not measured on photographs, it is the checkpoint itself.
        """
        if kind == "image" or "photographs" not in self.metrics:
            return self
        fitted = self.measured["photographs"]["views"][kind]["fitted"]
        metrics = self.metrics | {
            "temperature": fitted["temperature"],
            "ood": self.metrics["ood"] | {"threshold": fitted["ood_threshold"]},
            "unsure": self.metrics["unsure"] | {"below": fitted["unsure_below"]},
        }
        return replace(self, metrics=metrics, module=self.model)

    @cached_property
    def measured(self) -> dict:
        """The metrics, all of them, as `records.Metrics`.

        Raises CheckpointError before the first evaluation, and if one is missing or invalid.
        """
        advice = f"run `python -m cifar evaluate {self.place}`."
        if not self.metrics:
            raise CheckpointError(f"{self.path} was not measured yet: {advice}")
        try:
            records.check(self.path / "metrics.json", self.metrics, records.Metrics)
        except CheckpointError as error:
            raise CheckpointError(f"{str(error)[:-1]}; {advice}") from error
        return self.metrics

    @property
    def accuracy(self) -> float:
        """Plain accuracy on the test images, 0 to 1.

        Raises CheckpointError if it is unknown.
        """
        return self.measured["test"]["accuracy"]["value"]

    @property
    def name(self) -> str:
        """Name of the folder, or USER/NAME@REVISION on the Hub."""
        return self.path.name if self.snapshot is None else str(self.snapshot.name)

    @property
    def place(self) -> str:
        """Argument for local commands: the name, or the path of a folder outside `checkpoints/`."""
        return self.name if self.snapshot else _place(self.path)

    @property
    def place_for_others(self) -> str:
        """Argument for published commands: as `place`, but ANY_FOLDER instead of a local path."""
        return self.name if self.snapshot or self.is_own else ANY_FOLDER

    @property
    def is_own(self) -> bool:
        """Whether the folder is one of the project's, in `checkpoints/`."""
        return self.snapshot is None and _is_own(self.path)

    @property
    def origin(self) -> str:
        """Commit and weights sha256 of a checkpoint on the Hub; empty for a local one."""
        return f"{self.snapshot}, weights sha256 {self.sha256}" if self.snapshot else ""


def load(name: str | Path, device: str = "cpu", *, measured: bool = True) -> Checkpoint:
    """Read a checkpoint with its weights by its name, its path or its name on the Hub.

    A Path is never a name. measured: False ignores `metrics.json`, for an evaluation that is about
    to replace it. Raises CheckpointError for an invalid folder, HubError if the download fails.
    """
    ckpt = read(name, device, measured=measured)
    try:
        _ = ckpt.model
    except CheckpointError as error:
        raise _with_hub_name(ckpt.snapshot, error) from error
    return ckpt


def read(name: str | Path, device: str = "cpu", *, measured: bool = True) -> Checkpoint:
    """Read a checkpoint as `load` does, but its weights on first use."""
    source = _find(name)
    snapshot, folder = (source, source.folder) if isinstance(source, Snapshot) else (None, source)
    try:
        config = _read_config(folder)
        sha256 = _sha256(folder / weights_file(config))
        place = str(snapshot.name) if snapshot else _place(folder)
        metrics = _read_metrics(folder, sha256, place) if measured else {}
    except FileError as error:
        raise _with_hub_name(snapshot, error) from error
    return Checkpoint(folder, config, metrics, sha256, snapshot, device)


def _sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error


def _with_hub_name(snapshot: Snapshot | None, error: FileError) -> CheckpointError:
    """Prefix an error, which names a folder of the cache, with the name on the Hub."""
    prefix = f"{snapshot} is no checkpoint that can be used: " if snapshot else ""
    return CheckpointError(f"{prefix}{error}")


def _read_config(folder: Path) -> dict:
    path = folder / "config.json"
    config = read_json(path)
    for key, expected in {
        "format_version": FORMAT_VERSION,
        "classes": list(CLASSES),
        **({} if config.get("network") in (GRAPH, ONNX) else OWN_PREPROCESSING),
    }.items():
        _expect(path, config, key, expected)
    network = config.get("network")
    if network in (GRAPH, ONNX):
        records.check(path, config, records.AddedConfig)
        if network == GRAPH and _sha256(folder / "graph.json") != config.get("graph_sha256"):
            raise CheckpointError(f"{folder}/graph.json is not the one that {path} was made with.")
        return config
    if not isinstance(network, str) or network not in LAYERS:
        known = " or ".join((*LAYERS, GRAPH, ONNX))
        raise CheckpointError(
            f"{path}: There is no network {reprlib.repr(network)}: choose {known}."
        )
    records.check(path, config, records.Config)
    return config


def _expect(path: Path, config: dict, key: str, expected: object) -> None:
    """Raise CheckpointError unless a value of `config.json` is the expected one."""
    if config.get(key) != expected:
        raise CheckpointError(
            f"{path}: {key} is {reprlib.repr(config.get(key))} instead of {expected!r}."
        )


def _read_metrics(folder: Path, sha256: str, place: str) -> dict:
    path = folder / "metrics.json"
    if not path.exists():
        return {}
    metrics = read_json(path)
    if metrics.get("weights_sha256") != sha256:
        raise CheckpointError(
            f"{path} was measured on other weights: run `python -m cifar evaluate {place}`."
        )
    temperature = metrics.get("temperature", 1.0)
    if type(temperature) not in (int, float) or not 0 < temperature < math.inf:
        raise CheckpointError(
            f"{path}: temperature is {reprlib.repr(temperature)} instead of a positive number: run "
            f"`python -m cifar evaluate {place}`."
        )
    return metrics


def weights_file(config: dict) -> str:
    """Return the name of the file whose sha256 predictions and metrics are bound to."""
    return "network.onnx" if config["network"] == ONNX else "model.safetensors"


def files_of(config: dict) -> tuple[str, ...]:
    """Return the names of all files of an evaluated checkpoint."""
    other = {GRAPH: {"network.onnx"}, ONNX: {"graph.json", "model.safetensors"}}
    absent = other.get(config["network"], {"graph.json", "network.onnx"})
    absent = absent if "training" in config else absent | {"history.jsonl"}
    return tuple(name for name in FILES if name not in absent)


def title(config: dict) -> str:
    """Return the name for people of the network that a `config.json` describes."""
    return TITLES.get(config["network"]) or config["title"]


def read_history(folder: Path) -> list[dict]:
    """Return the lines of `history.jsonl`, as `records.Epoch`, one an epoch.

    Raises FileError if one is missing or invalid.
    """
    path = folder / "history.jsonl"
    lines = read_json_lines(path)
    for line in lines:
        records.check(path, line, records.Epoch)
    return lines


def save(
    folder: Path, model: "Staged", *, network: str, recipe: dict, training: dict, history: list
) -> None:
    """Write weights (filters as float16, batch norm as float32), config and history."""
    from cifar.models.weights import save_weights

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "format_version": FORMAT_VERSION,
        "network": network,
        "classes": list(CLASSES),
        **OWN_PREPROCESSING,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "recipe": recipe,
        "training": training,
    }
    save_weights(folder / "model.safetensors", model)
    write_json(folder / "config.json", config)
    write_json_lines(folder / "history.jsonl", history)


def available() -> list[str]:
    """Return the names of the checkpoints in this project, in alphabetical order."""
    names = (path.parent.name for path in ROOT.glob("*/config.json"))
    return sorted(name for name in names if not name.startswith("."))  # one that is being added


def find_own(name: str | Path) -> Path:
    """Return the local folder of a checkpoint, to write into it, by its name or path.

    Raises CheckpointError if there is none or if the checkpoint is on the Hub.
    """
    if folder := _find_local(name):
        return folder
    if not _is_hub_name(name):
        raise _unknown_checkpoint(name)
    hub_name = hub.parse(str(name))
    copy = f".{os.sep}{hub_name.repo_id.partition('/')[2]}"
    raise CheckpointError(
        f"{name} is on the Hub, and results are written beside the weights: copy it "
        f"first, with `hf download {hub_name.repo_id} --revision {hub_name.revision} --local-dir "
        f"{copy}`, and name {copy} instead."
    )


def name_for_others(name: str) -> str:
    """Return a checkpoint's name for publication, with ANY_FOLDER instead of a local path."""
    return name if os.sep not in name or _is_hub_name(name) else ANY_FOLDER


def _find(name: str | Path) -> Path | Snapshot:
    """Return a local folder or, if there is none, a snapshot from the Hub."""
    if folder := _find_local(name):
        return folder
    if not _is_hub_name(name):
        raise _unknown_checkpoint(name)
    snapshot = hub.snapshot(hub.parse(str(name)), FILES)
    if not (snapshot.folder / "config.json").is_file():
        raise CheckpointError(f"{snapshot} is no checkpoint: it has no config.json.")
    return snapshot


def _find_local(name: str | Path) -> Path | None:
    """Return a local folder; for a name that is no path (./resnet), first one of the project."""
    path = Path(name)
    is_path = isinstance(name, Path) or os.sep in name
    for folder in (path,) if is_path else (ROOT / path, path):
        if (folder / "config.json").is_file():
            return folder
    return None


def _is_own(folder: Path) -> bool:
    return folder.parent.resolve() == ROOT.resolve()


def _place(folder: Path) -> str:
    """Return the `Checkpoint.place` of a local folder."""
    if _is_own(folder):
        return folder.name
    path = str(folder)
    return shlex.quote(path if os.sep in path else f".{os.sep}{path}")


def _unknown_checkpoint(name: str | Path) -> CheckpointError:
    known = ", ".join(available()) or "none yet"
    return CheckpointError(
        f"There is no checkpoint {str(name)!r} (in this project: {known}), and a name on the Hub "
        "is USER/NAME or USER/NAME@REVISION."
    )


def _is_hub_name(name: str | Path) -> bool:
    """Return whether a name can only mean a checkpoint on the Hub: nothing local has it."""
    return hub.looks_like_a_name(str(name)) and not Path(name).exists()
