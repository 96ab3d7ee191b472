"""A network in an ONNX file, `network.onnx`, that onnxruntime runs: its outputs alone are known.

Without gradients and maps, it can be explained by occlusion, as everything else that only asks for
answers. No code of its author is run.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch

from cifar import LensError
from cifar.models.errors import CheckpointError
from cifar.models.facts import NO_LAYERS
from cifar.models.network import Network, Rest
from cifar.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from onnx import GraphProto
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

FILE = "network.onnx"


class OnnxNetwork(Network):
    """A network of which onnxruntime computes logits and features.

    content: of the file, whose outputs are the network's, (N, 10), and the features, (N, D). place:
    names it in errors. Raises LensError without onnxruntime, CheckpointError for another file.
    """

    layers = ()

    def __init__(self, content: bytes, preprocessing: Preprocessing, place: str) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.session = _session(content, place)
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        if (len(inputs), len(outputs)) != (1, 2):
            raise CheckpointError(
                f"{place} has {len(inputs)} inputs and {len(outputs)} outputs instead of the "
                "images, and logits and features."
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
        images = self.preprocessing.images(x.cpu()).to(self.dtype).contiguous().numpy()
        size = self.batch or len(images)
        parts = [self._run(images[k : k + size], size) for k in range(0, len(images), size)]
        outputs, features = (
            torch.from_numpy(np.concatenate(values)).float() for values in zip(*parts, strict=True)
        )
        return self.preprocessing.logits(outputs), features.flatten(1)

    def with_maps(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Raise ValueError: there are no layers."""
        raise ValueError(NO_LAYERS)

    def cut(self, x: torch.Tensor, name: str) -> tuple[torch.Tensor, Rest]:
        """Raise ValueError: there are no layers."""
        raise ValueError(NO_LAYERS)

    def _run(self, images: np.ndarray, size: int) -> list[np.ndarray]:
        """Run a batch; one that is smaller than the fixed size is filled up."""
        missing = size - len(images)
        filled = np.concatenate([images, np.repeat(images[:1], missing, axis=0)])
        outputs = self.session.run(None, {self.input: filled})
        return [values[: len(images)] for values in outputs]


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
