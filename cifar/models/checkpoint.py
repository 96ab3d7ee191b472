"""A trained network as a folder: `model.safetensors`, `config.json` and what was measured of it.

The folder is one of this computer, or one that USER/NAME@REVISION names on the Hugging Face Hub.
Reading is strict: another format version, network, class list, normalisation, tensor name, shape
or a broken file is an error that names it. Nothing is ever unpickled.
"""

import dataclasses
import hashlib
import json
import math
import os
import reprlib
import shlex
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialize
from torch import nn

from cifar import CLASSES, PROJECT, LensError
from cifar.models import hub
from cifar.models.hub import Snapshot
from cifar.models.networks import MEAN, STD, Staged, create_model

FORMAT_VERSION = 1
ROOT = PROJECT / "checkpoints"
ANY_FOLDER = "FOLDER"  # what others read in the place of a path of this computer
# What a checkpoint can consist of; the first two it must have.
FILES = (
    "config.json",
    "model.safetensors",
    "history.jsonl",
    "metrics.json",
    "predictions.npz",
    "neighbors.parquet",
    "README.md",
)


class CheckpointError(LensError):
    """The folder is not a checkpoint that can be used; the message names what is wrong with it."""


@dataclass(frozen=True)
class Checkpoint:
    """A network in evaluation mode with float32 weights, and what is known about it.

    metrics: the content of `metrics.json`, empty for a checkpoint that was not evaluated yet.
    sha256: that of the weights file, to which metrics and predictions are bound.
    snapshot: where on the Hub it is from; None for a folder of this computer.
    """

    path: Path
    model: Staged
    config: dict
    metrics: dict
    sha256: str
    snapshot: Snapshot | None = None

    @property
    def temperature(self) -> float:
        """What logits are divided by; 1 (no calibration) before the first evaluation."""
        return self.metrics.get("temperature", 1.0)

    def measured(self) -> dict:
        """`metrics`; raises CheckpointError for a checkpoint that was not evaluated yet."""
        if not self.metrics:
            raise CheckpointError(
                f"{self.path} was not measured yet: run `python -m cifar evaluate {self.place}`."
            )
        return self.metrics

    @property
    def accuracy(self) -> float:
        """Plain accuracy on the test images, 0 to 1; raises CheckpointError where it is unknown."""
        try:
            value = self.measured()["test"]["accuracy"]["value"]
        except (KeyError, TypeError):
            value = None
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise CheckpointError(
                f"{self.path}/metrics.json: the test accuracy is {reprlib.repr(value)} instead of "
                f"a share from 0 to 1: run `python -m cifar evaluate {self.place}`."
            )
        return value

    @property
    def name(self) -> str:
        """What people call it: the folder's name, or USER/NAME@REVISION on the Hub."""
        return self.path.name if self.snapshot is None else str(self.snapshot.name)

    @property
    def place(self) -> str:
        """What a command on this computer calls it: its name, or the path of a folder that is not
        the project's own."""
        return self.name if self.snapshot else _place(self.path)

    @property
    def place_for_others(self) -> str:
        """As `place`, for what is written down and may be published: no path of this computer."""
        return self.name if self.snapshot or self.is_own else ANY_FOLDER

    @property
    def is_own(self) -> bool:
        """Whether it is one of the project's, in `checkpoints/`."""
        return self.snapshot is None and _is_own(self.path)

    @property
    def origin(self) -> str:
        """Which commit and weights a name on the Hub stood for; empty for a local folder."""
        return f"{self.snapshot}, weights sha256 {self.sha256}" if self.snapshot else ""


