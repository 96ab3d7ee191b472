"""Constants of the networks that need no PyTorch: normalization, layers and titles."""

from dataclasses import dataclass

SIZE = 32  # the side of an image in pixels
# Mean and standard deviation of the 50,000 training images, per channel, on the 0 to 1 scale.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


@dataclass(frozen=True)
class Layer:
    """A layer whose output map can be explained.

    name: of the module. label: for people. size: the side of its map in cells, for a 32x32 image.
    """

    name: str
    label: str
    size: int

    @property
    def title(self) -> str:
        """Label and map size, such as 'stage 1, 16x16 map'."""
        return f"{self.label}, {self.size}x{self.size} map"


# The values of `network` for a brought one, which `config.json` describes: a graph, an ONNX file.
GRAPH, ONNX = "graph", "onnx"
# By the value of `network` in `config.json`.
TITLES = {"resnet": "ResNet", "basenet": "BaseNet"}
LAYERS = {
    "resnet": (
        Layer("prep", "first layer", 32),
        Layer("stage1", "stage 1", 16),
        Layer("stage2", "stage 2", 8),
        Layer("stage3", "stage 3", 4),
    ),
    "basenet": (
        Layer("prep", "first layer", 32),
        Layer("stage1", "stage 1", 32),
        Layer("stage2", "stage 2", 16),
        Layer("stage3", "stage 3", 8),
        Layer("stage4", "stage 4", 4),
    ),
}


def added_layers(config: dict) -> tuple[Layer, ...]:
    """Return the layers of a brought network, from the content of `config.json`."""
    return tuple(Layer(one["name"], one["label"], one["size"]) for one in config["layers"])


def find_layer(layers: tuple[Layer, ...], name: str) -> Layer:
    """Return a layer by name.

    Raises ValueError if there is none.
    """
    for layer in layers:
        if layer.name == name:
            return layer
    known = ", ".join(layer.name for layer in layers)
    raise ValueError(f"There is no layer {name!r}: choose one of {known}.")
