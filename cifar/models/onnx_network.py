"""A network in an ONNX file, `network.onnx`, that onnxruntime runs: its outputs alone are known.

Without gradients and maps, it can be explained by occlusion, as everything else that only asks for
answers. No code of its author is run.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch

from cifar import LensError
from cifar.models.errors import CheckpointError
from cifar.models.network import Network, Rest
from cifar.models.preprocessing import Preprocessing

if TYPE_CHECKING:
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
        (images,) = self.session.get_inputs()
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
        """Raise NotImplementedError: there are no layers."""
        raise NotImplementedError

    def cut(self, x: torch.Tensor, name: str) -> tuple[torch.Tensor, Rest]:
        """Raise ValueError: there are no layers."""
        self.layer(name)
        raise NotImplementedError

    def _run(self, images: np.ndarray, size: int) -> list[np.ndarray]:
        """Run a batch; one that is smaller than the fixed size is filled up."""
        missing = size - len(images)
        filled = np.concatenate([images, np.repeat(images[:1], missing, axis=0)])
        outputs = self.session.run(None, {self.input: filled})
        return [values[: len(images)] for values in outputs]


def _session(content: bytes, place: str) -> "InferenceSession":
    try:
        import onnxruntime
    except ImportError as error:
        raise LensError(
            "A network in an ONNX file needs onnxruntime: run `pip install onnxruntime` and then "
            "this command again."
        ) from error
    try:
        return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise CheckpointError(f"{place} cannot be read as ONNX: {first}.") from error