def save(
    folder: Path, model: nn.Module, *, network: str, recipe: dict, training: dict, history: list
) -> None:
    """Write weights (filters as float16, batch norm as float32), config and history."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.half() if value.ndim > 1 else value).cpu().contiguous()
        for name, value in model.state_dict().items()
    }
    config = {
        "format_version": FORMAT_VERSION,
        "network": network,
        "classes": list(CLASSES),
        "mean": list(MEAN),
        "std": list(STD),
        "input_size": 32,
        "parameters": sum(p.numel() for p in model.parameters()),
        "recipe": recipe,
        "training": training,
    }
    replace(folder / "model.safetensors", lambda path: path.write_bytes(serialize(tensors)))
    write_json(folder / "config.json", config)
    write_lines(folder / "history.jsonl", history)


def find_own(name: str | Path) -> Path:
    """The folder of a checkpoint, for whoever writes into it, by its name under `checkpoints/` or
    its path. Raises CheckpointError where there is none, and for one that is on the Hub."""
    if folder := _local(name):
        return folder
    if _is_on_the_hub(name):
        wanted = hub.parse(str(name))
        copy = f".{os.sep}{wanted.repo_id.partition('/')[2]}"
        raise CheckpointError(
            f"{name} is on the Hub, and what is measured is written beside the weights: copy it "
            f"first, with `hf download {wanted.repo_id} --revision {wanted.revision} --local-dir "
            f"{copy}`, and name {copy} instead."
        )
    raise _unknown(name)


def _find(name: str | Path) -> Path | Snapshot:
    """A local folder wins over a name on the Hub."""
    if folder := _local(name):
        return folder
    if not _is_on_the_hub(name):
        raise _unknown(name)
    found = hub.snapshot(hub.parse(str(name)), FILES)
    if not (found.folder / "config.json").is_file():
        raise CheckpointError(f"{found} is no checkpoint: it has no config.json.")
    return found


def _local(name: str | Path) -> Path | None:
    """The project's own come first where it is a name, not a path such as ./resnet."""
    path = Path(name)
    is_path = isinstance(name, Path) or os.sep in name
    for folder in (path,) if is_path else (ROOT / path, path):
        if (folder / "config.json").is_file():
            return folder
    return None


def _is_own(folder: Path) -> bool:
    return folder.parent.resolve() == ROOT.resolve()


def _place(folder: Path) -> str:
    """See `Checkpoint.place`."""
    if _is_own(folder):
        return folder.name
    path = str(folder)
    return shlex.quote(path if os.sep in path else f".{os.sep}{path}")


def _unknown(name: str | Path) -> CheckpointError:
    known = ", ".join(available()) or "none yet"
    return CheckpointError(
        f"There is no checkpoint {str(name)!r} (in this project: {known}), and a name on the Hub "
        "is USER/NAME or USER/NAME@REVISION."
    )


def name_for_others(name: str) -> str:
    """What `load` was given, for what is written down and may be published, see
    `Checkpoint.place_for_others`; nothing for nothing."""
    return name if os.sep not in name or _is_on_the_hub(name) else ANY_FOLDER


def _is_on_the_hub(name: str | Path) -> bool:
    """Whether a name can only mean one on the Hub: nothing on this computer has it."""
    return hub.looks_like_a_name(str(name)) and not Path(name).exists()


def available() -> list[str]:
    """Names of the checkpoints in this project, in alphabetical order."""
    return sorted(path.parent.name for path in ROOT.glob("*/config.json"))


def load(
    name: str | Path, device: str | torch.device = "cpu", *, measured: bool = True
) -> Checkpoint:
    """Read a checkpoint by its name, path or name on the Hub; a Path is never a name.

    measured: False leaves `metrics.json` alone, for an evaluation that is about to replace it.
    Raises CheckpointError for one that cannot be trusted, HubError for one that cannot be had.
    """
    found = _find(name)
    if not isinstance(found, Snapshot):
        return _read(found, _place(found), device, measured)
    try:
        ckpt = _read(found.folder, str(found.name), device, measured)
    except CheckpointError as error:
        raise CheckpointError(f"{found} is no checkpoint that can be used: {error}") from error
    return dataclasses.replace(ckpt, snapshot=found)


