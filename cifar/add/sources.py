"""Find the network that a source names, as a PyTorch module in evaluation mode.

    my_net.py:Net              a class, function or module of a Python file
    package.module:factory     of an installed package, or of the current folder
    torchvision:resnet18       torchvision's, with ten classes; needs weights
    timm:resnet18              timm's with its published weights
    hf-hub:USER/NAME           timm's that somebody put on the Hugging Face Hub

A Python file is the user's own code, run by the user's own command. The app runs none: it reads the
graph that `trace` makes of it.
"""

import ast
import importlib
import importlib.util
import pickle
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from cifar import CLASSES, LensError
from cifar.files import read_json
from cifar.models import hub

# Keys of training checkpoints that hold the weights.
STATE_KEYS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights")
# Files of a repository on the Hub, the better one first.
HUB_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
# Put before the names of weights by wrappers of a module.
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")


class SourceError(LensError):
    """Source that names no network, or weights that do not fit; the message says what to do."""


def find(source: str, arguments: Sequence[str] = (), weights: Path | None = None) -> nn.Module:
    """Return the network that a source names, with weights.

    arguments: of the class or function, KEY=VALUE each. weights: a .safetensors file, or one that
    torch.save wrote; the network's own if left out. Raises SourceError.
    """
    kind, _, name = source.rpartition(":")
    keywords = _keywords(arguments)
    if kind == "torchvision":
        module = _of_torchvision(name, keywords)
    elif kind == "timm":
        module = _of_timm(name, keywords, pretrained=weights is None)
    elif kind == "hf-hub":
        module, published = _of_hub(name, keywords)
        weights = weights or published
    elif kind and name.isidentifier():
        module = _of_python(kind, name, keywords)
    else:
        raise SourceError(
            f"{source!a} is no source: name FILE.py:CLASS, PACKAGE.MODULE:FUNCTION, "
            "torchvision:NAME, timm:NAME, hf-hub:USER/NAME, FILE.onnx or a checkpoint's folder."
        )
    if weights is not None:
        load_weights(module, weights)
    return module.eval()


def is_checkpoint(source: str) -> bool:
    """Return whether a source is a checkpoint's folder, or its name on the Hub."""
    is_name = hub.looks_like_a_name(source) and ":" not in source and not Path(source).exists()
    return (Path(source) / "config.json").is_file() or is_name


def load_weights(module: nn.Module, path: Path) -> None:
    """Load weights into a module. Raises SourceError for a broken file, and if they do not fit."""
    found = _without_prefix(_state(path), module)
    _fit_stem(module, found)
    expected = module.state_dict()
    optional = {name for name in expected if name.endswith("num_batches_tracked")}
    for problem, names in (
        ("lacks", expected.keys() - found.keys() - optional),
        ("has unknown", found.keys() - expected.keys()),
    ):
        if names:
            first = ", ".join(sorted(names)[:3]) + (
                f" and {len(names) - 3} more" * (len(names) > 3)
            )
            raise SourceError(f"{path} {problem} {first}: these weights are of another network.")
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            raise SourceError(
                f"{path}: {name} has shape {tuple(tensor.shape)} instead of "
                f"{tuple(expected[name].shape)}: these weights are of another network."
            )
        if not torch.isfinite(tensor).all():
            raise SourceError(f"{path}: {name} holds NaN or infinity.")
    module.load_state_dict(found, strict=False)


def _keywords(arguments: Sequence[str]) -> dict[str, Any]:
    keywords = {}
    for argument in arguments:
        key, equals, text = argument.partition("=")
        if not equals or not key.isidentifier():
            raise SourceError(f"{argument!a} is no argument: write KEY=VALUE, such as depth=20.")
        try:
            keywords[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError):  # a word
            keywords[key] = text
    return keywords


def _of_python(place: str, name: str, keywords: dict[str, Any]) -> nn.Module:
    """Return the network that a Python file or module defines."""
    try:
        code = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    except SourceError:
        raise
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise SourceError(f"{place} cannot be imported: {_described(error)}.") from error
    if not hasattr(code, name):
        known = ", ".join(key for key, value in vars(code).items() if _is_network(value)) or "none"
        raise SourceError(f"{place} has no {name}; its networks: {known}.")
    return _create(f"{place}:{name}", getattr(code, name), keywords)


def _import_file(path: Path) -> Any:
    if not path.is_file():
        raise SourceError(f"There is no file {path}.")
    sys.path.insert(0, str(path.parent.resolve()))  # as Python itself does for a script
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SourceError(f"{path} is no Python file.")
    code = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = code  # dataclasses look their module up
    spec.loader.exec_module(code)
    return code


def _import_module(name: str) -> Any:
    sys.path.insert(0, "")
    return importlib.import_module(name)


def _of_torchvision(name: str, keywords: dict[str, Any]) -> nn.Module:
    from torchvision import models

    if name not in models.list_models():
        raise SourceError(f"torchvision has no classifier {name!a}; it has {models.list_models()}.")
    factory = models.get_model_builder(name)
    return _create(f"torchvision:{name}", factory, {"num_classes": len(CLASSES)} | keywords)


