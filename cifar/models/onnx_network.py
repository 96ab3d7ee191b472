"""A network in an ONNX file, `network.onnx`, that onnxruntime runs: its outputs alone are known.

It can be explained by occlusion, as everything else that only asks for answers, and by the methods
that need no gradients where the file gives out a layer's map. No code of its author is run.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch

from cifar import LensError
from cifar.models.errors import CheckpointError
from cifar.models.facts import Layer
from cifar.models.network import Network, Rest
from cifar.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from onnx import GraphProto
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

FILE = "network.onnx"


class OnnxNetwork(Network):
    """A network of which onnxruntime computes logits, features and the maps of some layers.

    content: of the file, whose outputs are the network's, (N, 10), the features, (N, D), and the
    maps of layers, (N, C, h, w), by their names. place: names it in errors. Raises LensError
    without onnxruntime, CheckpointError for another file.
    """

    def __init__(
        self, content: bytes, preprocessing: Preprocessing, place: str, layers: tuple[Layer, ...]
    ) -> None:
        super().__init__()
        self.preprocessing, self.layers = preprocessing, layers
        self.session = _session(content, place)
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        self.names = [output.name for output in outputs]
        known = [layer.name for layer in layers]
        if len(inputs) != 1 or len(outputs) < 2 or not set(known) <= set(self.names[2:]):
            raise CheckpointError(
                f"{place} has {len(inputs)} inputs and the outputs {', '.join(self.names)} instead "
                f"of the images, and logits, features and {', '.join(known) or 'no maps'}."
            )
        (images,) = inputs
        self.input = images.name
        # onnxruntime's names of types: "tensor(float16)".
        self.dtype = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16}.get(
            images.type
        )
        if self.dtype is None:
            raise CheckpointError(f"{place} takes {images.type} instead of floating-point numbers.")
        self.batch = images.shape[0] if isinstance(images.shape[0], int) else None

    @property
    def device(self) -> torch.device:
        """The device that onnxruntime computes on."""
        return torch.device("cpu")

    def outputs(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (N, 10) and features (N, D)."""
        outputs, features = self._run(x, self.names[:2])
        return self.preprocessing.logits(outputs), features.flatten(1)

    def with_maps(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return logits, features and the last layer's map. Raises ValueError without layers."""
        if not self.layers:
            raise ValueError("This network has no layers whose maps are known.")
        outputs, features, maps = self._run(x, [*self.names[:2], self.layers[-1].name])
        return self.preprocessing.logits(outputs), features.flatten(1), maps

    def cut(self, x: torch.Tensor, name: str) -> tuple[torch.Tensor, Rest]:
        """Return a layer's map; the function raises ValueError: the rest cannot be run alone."""

        def rest(maps: torch.Tensor) -> torch.Tensor:
            raise ValueError("An ONNX network cannot be run from a layer on.")

        return self._run(x, [self.layer(name).name])[0], rest

    def _run(self, x: torch.Tensor, names: list[str]) -> list[torch.Tensor]:
        """Compute outputs by name, in batches of the size that the file fixes, if it does."""
        images = self.preprocessing.images(x.cpu()).to(self.dtype).contiguous().numpy()
        size = self.batch or len(images)
        parts = []
        for start in range(0, len(images), size):
            batch = images[start : start + size]
            missing = np.repeat(batch[:1], size - len(batch), axis=0)
            outputs = self.session.run(names, {self.input: np.concatenate([batch, missing])})
            parts.append([values[: len(batch)] for values in outputs])
        return [
            torch.from_numpy(np.concatenate(values)).float() for values in zip(*parts, strict=True)
        ]


def _session(content: bytes, place: str) -> "InferenceSession":
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise LensError(
            "A network in an ONNX file needs onnxruntime: run `pip install onnxruntime` and then "
            "this command again."
        ) from error
    try:
        if _keeps_elsewhere(onnx.load_model_from_string(content).graph):  # in any file here
            raise ValueError("it keeps weights in another file")
        return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(f"{place} cannot be read as ONNX: {first}.") from error


def _keeps_elsewhere(graph: "GraphProto") -> bool:
    """Return whether a graph, or one inside it, has weights in another file."""
    attributes = [item for node in graph.node for item in node.attribute]
    tensors = [*graph.initializer, *(one for item in attributes for one in (item.t, *item.tensors))]
    inside = [one for item in attributes for one in (item.g, *item.graphs) if one.node]
    return any(one.external_data for one in tensors) or any(map(_keeps_elsewhere, inside))