def _read(folder: Path, place: str, device: str | torch.device, measured: bool) -> Checkpoint:
    config = read_json(folder / "config.json")
    for key, wanted in {
        "format_version": FORMAT_VERSION,
        "classes": list(CLASSES),
        "mean": list(MEAN),
        "std": list(STD),
        "input_size": 32,
    }.items():
        if config.get(key) != wanted:
            raise CheckpointError(
                f"{folder}/config.json: {key} is {reprlib.repr(config.get(key))} instead of "
                f"{wanted!r}."
            )
    for key in ("recipe", "training"):
        if not isinstance(config.get(key), dict):
            raise CheckpointError(f"{folder}/config.json: {key} is no JSON object.")
    try:
        model = create_model(str(config.get("network")))
    except ValueError as error:
        raise CheckpointError(f"{folder}/config.json: {error}") from error

    weights = folder / "model.safetensors"
    try:
        tensors = load_file(weights)
        sha256 = file_sha256(weights)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{weights} cannot be read: {error}.") from error
    expected = model.state_dict()
    for problem, names in (
        ("lacks", expected.keys() - tensors.keys()),
        ("has unknown", tensors.keys() - expected.keys()),
    ):
        if names:
            raise CheckpointError(f"{weights} {problem} {_some(sorted(names))}.")
    for key, value in tensors.items():
        if value.shape != expected[key].shape:
            raise CheckpointError(
                f"{weights}: {key} has shape {tuple(value.shape)} instead of "
                f"{tuple(expected[key].shape)}."
            )
        known = expected[key].dtype
        # Filters are stored in half precision.
        if value.dtype not in (known, torch.float16 if known.is_floating_point else known):
            raise CheckpointError(f"{weights}: {key} is {value.dtype}, not {known}.")
        if not value.isfinite().all():
            raise CheckpointError(f"{weights}: {key} holds NaN or infinity.")
    count = sum(p.numel() for p in model.parameters())
    if config.get("parameters") != count:
        raise CheckpointError(
            f"{folder}/config.json: parameters is {reprlib.repr(config.get('parameters'))} instead "
            f"of {count}."
        )
    model.load_state_dict(tensors)  # copies float16 into the model's float32
    model.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)

    metrics = {}
    if measured and (folder / "metrics.json").exists():
        metrics = read_json(folder / "metrics.json")
        if metrics.get("weights_sha256") != sha256:
            raise CheckpointError(
                f"{folder}/metrics.json was measured on other weights: run "
                f"`python -m cifar evaluate {place}`."
            )
        temperature = metrics.get("temperature", 1.0)
        if type(temperature) not in (int, float) or not 0 < temperature < math.inf:
            raise CheckpointError(
                f"{folder}/metrics.json: temperature is {reprlib.repr(temperature)} instead of a "
                f"positive number: run `python -m cifar evaluate {place}`."
            )
    return Checkpoint(folder, model, config, metrics, sha256)


def _some(names: list[str]) -> str:
    """The first names of a list, which may be long, as may be each of them."""
    shown = [
        name if name.isprintable() and len(name) < 80 else reprlib.repr(name) for name in names
    ]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(shown[:5]) + more


def read_lines(path: Path) -> list[dict]:
    """The lines of a `.jsonl` file. Raises CheckpointError if it cannot be read or is empty."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    if not lines:
        raise CheckpointError(f"{path} holds no line.")
    if not all(isinstance(line, dict) for line in lines):
        raise CheckpointError(f"{path} has a line that is no JSON object.")
    return lines


def file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_json(path: Path) -> dict:
    """A JSON file's content. Raises CheckpointError if it is absent or broken."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object.")
    return content


def write_json(path: Path, content: dict) -> None:
    replace(path, lambda p: p.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8"))


def write_lines(path: Path, objects: list[dict]) -> None:
    """A `.jsonl` file: one JSON object a line."""
    lines = "".join(json.dumps(line) + "\n" for line in objects)
    replace(path, lambda p: p.write_text(lines, encoding="utf-8"))


def replace(path: Path, write) -> None:
    """Write under a temporary name, then rename: a reader sees the old file or the new, whole."""
    partial = path.with_name(path.name + ".partial")
    try:
        write(partial)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())  # the rename must not reach the disk before the content
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