def _of_timm(name: str, keywords: dict[str, Any], *, pretrained: bool) -> nn.Module:
    try:
        import timm
    except ImportError as error:
        raise SourceError(
            "timm is not installed: run `pip install timm` and then this command again."
        ) from error
    # Published weights have as many classes as they have; ten are asked for only with own weights.
    classes = {} if pretrained else {"num_classes": len(CLASSES)}

    def create(**options: Any) -> nn.Module:
        return timm.create_model(name, pretrained=pretrained, **options)

    return _create(f"timm:{name}", create, classes | keywords)


def _of_hub(name: str, keywords: dict[str, Any]) -> tuple[nn.Module, Path]:
    """Return a network of timm's that a repository describes, and the file of its weights.

    The keyword architecture replaces the one of the repository.
    """
    snapshot = hub.snapshot(hub.parse(name), ("config.json", *HUB_WEIGHTS))
    config = read_json(snapshot.folder / "config.json")
    files = [snapshot.folder / file for file in HUB_WEIGHTS]
    weights = next((file for file in files if file.is_file()), None)
    architecture = keywords.pop("architecture", config.get("architecture"))
    given = config.get("model_args", {})
    if weights is None or not isinstance(architecture, str) or not isinstance(given, dict):
        raise SourceError(
            f"{snapshot} is no network of timm's: it lacks an architecture in its config.json, or "
            f"its weights ({' or '.join(HUB_WEIGHTS)})."
        )
    options = {"num_classes": config.get("num_classes", len(CLASSES))} | given | keywords
    try:
        return _of_timm(architecture, options, pretrained=False), weights
    except SourceError as error:
        raise SourceError(
            f"{str(error)[:-1]}; architecture=NAME chooses another one of timm's."
        ) from error


def _fit_stem(module: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Give a ResNet for photographs the small first layer that its weights were trained with.

    For images of 32x32 pixels, its first filters of 7x7 are usually replaced by 3x3 ones with
    stride 1, and its max-pooling by nothing. The shape of the weights tells.
    """
    conv, pool = getattr(module, "conv1", None), getattr(module, "maxpool", None)
    filters = state.get("conv1.weight")
    if (
        isinstance(conv, nn.Conv2d)
        and isinstance(pool, nn.MaxPool2d)
        and conv.kernel_size == (7, 7)
        and filters is not None
        and filters.shape[2:] == (3, 3)
    ):
        with_bias = conv.bias is not None
        module.conv1 = nn.Conv2d(3, conv.out_channels, 3, padding=1, bias=with_bias)
        module.maxpool = nn.Identity()
        print("Its first filters are 3x3: stride 1 and no max-pooling, as usual for CIFAR-10.")


def _is_network(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module)


def _create(place: str, factory: Any, keywords: dict[str, Any]) -> nn.Module:
    """Return a module, or what a class or function returns."""
    if isinstance(factory, nn.Module):
        return factory
    if not isinstance(factory, Callable):  # type: ignore[arg-type]
        raise SourceError(f"{place} is no network and no function that returns one.")
    try:
        module = factory(**keywords)
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise SourceError(f"{place} cannot be created: {_described(error)}.") from error
    if not isinstance(module, nn.Module):
        raise SourceError(f"{place} returns {type(module).__name__} instead of a torch.nn.Module.")
    return module


def _state(path: Path) -> dict[str, torch.Tensor]:
    """Return the weights in a file by name."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings(action="ignore"):  # of pickle's version: see the errors
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise SourceError(
            f"{path} holds more than tensors, which could run code, or is damaged. If you trust "
            f"it, load it in Python and save its weights alone: "
            "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')."
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, SafetensorError) as error:
        raise SourceError(f"{path} cannot be read: {_described(error)}.") from error
    for candidate in (content, *_nested(content)):
        if (
            isinstance(candidate, dict)
            and candidate
            and all(
                isinstance(key, str) and isinstance(value, torch.Tensor)
                for key, value in candidate.items()
            )
        ):
            return dict(candidate)
    raise SourceError(
        f"{path} holds no weights: neither a dict of tensors nor one under any of the keys "
        f"{', '.join(STATE_KEYS)}."
    )


def _nested(content: Any) -> list[Any]:
    return [content[key] for key in STATE_KEYS if isinstance(content, dict) and key in content]


def _without_prefix(state: dict[str, torch.Tensor], module: nn.Module) -> dict[str, torch.Tensor]:
    """Remove the prefixes that wrappers put before all names, unless the module has them too."""
    expected = module.state_dict().keys()
    while not expected & state.keys():
        prefix = next((p for p in PREFIXES if all(name.startswith(p) for name in state)), None)
        if prefix is None:
            break
        state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def _described(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}{': ' + lines[0][:200].rstrip('.') if lines else ''}"
