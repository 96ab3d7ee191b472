"""The dependencies of the package, read from the requirements files when it is built."""

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

FOLDER = Path(__file__).parent


class Requirements(MetadataHookInterface):
    """Dependencies are those of requirements.txt, the extra `dev` those of requirements-dev.txt.

    The extras mcp, timm and onnx are for one part each.
    """

    def update(self, metadata: dict) -> None:
        """Add the dependencies to the project's metadata."""
        dependencies, dev = _lines("requirements.txt"), _lines("requirements-dev.txt")
        gradio = next(line for line in dependencies if line.startswith("gradio>"))
        mcp = gradio.replace("gradio", "gradio[mcp]", 1)
        metadata["dependencies"] = dependencies
        onnx = next(line for line in dev if line.startswith("onnxruntime>"))
        extras = {"dev": dev, "mcp": [mcp], "timm": ["timm>=1,<2"], "onnx": [onnx]}
        metadata["optional-dependencies"] = extras


def _lines(name: str) -> list[str]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line[:1].isalnum()]
